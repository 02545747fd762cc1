import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { connect, TRANSPORTS } from './support/client.ts';
import { deadline } from './support/deadline.ts';
import { sharedServer, startServer } from './support/server.ts';

const ALLOWED = 'https://chat.example.com';

/** The HTTP status of a WebSocket handshake: 101 when it is opened. */
async function handshake(url: string, headers: Record<string, string>): Promise<number> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`, { headers });
  const { promise, resolve } = Promise.withResolvers<number>();
  socket.once('open', () => resolve(101));
  socket.once('unexpected-response', (_, response) => resolve(response.statusCode ?? 0));
  socket.once('error', () => resolve(0));
  return deadline(promise, 'the handshake').finally(() => socket.terminate());
}

function poll(url: string, headers: Record<string, string>): Promise<Response> {
  return fetch(`${url}/socket.io/?EIO=4&transport=polling`, { headers });
}

/** What the server says that a browser may do with an answer, or with a request that it asks about first. */
async function allowed(url: string, origin: string, method: 'GET' | 'OPTIONS' = 'GET') {
  const { headers, status } = await fetch(url, { method, headers: { origin, 'access-control-request-method': 'GET' } });
  const [by, credentials] = ['access-control-allow-origin', 'access-control-allow-credentials'].map((name) =>
    headers.get(name),
  );
  return { ok: status < 400, by, credentials };
}

const POLLING = '/socket.io/?EIO=4&transport=polling';

describe('with CORS_ORIGINS', () => {
  const server = sharedServer({ env: { CORS_ORIGINS: `${ALLOWED},capacitor://localhost` } });

  it.each([
    'https://evil.example.com',
    'http://chat.example.com',
    'https://chat.example.com:8443',
    'https://chat.example.com.evil.example',
    'null',
    'nonsense',
    'http://127.0.0.1:1',
  ])('refuses the origin %s over both transports', async (origin) => {
    expect(await handshake(server.url, { origin })).toBeGreaterThanOrEqual(400);
    const polled = await poll(server.url, { origin });
    expect(polled.status).toBeGreaterThanOrEqual(400);
    expect(polled.headers.get('access-control-allow-origin')).not.toBe(origin);
    expect(polled.headers.get('access-control-allow-origin')).not.toBe('*');
  });

  it.each([ALLOWED, 'capacitor://localhost'])('lets the origin %s in over both transports', async (origin) => {
    expect(await handshake(server.url, { origin })).toBe(101);
    const polled = await poll(server.url, { origin });
    expect(polled.status).toBe(200);
    expect(polled.headers.get('access-control-allow-origin')).toBe(origin);
  });

  it('lets in whoever has no origin, and pages of the same host', async () => {
    expect(await handshake(server.url, {})).toBe(101);
    expect((await poll(server.url, {})).status).toBe(200);
    expect(await handshake(server.url, { origin: server.url })).toBe(101);
    expect((await poll(server.url, { origin: server.url })).status).toBe(200);
  });

  it.each(TRANSPORTS)('lets a client from an allowed origin chat over %s', async (transport) => {
    const client = await connect(server, { transport, headers: { origin: ALLOWED }, username: `ada-${transport}` });
    const room = await client.createRoom();
    await client.say(room, 'hello');
    await expect(connect(server, { transport, headers: { origin: 'https://evil.example.com' } })).rejects.toThrow();
  });
});

describe('with CORS_ORIGINS of pages that have none', () => {
  const origins = ['null', 'file://', 'capacitor://localhost', 'ionic://localhost', 'http://localhost'];
  const server = sharedServer({ env: { CORS_ORIGINS: origins.join(',') } });

  it.each(origins)('lets %s in over both transports, with cookies too', async (origin) => {
    expect(await handshake(server.url, { origin })).toBe(101);
    for (const method of ['GET', 'OPTIONS'] as const) {
      expect(await allowed(server.url + POLLING, origin, method)).toEqual({
        ok: true,
        by: origin,
        credentials: 'true',
      });
      expect(await allowed(`${server.url}/health`, origin, method)).toMatchObject({ by: origin, credentials: 'true' });
    }
  });

  it.each(['file:///', 'http://localhost:8080', 'https://localhost', 'capacitor://evil'])(
    'refuses %s',
    async (origin) => {
      expect(await handshake(server.url, { origin })).toBeGreaterThanOrEqual(400);
      expect(await allowed(server.url + POLLING, origin)).toMatchObject({ ok: false, by: null });
    },
  );
});

it('says nothing of cookies by default, which browsers then do not send', async () => {
  await using server = await startServer();
  for (const path of [POLLING, '/health'])
    expect(await allowed(server.url + path, 'https://a.example')).toEqual({ ok: true, by: '*', credentials: null });
});

it('lets every origin in by default', async () => {
  await using server = await startServer();
  const origin = 'https://anywhere.example.com';
  expect(await handshake(server.url, { origin })).toBe(101);
  const polled = await poll(server.url, { origin });
  expect(polled.status).toBe(200);
  expect(['*', origin]).toContain(polled.headers.get('access-control-allow-origin'));
});
