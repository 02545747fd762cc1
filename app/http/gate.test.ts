import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { createMetrics } from '../core/metrics.ts';
import { Gate } from './gate.ts';

const TIMEOUT_MS = 400;
const LARGE = Buffer.alloc(32 * 2 ** 20);

/** A server behind a gate that answers everything in one way. */
async function start(answer: RequestListener) {
  const metrics = createMetrics();
  const logger = pino({ level: 'silent' });
  const gate = new Gate({
    limits: null,
    addressOf: () => '',
    isUnnamed: () => false,
    timeoutMs: TIMEOUT_MS,
    logger,
    metrics,
  });
  const server = createServer(gate.serverOptions, answer);
  gate.noteRoutes(server);
  gate.protect(server, { path: '/socket.io/', isCounted: () => false });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    ask() {
      const socket = connect(port, '127.0.0.1').on('error', () => {});
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      return socket;
    },
    cut: async () => (await metrics.slowClients.get()).values[0]?.value,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('an answer', () => {
  it('that is read in small pieces is read to its end, however long that takes', async () => {
    await using server = await start((_, response) => response.end(LARGE));
    const socket = server.ask();
    let [received, piece] = [0, 0];
    // Three times as long as an answer may rest, and steady: systems tell of room in steps.
    socket.on('data', ({ length }) => {
      received += length;
      piece += length;
      if (piece < 131_072) return;
      piece = 0;
      socket.pause();
      setTimeout(() => socket.resume(), 10);
    });
    await vi.waitUntil(() => received > LARGE.length || socket.destroyed, { timeout: 30_000 });
    expect(received).toBeGreaterThan(LARGE.length);
    socket.destroy();
  });

  it('that is not read ends the connection, and is counted', async () => {
    await using server = await start((_, response) => response.end(LARGE));
    const socket = server.ask().pause();
    await vi.waitUntil(async () => (await server.cut()) === 1, { timeout: 10_000 });
    await vi.waitUntil(() => !socket.write('\r\n') || socket.destroyed, { timeout: 10_000 });
    socket.destroy();
  });

  it('that comes after the client has gone is waited for no more', async () => {
    let gone: Promise<unknown> | undefined;
    await using server = await start((request, response) => {
      if (gone === undefined) gone = once(request.socket, 'close').then(() => response.end('too late'));
      else response.end(LARGE);
    });
    const first = server.ask();
    await vi.waitUntil(() => gone !== undefined);
    first.destroy();
    await gone;
    const socket = server.ask().pause();
    await vi.waitUntil(() => !socket.write('\r\n') || socket.destroyed, { timeout: 10_000 });
    expect(await server.cut()).toBe(1);
    socket.destroy();
  });

  it('may take its time, as a poll does', async () => {
    await using server = await start((_, response) => void setTimeout(() => response.end('at last'), 4 * TIMEOUT_MS));
    const socket = server.ask();
    const [data] = (await once(socket, 'data')) as [Buffer];
    expect(data.toString()).toContain('at last');
    expect(await server.cut()).toBe(0);
    socket.destroy();
  });
});
