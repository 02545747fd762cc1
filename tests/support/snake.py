"""A plain python-socketio client that a test steers: python snake.py URL sync|async TRANSPORTS AUTH.

A line of standard input is [command, payload], or ["auth", AUTH] for what later handshakes are to carry. A line of
standard output is [what happened, value]: here, lost, answer, no answer, or the name of an event.
"""

import asyncio
import json
import sys

import socketio

url, kind, transports, auth = sys.argv[1], sys.argv[2], sys.argv[3].split(","), json.loads(sys.argv[4])
EVENTS = ("connect_response", "error", "message", "message_updated", "message_deleted", "server_closing")
SETTINGS = {"reconnection_delay": 0.1, "reconnection_delay_max": 0.1}


def tell(what, value=None):
    print(json.dumps([what, value]), flush=True)


def listen(io):
    io.on("connect", lambda: tell("here", io.transport()))
    io.on("disconnect", lambda *_: tell("lost"))
    for event in EVENTS:
        io.on(event, lambda value, event=event: tell(event, value))
    return {"transports": transports, "auth": lambda: auth}


def steps(line):
    """What a line asks for: a command to call, or None."""
    global auth
    command, payload = json.loads(line)
    if command != "auth":
        return command, payload
    auth = payload


def run_sync():
    io = socketio.Client(**SETTINGS)
    io.connect(url, **listen(io))
    for line in sys.stdin:
        step = steps(line)
        try:
            if step:
                tell("answer", io.call(*step, timeout=5))
        except socketio.exceptions.SocketIOError as error:
            tell("no answer", repr(error))


async def run_async():
    io = socketio.AsyncClient(**SETTINGS)
    await io.connect(url, **listen(io))
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        step = steps(line)
        try:
            if step:
                tell("answer", await io.call(*step, timeout=5))
        except socketio.exceptions.SocketIOError as error:
            tell("no answer", repr(error))


run_sync() if kind == "sync" else asyncio.run(run_async())
