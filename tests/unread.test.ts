import { beforeAll, describe, expect, it } from 'vitest';
import { PollingSession, RawConnection, request } from '../bench/abuse/raw.ts';
import { HISTORIES, makeHistory } from '../bench/abuse/unread.ts';
import { guest, type Host, type TestClient } from './support/client.ts';
import { sharedServer, startServer } from './support/server.ts';

const METRICS_TOKEN = 'let-me-in';
const SCRAPER = { headers: { authorization: `Bearer ${METRICS_TOKEN}` } };

/** How often a command was answered so; one that takes part in a test is answered by nobody else meanwhile. */
async function answered({ url }: Host, command: string, result: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`, SCRAPER)).text();
  return Number(
    new RegExp(`^sohbet_commands_total{command="${command}",result="${result}"} (\\d+)`, 'm').exec(text)?.[1] ?? 0,
  );
}

/** Carries out what makes the server answer a command so many times, and waits until it has. */
async function until(server: Host, command: string, count: number, act: () => Promise<void>): Promise<void> {
  const before = await answered(server, command, 'ok');
  await act();
  await expect.poll(() => answered(server, command, 'ok'), { timeout: 20_000, interval: 20 }).toBe(before + count);
}

/** Commands that ask for the newest page of history, which is as large as an answer may be. */
const pages = (room_id: string, ids: readonly number[]) =>
  ids.map((id) => `42${id}["get_messages",${JSON.stringify({ room_id, limit: 100 })}]`);

const ids = (count: number, from = 1) => Array.from({ length: count }, (_, i) => from + i);

/** A session of a user of the room. */
async function openMember(server: Host, room_id: string, headers: Record<string, string> = {}) {
  const member = await guest(server, 'member');
  await member.ok('join_room', { room_id });
  const session = await PollingSession.open(server.url, { token: member.me.token }, headers);
  await session.fetchUntil('42["rooms_list"');
  return session;
}

describe('a client on long-polling that does not fetch', () => {
  const server = sharedServer();
  let room_id: string;
  let ada: TestClient;
  beforeAll(async () => {
    room_id = await makeHistory(server.url, HISTORIES.narrow);
  });

  it('is refused what it would read until it has fetched, and nothing else', async () => {
    const session = await openMember(server, room_id);
    await until(server, 'get_messages', 2, () => session.post(...pages(room_id, ids(2))));
    const room = { room_id };
    const reads = {
      get_messages: room,
      join_room: room,
      get_users: room,
      get_rooms: {},
      sync: { epoch: '', rooms: [] },
    };
    const commands = Object.entries(reads).map(
      ([name, payload], i) => `42${10 + i}["${name}",${JSON.stringify(payload)}]`,
    );
    await session.post(...commands, `4220["send_message",${JSON.stringify({ room_id, content: 'hello' })}]`);
    const packets: string[] = [];
    while (!packets.some((packet) => packet.startsWith('4320['))) packets.push(...(await session.fetch()));
    const answer = (id: number) => packets.find((packet) => packet.startsWith(`43${id}[`))?.slice(0, 200);
    for (const id of [1, 2, 20]) expect(answer(id)).toContain('"ok":true');
    for (const id of ids(5, 10)) expect(answer(id)).toMatch(/"code":"OVERLOADED".*"retry_after_ms":\d/);
    await session.post(...pages(room_id, [30]));
    expect((await session.fetchUntil('4330[')).slice(0, 200)).toContain('"ok":true');
  });

  it('is ended when more waits than it may ask for at once', async () => {
    const session = await openMember(server, room_id);
    await until(server, 'get_messages', 40, () => session.post(...pages(room_id, ids(40))));
    await session.fetch();
    expect(session.isEnded).toBe(true);
  });

  it('is not sent what may be lost while much waits', async () => {
    const session = await openMember(server, room_id);
    ada = await guest(server, 'ada');
    await ada.ok('join_room', { room_id });
    await until(server, 'get_messages', 1, () => session.post(...pages(room_id, [1])));
    const type = () => ada.ok('typing_status', { room_id, is_typing: true });
    await type();
    await ada.ok('send_message', { room_id, content: 'a marker' });
    const packets: string[] = [];
    while (!packets.some((packet) => packet.includes('a marker'))) packets.push(...(await session.fetch()));
    expect(packets.filter((packet) => packet.startsWith('42["typing_status"'))).toEqual([]);
    await type();
    expect(await session.fetchUntil('42["typing_status"')).toContain('"is_typing":true');
  });

  it('is refused just so when it polls and does not read the answer', async () => {
    const session = await openMember(server, room_id);
    const { port, pathname, search } = new URL(session.url);
    await until(server, 'get_messages', 24, () => session.post(...pages(room_id, ids(24))));
    const deaf = new RawConnection(Number(port));
    deaf.socket.pause();
    await deaf.write(request('GET', pathname + search));
    await expect.poll(() => deaf.socket.bytesRead, { timeout: 10_000 }).toBeGreaterThan(0);
    // What the network takes is gone; the rest is the server's.
    await session.post(...pages(room_id, [30]));
    expect((await session.fetchUntil('4330[')).slice(0, 200)).toContain('OVERLOADED');
    deaf.destroy();
  });
});

describe('what waits for many clients', () => {
  it('of an address is bounded, and the worst are ended', async () => {
    const env = { TRUST_PROXY: '1', METRICS_TOKEN, RATE_LIMITS: 'unread_bytes_per_address=200000' };
    await using server = await startServer({ env });
    const room_id = await makeHistory(server.url, HISTORIES.wide);
    const sessions: PollingSession[] = [];
    for (const address of ['192.0.2.1', '192.0.2.1', '192.0.2.2'])
      sessions.push(await openMember(server, room_id, { 'X-Forwarded-For': address }));
    const [first, second, third] = sessions;
    await until(server, 'get_messages', 1, async () => first?.post(...pages(room_id, [1])));
    await until(server, 'get_messages', 1, async () => second?.post(...pages(room_id, [1])));
    await until(server, 'get_messages', 1, async () => third?.post(...pages(room_id, [1])));
    expect((await third?.fetchUntil('431['))?.slice(0, 200)).toContain('"ok":true');
    await Promise.all([first?.fetch(), second?.fetch()]);
    expect([first?.isEnded, second?.isEnded].filter(Boolean)).toHaveLength(1);
    await Promise.all(sessions.map((session) => session.close()));
  });

  it('counts until it is fetched, though the client has signed out', async () => {
    await using server = await startServer({ env: { RATE_LIMITS: 'unread_bytes_per_address=200000' } });
    const room_id = await makeHistory(server.url, HISTORIES.wide);
    const sessions = [await openMember(server, room_id), await openMember(server, room_id)];
    const [first, second] = sessions;
    await until(server, 'get_messages', 1, async () => first?.post(...pages(room_id, [1])));
    await until(server, 'sign_out', 1, async () => first?.post('42["sign_out",{}]'));
    await until(server, 'get_messages', 1, async () => second?.post(...pages(room_id, [1])));
    const packets = await Promise.all(sessions.map((session) => session.fetch()));
    expect(packets.filter((of) => of.some((packet) => packet.startsWith('431[')))).toHaveLength(1);
  });
});
