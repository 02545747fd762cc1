import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { connect, guest, type Host, unique } from './support/client.ts';
import { deadline } from './support/deadline.ts';
import { freePort, type ServerProcess, spawnServer } from './support/process.ts';
import { PROXY_NAMES, proxyVersion, type RunningProxy, startProxy } from './support/proxies.ts';
import { Clients, shown, until } from './support/sdk.ts';

/** How many connections an address may have in these tests. */
const PER_ADDRESS = 6;

/** The HTTP status of a WebSocket handshake, and how to end it. */
async function handshake(url: string, options: { headers?: Record<string, string | string[]>; localAddress?: string }) {
  const address = `${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`;
  const socket = new WebSocket(address, options as object);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  socket.once('open', () => resolve(101));
  socket.once('unexpected-response', (_, response) => resolve(response.statusCode ?? 0));
  socket.on('error', reject);
  const status = await deadline(promise, 'the handshake');
  return { status, [Symbol.dispose]: () => socket.terminate() };
}

/** Chats through the proxy with one way to connect, and tells by which way it ended up. */
async function chat(host: Host, transport: Parameters<typeof guest>[2]): Promise<string> {
  const ada = await guest(host, 'ada', transport);
  const { engine } = ada.socket.io;
  if (Array.isArray(transport) && engine.transport.name !== 'websocket') {
    await deadline(new Promise((resolve) => engine.once('upgrade', resolve)), 'the upgrade');
  }
  const can = await guest(host, 'can', transport);
  const room = await ada.createRoom();
  await can.ok('join_room', { room_id: room.id });
  await can.say(room, 'merhaba');
  await ada.waitFor('message', ({ content }) => content === 'merhaba');
  ada.close();
  can.close();
  return engine.transport.name;
}

describe.each(PROXY_NAMES)('behind %s', (name) => {
  const version = proxyVersion(name);
  let server: ServerProcess;
  let proxy: RunningProxy;
  const host = (): Host => ({ url: proxy.url, track: (client) => server.track(client) });

  beforeAll(async () => {
    if (version === undefined) return;
    server = await spawnServer({
      PORT: await freePort(),
      LOG_LEVEL: 'warn',
      TRUST_PROXY: '1',
      RATE_LIMITS: `connections_per_address=${PER_ADDRESS}`,
      CORS_ORIGINS: 'https://app.example.com',
    });
    proxy = await startProxy(name, server.url);
  });

  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  describe.skipIf(version === undefined)(version ?? `(${name} is not installed)`, () => {
    it('lets clients chat, by polling, by WebSocket and with the upgrade from one to the other', async () => {
      expect(await chat(host(), 'polling')).toBe('polling');
      expect(await chat(host(), 'websocket')).toBe('websocket');
      expect(await chat(host(), ['polling', 'websocket'])).toBe('websocket');
    });

    it('lets in pages of its own origin, its port included, and of no other', async () => {
      for (const [origin, status] of Object.entries({ [proxy.url]: 101, 'http://127.0.0.1': 400 })) {
        using opened = await handshake(proxy.url, { headers: { origin } });
        expect(opened.status, origin).toBe(status);
      }
    });

    it('shows the server the address of each client, whatever the client says', async () => {
      using opened = new DisposableStack();
      const forged = (i: number) => ({ 'x-forwarded-for': [`203.0.113.${i}`, `198.51.100.${i}`] });
      const statuses: number[] = [];
      // Of another address than the tests that follow: the end of a connection takes its time through a proxy.
      const localAddress = '127.0.0.3';
      for (let i = 0; i <= PER_ADDRESS; i++) {
        statuses.push(opened.use(await handshake(proxy.url, { headers: forged(i), localAddress })).status);
      }
      expect(statuses).toEqual([...Array.from({ length: PER_ADDRESS }, () => 101), 429]);
      expect(opened.use(await handshake(proxy.url, { localAddress: '127.0.0.2' })).status).toBe(101);
      for (const address of [undefined, '127.0.0.1', '::1']) {
        const headers = address === undefined ? {} : { 'x-forwarded-for': address };
        expect((await fetch(`${proxy.url}/metrics`, { headers })).status).toBe(403);
      }
    });

    it('passes on that the server stops, and finds it again', async () => {
      const clients = await Promise.all([guest(host(), 'ada', 'websocket'), guest(host(), 'can', 'polling')]);
      expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
      const away = fetch(`${proxy.url}/health/live`);
      for (const client of clients) {
        await client.waitFor('server_closing');
        await client.ended();
      }
      expect((await away).status).toBeGreaterThanOrEqual(502);
      await server.start();
      for (const client of clients) await connect(host(), { token: client.me.token });
    });

    if (name === 'haproxy') {
      it('keeps /metrics closed when the proxy does not say for whom it asks, and says so once in the log', async () => {
        await using silent = await startProxy(name, server.url, { without: 'option forwardfor' });
        expect((await fetch(`${silent.url}/metrics`)).status).toBe(403);
        for (let i = 0; i < 2; i++) await (await fetch(`${silent.url}/socket.io/?EIO=4&transport=polling`)).text();
        await server.program.output(/sends no X-Forwarded-For/);
        expect(server.program.stdout.match(/sends no X-Forwarded-For/g)).toHaveLength(1);
      });
    }

    if (name !== 'caddy') return;
    it('ends WebSockets when it loads its configuration again, whose clients come back', async () => {
      await using clients = new Clients();
      const chat = await clients.guest(proxy.url, 'ada');
      const room = await chat.createRoom({ name: unique('garden') });
      await promisify(execFile)('caddy', ['reload', '--force', '--adapter', 'caddyfile', '--config', proxy.file]);
      await until(chat, () => chat.state !== 'live');
      await room.send('still here');
      expect(shown(room)).toEqual(['still here']);
    });
  });
});
