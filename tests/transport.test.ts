import { once } from 'node:events';
import { createServer, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, type Socket } from 'socket.io';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Chunk, eventPacket } from '../app/sockets/frames.ts';
import { Backlog, missingInternals, releaseUpgrades, wayTo, writeChunks } from '../app/sockets/transport.ts';

const http = createServer();
const server = new Server(http, { perMessageDeflate: false });

beforeAll(async () => {
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
});
afterAll(async () => {
  await server.close();
});

/** A client on this transport, and its socket at the server. */
async function pair(transport: 'websocket' | 'polling') {
  const { port } = http.address() as AddressInfo;
  const client = io(`http://127.0.0.1:${port}`, { transports: [transport], forceNew: true, reconnection: false });
  const [socket] = (await once(server, 'connection')) as [Socket];
  if (!client.connected) await new Promise<void>((resolve) => client.once('connect', () => resolve()));
  return { client, socket };
}

/** Everything that a client hears, once it has heard `last`. */
function heard(client: ReturnType<typeof io>, last: string): Promise<string[]> {
  const names: string[] = [];
  return new Promise((resolve) => {
    client.onAny((name: string) => {
      names.push(name);
      if (name === last) resolve(names);
    });
  });
}

const chunk = (...names: string[]) => new Chunk(names.map((name) => eventPacket(name, '{}')));

// Fails when an upgrade of socket.io, engine.io or ws changes what transport.ts leans on.
describe('the internals of the installed packages', () => {
  it('are all there', () => {
    expect(missingInternals()).toEqual([]);
  });

  it('let frames go straight to an idle WebSocket', async () => {
    const { client, socket } = await pair('websocket');
    const names = heard(client, 'c');
    expect(wayTo(socket)).toBe('direct');
    writeChunks(socket, [chunk('a', 'b'), chunk('c')]);
    expect(await names).toEqual(['a', 'b', 'c']);
    client.close();
  });

  it('keep the order with what Socket.IO sends before and after', async () => {
    const { client, socket } = await pair('websocket');
    const names = heard(client, 'h');
    socket.emit('a');
    socket.emit('b');
    expect(wayTo(socket)).toBe('queued');
    writeChunks(socket, [chunk('c', 'd')]);
    socket.emit('e');
    writeChunks(socket, [chunk('f')]);
    socket.emit('g');
    writeChunks(socket, [chunk('h')]);
    expect(await names).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']);
    client.close();
  });

  it('leave long-polling to the ordinary way', async () => {
    const { client, socket } = await pair('polling');
    const names = heard(client, 'd');
    expect(wayTo(socket)).toBe('ordinary');
    socket.emit('a');
    writeChunks(socket, [chunk('b', 'c'), chunk('d')]);
    expect(await names).toEqual(['a', 'b', 'c', 'd']);
    client.close();
  });

  it('show what waits for a socket that does not read', async () => {
    const { client, socket } = await pair('websocket');
    const backlog = new Backlog(socket);
    expect(backlog.bytes).toBe(0);
    const large = new Chunk([eventPacket('a', `"${'x'.repeat(30_000_000)}"`)]);
    writeChunks(socket, [large]);
    const { bytes } = backlog;
    expect(bytes).toBeGreaterThan(1_000_000);
    // What Socket.IO sends first waits in ws, and the rest in Engine.IO's queue.
    socket.emit('b');
    socket.emit('c');
    expect(wayTo(socket)).toBe('queued');
    writeChunks(socket, [new Chunk([eventPacket('d', `"${'x'.repeat(1_000)}"`)]), chunk('e')]);
    expect(backlog.bytes).toBeGreaterThan(bytes + 1_000);
    client.close();
  });
});

describe('the request of a WebSocket', () => {
  it.each([
    ['is let go of when it opened a connection', ['websocket']],
    ['is let go of when a connection by long-polling moved to it', ['polling', 'websocket']],
  ])('%s, and no other is', async (_case, transports) => {
    const listening = createServer().listen(0, '127.0.0.1');
    await once(listening, 'listening');
    const other = new Server(listening);
    const responses: { readonly req: unknown }[] = [];
    other.engine.use((_request: unknown, response: { readonly req: unknown }, next: () => void) => {
      expect(response.req).not.toBeNull();
      responses.push(response);
      next();
    });
    releaseUpgrades(other);
    const { port } = listening.address() as AddressInfo;
    const client = io(`http://127.0.0.1:${port}`, { transports, forceNew: true, reconnection: false });
    await expect.poll(() => client.connected && client.io.engine.transport.name).toBe('websocket');
    for (const response of responses) expect(response.req === null).toBe(!(response instanceof ServerResponse));
    client.close();
    await other.close();
  });
});
