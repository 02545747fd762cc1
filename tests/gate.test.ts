import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect as connectTcp, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { RawConnection, request, upgradeRequest } from '../bench/abuse/raw.ts';
import { connect, guest, TRANSPORTS, unique } from './support/client.ts';
import { deadline } from './support/deadline.ts';
import { openSession } from './support/raw.ts';
import { sharedServer, startServer } from './support/server.ts';

const get = (path: string) => request('GET', path);
const statuses = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
const countOf = async (url: string, name: string) => {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)?.[1]);
};
const portOf = ({ url }: { url: string }) => Number(new URL(url).port);

/** Sends what is given, all at once, and gives everything that came back once the connection has ended. */
async function exchange(port: number, text: string): Promise<string> {
  const raw = new RawConnection(port);
  await raw.write(text);
  await deadline(raw.ended, 'the end of the connection');
  return raw.received;
}

/** How many answers of the server in this process a client's connection is still to be sent, in part or whole. */
class Unsent implements Disposable {
  readonly #client: Socket;
  readonly #requests = new Set<IncomingMessage>();

  constructor(client: Socket) {
    this.#client = client;
    subscribe('http.server.request.start', this.#start);
    subscribe('http.server.response.finish', this.#finish);
  }

  get count(): number {
    return this.#requests.size;
  }

  [Symbol.dispose](): void {
    unsubscribe('http.server.request.start', this.#start);
    unsubscribe('http.server.response.finish', this.#finish);
  }

  readonly #start = (message: unknown): void => {
    const { request } = message as { readonly request: IncomingMessage };
    if (request.socket.remotePort === this.#client.localPort) this.#requests.add(request);
  };

  readonly #finish = (message: unknown): void => {
    this.#requests.delete((message as { readonly request: IncomingMessage }).request);
  };
}

describe('a connection', () => {
  const server = sharedServer();

  it('may ask some things at once, and gets the answers in their order', async () => {
    const raw = new RawConnection(portOf(server));
    const paths = [...Array(3).fill(['/health/live', '/nothing']).flat(), '/health/live'];
    const last = get('/nothing').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n');
    await raw.write(paths.map(get).join('') + last);
    await deadline(raw.ended, 'the end of the connection');
    expect(statuses(raw.received)).toEqual([200, 404, 200, 404, 200, 404, 200, 404]);
  });

  it.each([
    ['pages', get('/')],
    ['probes', get('/health')],
    ['sessions that there are not', get('/socket.io/?EIO=4&transport=polling&sid=none')],
    ['what Node refuses by itself', 'GET / HTTP/1.1\r\nHost: a\r\nExpect: nothing\r\n\r\n'],
    ['no host', 'GET / HTTP/1.1\r\n\r\n'],
    ['bodies', request('POST', '/nothing', 'x')],
  ])('is ended when it asks far too much at once and reads nothing: %s', async (_, one) => {
    const raw = new RawConnection(portOf(server));
    raw.socket.pause();
    void raw.write(one.repeat(Math.ceil(1_500_000 / one.length)));
    // A paused socket does not see the end until it reads.
    await expect.poll(() => raw.write('x'), { timeout: 10_000 }).toBe(false);
    raw.destroy();
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
  });

  it('is answered no more than a few times when it does, whatever one chunk holds', async () => {
    const floods = await countOf(server.url, 'sohbet_floods_total');
    const received = await exchange(portOf(server), get('/health/live').repeat(1_000));
    expect(statuses(received).length).toBeLessThanOrEqual(8);
    expect(await countOf(server.url, 'sohbet_floods_total')).toBe(floods + 1);
  });

  it.each([
    ['HTTP/0.9', 'GET /\r\n\r\n'],
    ['HTTP/0.9 that says so', 'GET / HTTP/0.9\r\nHost: a\r\n\r\n'],
    ['two hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
    ['the same host twice', 'GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n'],
    ['no host in HTTP/1.1', 'GET / HTTP/1.1\r\n\r\n'],
    ['two hosts at Socket.IO', get('/socket.io/?EIO=4&transport=polling').replace('Host', 'Host: b\r\nHost')],
  ])('is refused with 400: %s', async (_, text) => {
    const received = await exchange(portOf(server), text);
    expect(statuses(received)).toEqual([400]);
    expect(received).toContain('"code":"INVALID_INPUT"');
  });

  it('may be HTTP/1.0, without a host, as some probes are', async () => {
    expect(statuses(await exchange(portOf(server), 'GET /health HTTP/1.0\r\n\r\n'))).toEqual([200]);
  });
});

describe('an address', () => {
  const RATE_LIMITS = 'http_requests_per_second=1,http_requests_burst=3';
  const server = sharedServer({ env: { TRUST_PROXY: '1', RATE_LIMITS } });
  const from = (address: string) => ({ headers: { 'X-Forwarded-For': address } });
  const ask = (path: string, address: string, init: RequestInit = {}) =>
    fetch(server.url + path, { ...init, ...from(address) });
  /** Uses up what an address may ask. */
  const exhaust = async (address: string) => {
    for (let i = 0; i < 3; i++) expect((await ask('/docs', address)).status).toBe(200);
  };

  it('may ask for so many pages, whatever they are, and is told when to come back', async () => {
    await exhaust('192.0.2.1');
    for (const path of ['/', '/docs', '/nothing', '/openapi.json', '/assets/icon.svg', '/health/']) {
      const refused = await ask(path, '192.0.2.1');
      expect([path, refused.status]).toEqual([path, 429]);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      const { error } = (await refused.json()) as { error: object };
      expect(error).toEqual({ code: 'RATE_LIMITED', message: expect.any(String), retry_after_ms: expect.any(Number) });
    }
    expect((await ask('/docs', '192.0.2.2')).status).toBe(200);
  });

  it('may ask how the server fares all the same, and chat over both transports', async () => {
    await exhaust('192.0.2.3');
    for (const path of ['/health', '/health/live', '/health?probe=1'])
      for (let i = 0; i < 5; i++) expect((await ask(path, '192.0.2.3')).status).toBe(200);
    expect((await ask('/metrics', '192.0.2.3')).status).toBe(403);
    for (const transport of TRANSPORTS) {
      const client = await connect(server, { ...from('192.0.2.3'), transport, username: unique('ada') });
      const room = await client.createRoom();
      for (let i = 0; i < 5; i++) await client.say(room, 'polls and posts are not counted here');
    }
  });

  it.each([
    ['requests of sessions that there are not', '&sid=none', 'GET'],
    ['what a browser asks before a request of another origin', '', 'OPTIONS'],
  ])('has its rate for %s', async (what, query, method) => {
    const address = `2001:db8:0:${what.length}::1`;
    await exhaust(address);
    const path = `/socket.io/?EIO=4&transport=polling${query}`;
    expect((await ask(path, address, { method })).status).toBe(429);
    const other = await ask(path, `2001:db8:1:${what.length}::1`, { method });
    expect(other.status).not.toBe(429);
  });

  it.each([
    ['PUT', 'polling'],
    ['OPTIONS', 'polling'],
    ['GET', 'websocket'],
  ])('has its rate for what no session takes, though it names one: %s on %s', async (method, transport) => {
    const session = await openSession(server);
    const address = `2001:db8:2:${method.length}${transport.length}::1`;
    await exhaust(address);
    const url = session.replace('transport=polling', `transport=${transport}`);
    expect((await fetch(url, { method, ...from(address) })).status).toBe(429);
  });
});

describe('an upgrade', () => {
  const server = sharedServer({ env: { RATE_LIMITS: 'connections_per_address=4' } });

  it.each(['/', '/socket.io', '/socket.io/x?EIO=4&transport=websocket', '/docs?/socket.io/'])(
    'to WebSocket at %s ends the connection, whatever was asked on it before',
    async (path) => {
      // More than an address may have, one after another: what is not freed keeps the next one out.
      for (let i = 0; i < 10; i++) {
        const socket = connectTcp({ port: portOf(server), host: '127.0.0.1', allowHalfOpen: true });
        socket.on('error', () => {});
        socket.write(get('/health/live'));
        await deadline(new Promise((resolve) => socket.once('data', resolve)), 'the first answer');
        const ended = new Promise((resolve) => socket.once('close', resolve));
        socket.resume().once('end', () => socket.destroy());
        socket.write(upgradeRequest(path));
        socket.end();
        await deadline(ended, 'the end of the connection');
      }
      expect((await fetch(`${server.url}/health`)).status).toBe(200);
    },
  );

  it('does not come before the answers to what was asked on the connection', async () => {
    const received = await exchange(portOf(server), get('/docs') + upgradeRequest());
    expect(received).not.toContain(' 101 ');
  });

  it('follows an answer on the same connection', async () => {
    const raw = new RawConnection(portOf(server));
    await raw.write(get('/health/live'));
    await raw.seen(/"up"/);
    await raw.write(upgradeRequest());
    expect(await deadline(raw.seen(/0\{"sid"/), 'the handshake')).toBe(true);
    raw.destroy();
  });

  it('that is refused frees the connection, though the client keeps it open', async () => {
    await using strict = await startServer({ env: { RATE_LIMITS: 'handshakes_per_second=1,handshakes_burst=1' } });
    await guest(strict, 'ada');
    const socket = connectTcp({ port: strict.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.write(upgradeRequest());
    let answer = '';
    socket.on('data', (data) => {
      answer += data;
    });
    await deadline(new Promise((resolve) => socket.once('end', resolve)), 'the end');
    expect(statuses(answer)).toEqual([429]);
    // The server has let go of it: what comes still is answered with a reset.
    const gone = new Promise((resolve) => socket.once('close', resolve).once('error', resolve));
    const writing = setInterval(() => socket.write('x'), 20);
    await deadline(gone, 'the reset').finally(() => clearInterval(writing));
    socket.destroy();
  });
});

describe('answers', () => {
  const times = { SIGN_IN_TIMEOUT: '0.5', SOCKET_PING_INTERVAL: '1.5', SOCKET_PING_TIMEOUT: '2' };
  const server = sharedServer({ env: times });

  it('that nobody reads end the connection', async () => {
    const slow = await countOf(server.url, 'sohbet_slow_clients_total');
    const raw = new RawConnection(portOf(server));
    raw.socket.pause();
    await once(raw.socket, 'connect');
    using unsent = new Unsent(raw.socket);
    // It asks until the network holds no more. What it sends then is no reason to wait for it.
    const next = () => raw.write(unsent.count === 0 ? get('/docs') : '\r\n');
    await expect.poll(next, { timeout: 10_000, interval: 5 }).toBe(false);
    expect(await countOf(server.url, 'sohbet_slow_clients_total')).toBe(slow + 1);
  });

  it('do not cut a poll that waits behind them', async () => {
    const session = await openSession(server);
    await fetch(session, { method: 'POST', body: `40${JSON.stringify({ username: unique('ada') })}` });
    while (!(await (await fetch(session)).text()).includes('rooms_list'));
    const raw = new RawConnection(portOf(server));
    await raw.write(get('/health/live') + get(session.slice(server.url.length)));
    // Engine.IO's ping, which comes long after an unread answer would have been cut.
    expect(await deadline(raw.seen(/\r\n\r\n2$/), 'the ping')).toBe(true);
    raw.destroy();
  });
});
