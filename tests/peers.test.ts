import { describe, expect, it } from 'vitest';
import { RawConnection, request } from '../bench/abuse/raw.ts';
import { unique } from './support/client.ts';
import { deadline } from './support/deadline.ts';
import { openSession } from './support/raw.ts';
import { startServer } from './support/server.ts';

const get = request('GET', '/health/live');

/** Opens a TCP connection and asks one thing on it; gives it when it was answered, null when it was ended. */
async function open(port: number): Promise<RawConnection | null> {
  const raw = new RawConnection(port);
  await raw.write(get);
  return (await deadline(raw.seen(/"up"/), 'an answer or the end')) ? raw : null;
}

describe('TCP connections of an address', () => {
  it('are twice as many as its connections at most, until one has ended', async () => {
    await using server = await startServer({ env: { RATE_LIMITS: 'connections_per_address=3' } });
    const opened = await Promise.all(Array.from({ length: 9 }, () => open(server.port)));
    const there = opened.filter((raw) => raw !== null);
    expect(there).toHaveLength(6);
    there[0]?.destroy();
    await expect.poll(async () => (await open(server.port)) !== null, { timeout: 5_000 }).toBe(true);
    for (const raw of there) raw.destroy();
  });

  it('are not counted behind a proxy, whose connections stand for many', async () => {
    await using server = await startServer({ env: { TRUST_PROXY: '1', RATE_LIMITS: 'connections_per_address=1' } });
    const opened = await Promise.all(Array.from({ length: 6 }, () => open(server.port)));
    expect(opened.filter((raw) => raw !== null)).toHaveLength(6);
    for (const raw of opened) raw?.destroy();
  });
});

describe('a request that does not come to its end', () => {
  it.each([
    ['its headers', 'GET / HTTP/1.1\r\nHost: a\r\n', 'X: y\r\n'],
    ['the body of a page', request('POST', '/nothing', 'x', 10_000), 'x'],
  ])('ends its connection: %s', async (_, head, more) => {
    await using server = await startServer({ env: { SIGN_IN_TIMEOUT: '0.4' } });
    const raw = new RawConnection(server.port);
    await raw.write(head);
    const sending = setInterval(() => void raw.write(more), 50);
    await deadline(raw.ended, 'the end of the connection', 10_000).finally(() => clearInterval(sending));
    expect(raw.received).toMatch(/^HTTP\/1\.1 4/);
  });

  it('ends its connection: the body of a session that has signed in', async () => {
    await using server = await startServer({ env: { SIGN_IN_TIMEOUT: '0.4' } });
    const session = await openSession(server);
    await fetch(session, { method: 'POST', body: `40${JSON.stringify({ username: unique('ada') })}` });
    while (!(await (await fetch(session)).text()).includes('rooms_list'));
    const raw = new RawConnection(server.port);
    await raw.write(request('POST', session.slice(server.url.length), '4', 10_000));
    const sending = setInterval(() => void raw.write('x'), 50);
    await deadline(raw.ended, 'the end of the connection', 10_000).finally(() => clearInterval(sending));
  });
});
