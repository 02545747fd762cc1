import { describe, expect, it } from 'vitest';
import { connect, TRANSPORTS, unique } from './support/client.ts';
import { freePort, RunningProgram, spawnServer } from './support/process.ts';
import { findPython } from './support/python.ts';
import { openPolling, openRaw } from './support/raw.ts';
import { sharedServer, startServer } from './support/server.ts';

/** Connects, stays, and says what happens to it. */
const STAY = `
import asyncio, sys, socketio
async def main():
    sio = socketio.AsyncClient(reconnection_delay=0.1, reconnection_delay_max=0.1)
    sio.on('connect', lambda: print('here', flush=True))
    sio.on('disconnect', lambda *_: print('lost', flush=True))
    await sio.connect(sys.argv[1], auth={'username': sys.argv[2]}, transports=sys.argv[3].split(','))
    await sio.wait()
asyncio.run(main())
`;

describe('a connection that ends because the server stops', () => {
  it('ends as a lost network does on WebSocket: without a close frame, behind what was sent', async () => {
    await using server = await startServer();
    const raw = await openRaw(server, { username: unique('raw') });
    await server.stop();
    expect(await raw.closed).toBe(1006);
    expect(raw.frames.at(-1)).toContain('server_closing');
  });

  it('is gone for long-polling once it has what was sent, with no packet that says goodbye', async () => {
    await using server = await startServer();
    const [waiting, between] = [await openPolling(server), await openPolling(server)];
    const poll = fetch(waiting);
    await fetch(`${server.url}/health`);
    const stopped = server.stop();
    for (const packets of [await (await poll).text(), await (await fetch(between)).text()]) {
      expect(packets.split('\u001e').at(-1)).toMatch(/^42\["server_closing"/);
    }
    // Such a packet would come now.
    expect(
      await fetch(between).then(
        ({ status }) => status,
        () => 'refused',
      ),
    ).not.toBe(200);
    await stopped;
  });

  it.each(TRANSPORTS)('is made good by the JavaScript client by %s', async (transport) => {
    await using server = await startServer();
    const client = await connect(server, { transport, username: unique('ada') });
    await server.stop();
    expect(await client.ended()).toMatch(/^transport (close|error)$/);
    expect(client.socket.active).toBe(true);
  });

  it.for(['websocket', 'polling', 'polling,websocket'])(
    'is made good by python-socketio by %s',
    async (transports, { skip }) => {
      const python = findPython('socketio, aiohttp');
      if (python === undefined) return skip('no Python here has python-socketio and aiohttp');
      const { PYTHONPATH } = process.env;
      await using server = await spawnServer({ PORT: await freePort() });
      const options = { cwd: server.folder, env: { PYTHONPATH } };
      const client = new RunningProgram(python, ['-c', STAY, server.url, unique('snake'), transports], options);
      try {
        await client.output(/here/);
        await server.kill('SIGTERM');
        await client.output(/lost/);
        await server.start();
        await client.output(/lost\s+here/);
      } finally {
        client.kill('SIGKILL');
      }
    },
  );
});

describe('a connection that ends for good', () => {
  const server = sharedServer();

  it('is told so, and closed in the polite way', async () => {
    const raw = await openRaw(server, { username: unique('raw') });
    raw.send('420["sign_out"]');
    expect(await raw.closed).toBe(1005);
    expect(raw.frames.at(-1)).toBe('41');
  });

  it.each(TRANSPORTS)('is not made good by the JavaScript client by %s', async (transport) => {
    const client = await connect(server, { transport, username: unique('ada') });
    await client.ok('sign_out', {});
    expect(await client.ended()).toBe('io server disconnect');
    expect(client.socket.active).toBe(false);
  });
});

it('writes of a packet that is none one line at debug, and ends its connection', async () => {
  await using server = await spawnServer({ LOG_LEVEL: 'debug' });
  const raw = await openRaw(server, { username: unique('raw') });
  raw.send('42{[');
  expect(await raw.closed).toBe(1006);
  const [line] = await server.program.output(/.*a packet was malformed.*/);
  expect(JSON.parse(line)).toMatchObject({ level: 'debug', reason: 'invalid payload' });
  expect(server.program.stdout).not.toContain('"stack"');
});
