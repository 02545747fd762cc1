"""A chat in the terminal with the plain python-socketio client, no SDK: how to sign in, resume and send safely.

    pip install "python-socketio[client]"
    python chat.py NAME [ROOM] [URL]

It follows docs/client-rules.md: a cursor for the room, moved by live entries and by sync alone, and a key for each
message, so that a message whose answer was lost is repeated and stored once. The token is kept in NAME.token: started
again, it is the same user.
"""

import os
import pathlib
import queue
import random
import sys
import threading
import time
import uuid

import socketio

ANSWER_S = 10
# UNAUTHENTICATED: the connection is a new one, and its sign-in is still to come.
RETRYABLE = ("RATE_LIMITED", "OVERLOADED", "UNAVAILABLE", "INTERNAL", "UNAUTHENTICATED")


def stop(reason):
    """Ends the program, from any thread."""
    print(reason, file=sys.stderr, flush=True)
    os._exit(1)


class Refused(Exception):
    """The server said no; `code` says why."""

    def __init__(self, error):
        super().__init__(error["message"])
        self.code = error["code"]
        self.wait_s = error.get("retry_after_ms", 1000) / 1000


class Chat:
    def __init__(self, url, username, room_name):
        self.url, self.username, self.room_name = url, username, room_name
        self.io = socketio.Client(reconnection=False)
        self.token_file = pathlib.Path(f"{username}.token")
        self.epoch = self.room_id = None
        self.cursor = 0
        self.held = {}  # entries that came before one that is missing, by number
        self.inbox = queue.Queue()  # what one thread works off in order: an entry, or None for a new connection
        self.outbox = queue.Queue()
        self.ready = threading.Event()
        self.io.on("connect", lambda: self.inbox.put(None))
        self.io.on("disconnect", self.disconnected)
        self.io.on("server_closing", self.server_closing)
        self.return_s = 0
        self.leaving = False
        self.io.on("room_deleted", self.room_deleted)
        self.io.on("*", self.event)

    def server_closing(self, message):
        self.return_s = message["retry_after_ms"] / 1000

    def room_deleted(self, deleted):
        if deleted["room_id"] == self.room_id:
            stop("The room was deleted.")

    def event(self, _, payload=None):
        """Whatever has room_id and rev is an entry of that room's log, whether this program knows its name or not."""
        if isinstance(payload, dict) and "room_id" in payload and "rev" in payload:
            self.inbox.put(payload)

    def disconnected(self, *_):
        self.ready.clear()
        if not self.leaving:
            threading.Thread(target=self.come_back, daemon=True).start()

    def come_back(self):
        """Connects here, to wait as long as server_closing asks."""
        wait_s, self.return_s = self.return_s, 1
        time.sleep(wait_s)
        while not self.io.connected and not self.leaving:
            try:
                self.io.connect(self.url, transports=["websocket"])
            except (ValueError, socketio.exceptions.SocketIOError):  # ValueError: the last attempt is not over
                time.sleep(random.uniform(0.5, 5))

    def call(self, command, payload):
        connection = self.io.sid
        try:
            answer = self.io.call(command, payload, timeout=ANSWER_S)
        except socketio.exceptions.TimeoutError:
            if self.io.sid == connection:
                self.io.disconnect()  # no answer: this connection is dead
            raise
        if not answer["ok"]:
            raise Refused(answer["error"])
        return answer

    def follow(self):
        """Keeps the room up to date, through every reconnection."""
        while True:
            entry = self.inbox.get()
            try:
                self.resume() if entry is None else self.entry(entry)
            except Refused as refused:
                if refused.code == "INVALID_TOKEN":
                    self.token_file.unlink()  # the next start makes a new guest
                if refused.code not in RETRYABLE:
                    stop(refused)
                time.sleep(refused.wait_s)
                self.inbox.put(None)
            except socketio.exceptions.SocketIOError:
                pass  # the connection was lost: the next one puts None in the inbox

    def resume(self):
        """Signs in, and fetches what was missed."""
        if not self.ready.is_set():
            known = self.token_file.exists()
            who = {"token": self.token_file.read_text()} if known else {"username": self.username}
            session = self.call("authenticate", who)
            self.token_file.write_text(session["token"])
            if session["epoch"] != self.epoch:
                self.epoch = session["epoch"]
                self.enter()
            self.ready.set()
        self.sync()

    def enter(self):
        """Joins the room and begins with its newest messages."""
        if self.room_id is None:
            rooms = self.call("get_rooms", {"query": self.room_name})["rooms"]
            found = [room["id"] for room in rooms if room["name"] == self.room_name]
            self.room_id = found[0] if found else self.call("create_room", {"name": self.room_name})["room"]["id"]
        answer = self.call("join_room", {"room_id": self.room_id})
        self.cursor = answer["room"]["seq"]
        self.held.clear()
        for message in answer["messages"]:
            self.show(message)

    def sync(self):
        more = True
        while more:
            asked = {"room_id": self.room_id, "seq": self.cursor}
            page = self.call("sync", {"epoch": self.epoch, "rooms": [asked]})["rooms"][0]
            if "error" in page:
                stop(f"The room is closed to us: {page['error']}")
            if page["reset"]:
                return self.enter()
            for message in page["messages"]:
                self.take(message)
            more = page["has_more"]
            if not more:
                self.cursor = max(self.cursor, page["head"])
            self.take_held()

    def entry(self, entry):
        """A live entry: the next one is shown, a lower one dropped, a higher one kept until sync has filled the gap."""
        if entry["room_id"] != self.room_id or entry["rev"] <= self.cursor:
            return
        self.held[entry["rev"]] = entry
        self.take_held()
        if self.held:
            self.sync()

    def take_held(self):
        self.held = {rev: entry for rev, entry in self.held.items() if rev > self.cursor}
        while self.cursor + 1 in self.held:
            self.take(self.held.pop(self.cursor + 1))

    def take(self, entry):
        self.cursor = entry["rev"]
        if "seq" in entry and "content" in entry:  # otherwise it tells what this program does not show
            self.show(entry)

    def show(self, message):
        text = "(deleted)" if message["deleted"] else message["content"]
        print(f"{message['username']}: {text}", flush=True)

    def send_all(self):
        """Sends one message after another, each with its key, and repeats it until the server has decided."""
        while True:
            message = self.outbox.get()
            while not self.sent(message):
                pass
            self.outbox.task_done()

    def sent(self, message):
        self.ready.wait()
        try:
            self.call("send_message", message)
            return True
        except Refused as refused:
            if refused.code in RETRYABLE:
                time.sleep(refused.wait_s)
                return False
            print(f"! {refused}", flush=True)
            return True
        except socketio.exceptions.SocketIOError:
            time.sleep(0.2)  # the connection was lost: the same key makes the repetition safe
            return False

    def run(self):
        for work in (self.follow, self.send_all):
            threading.Thread(target=work, daemon=True).start()
        self.come_back()
        self.ready.wait()
        print(f"You are {self.username} in {self.room_name}.", flush=True)
        for line in sys.stdin:
            if line.strip():
                message = {"room_id": self.room_id, "content": line.strip(), "client_id": str(uuid.uuid4())}
                self.outbox.put(message)
        self.outbox.join()
        self.leaving = True
        self.io.disconnect()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("Give your name: python chat.py ada")
    name, room, url = (sys.argv[1:] + ["lobby", "http://localhost:8000"][len(sys.argv) - 2 :])[:3]
    try:
        Chat(url, name, room).run()
    except KeyboardInterrupt:
        pass
