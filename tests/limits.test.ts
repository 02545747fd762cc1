import { describe, expect, it } from 'vitest';
import { openSocket, RawConnection, upgradeRequest } from '../bench/abuse/raw.ts';
import { clientFrame } from '../bench/load/frames.ts';
import { LIMITS, RATE_NUMBERS } from '../protocol/index.ts';
import { connect, guest, type TestClient, TRANSPORTS, unique } from './support/client.ts';
import { deadline } from './support/deadline.ts';
import { spawnServer } from './support/process.ts';
import { openPolling, openRaw, openSession } from './support/raw.ts';
import { sharedServer, startServer } from './support/server.ts';

const PAUSE_MAX_MS = 1_000;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Sends a message again, after the time it is told, until it is taken. */
async function insist(client: TestClient, payload: { room_id: string; content: string }): Promise<number> {
  for (let refusals = 0; ; refusals++) {
    const answer = await client.call('send_message', payload);
    if (answer.ok) return refusals;
    expect(answer.error).toMatchObject({ code: 'RATE_LIMITED', retry_after_ms: expect.any(Number) });
    expect(answer.error.retry_after_ms).toBeLessThanOrEqual(PAUSE_MAX_MS);
    await pause(answer.error.retry_after_ms ?? 0);
  }
}

describe('rates', () => {
  const server = sharedServer({ env: { RATE_LIMITS: 'on', PRESENCE_GRACE: '1.5' }, config: { typingLapseMs: 9_000 } });

  it('are told with the sizes in the answer to authenticate, as this server has them', async () => {
    const ada = await guest(server, 'ada');
    const own = { presence_grace_ms: 1_500, typing_lapse_ms: 9_000 };
    expect(ada.me.server.limits).toEqual({ ...LIMITS, ...own, ...RATE_NUMBERS });
  });

  it('let 20 messages of a user through at once, then 5 a second, over all its connections', async () => {
    const phone = await guest(server, 'ada');
    const tablet = await connect(server, { token: phone.me.token });
    const room = await phone.createRoom();
    const sent = Array.from({ length: 30 }, (_, i) =>
      (i % 2 === 0 ? phone : tablet).call('send_message', { room_id: room.id, content: String(i) }),
    );
    const answers = await Promise.all(sent);
    const refused = answers.filter((answer) => !answer.ok);
    expect(refused.length).toBeGreaterThanOrEqual(8);
    expect(refused.length).toBeLessThanOrEqual(10);
    for (const answer of refused) expect(answer).toMatchObject({ error: { code: 'RATE_LIMITED' } });
    expect(await insist(phone, { room_id: room.id, content: 'at last' })).toBeLessThanOrEqual(2);
  });

  it('answer a repeat of what was sent, whatever the limit', async () => {
    const ada = await guest(server, 'ada');
    const room = await ada.createRoom();
    const payload = (i: number) => ({ room_id: room.id, content: String(i), client_id: `key-${i}` });
    const first = await ada.ok('send_message', payload(0));
    const answers = await Promise.all(Array.from({ length: 24 }, (_, i) => ada.call('send_message', payload(i + 1))));
    expect(answers.at(-1)).toMatchObject({ ok: false, error: { code: 'RATE_LIMITED' } });
    const again = await ada.ok('send_message', { ...payload(0), content: 'something else' });
    expect(again).toMatchObject({ message: first.message, duplicate: true });
  });

  it('let 30 commands of a connection through at once, unknown ones counted', async () => {
    const ada = await guest(server, 'ada');
    const calls = Array.from({ length: 45 }, () => ada.raw('no_such_command', {}));
    const codes = (await Promise.all(calls)).map((answer) => (answer.ok ? 'ok' : answer.error.code));
    expect(codes.slice(0, 29).every((code) => code === 'UNKNOWN_COMMAND')).toBe(true);
    expect(codes.filter((code) => code === 'RATE_LIMITED').length).toBeGreaterThanOrEqual(10);
    expect(codes.at(-1)).toBe('RATE_LIMITED');
  });

  it('count rooms that a user creates, and answer a repeat', async () => {
    const ada = await guest(server, 'ada');
    const { room } = await ada.ok('create_room', { name: unique('first'), client_id: 'first' });
    for (let i = 0; i < 9; i++) await ada.createRoom();
    const refused = await ada.refused('create_room', { name: unique('eleventh') });
    expect(refused).toMatchObject({ code: 'RATE_LIMITED', retry_after_ms: expect.any(Number) });
    const again = await ada.ok('create_room', { name: unique('eleventh'), client_id: 'first' });
    expect(again).toMatchObject({ room: { id: room.id }, duplicate: true });
  });

  it('come as the event error when there is no callback', async () => {
    const ada = await guest(server, 'ada');
    for (let i = 0; i < 40; i++) ada.socket.emit('get_rooms');
    const error = await ada.waitFor('error');
    expect(error).toMatchObject({ code: 'RATE_LIMITED', event: 'get_rooms', retry_after_ms: expect.any(Number) });
  });
});

describe.each(TRANSPORTS)('memberships over %s', (transport) => {
  it('end at so many rooms a user, with nothing done', async () => {
    await using server = await startServer({ env: { RATE_LIMITS: 'rooms_per_user=2' } });
    const ada = await guest(server, 'ada', transport);
    const can = await guest(server, 'can', transport);
    const key = { name: unique('first'), client_id: 'first' };
    const { room: first } = await ada.ok('create_room', key);
    await ada.createRoom();
    const room = await can.createRoom();
    expect(await ada.code('create_room', { name: unique('third') })).toBe('LIMIT_REACHED');
    expect(await ada.code('join_room', { room_id: room.id })).toBe('LIMIT_REACHED');
    const added = await can.refused('add_member', { room_id: room.id, user_id: ada.id });
    expect(added).toMatchObject({ code: 'LIMIT_REACHED', field: 'user_id' });
    expect((await can.ok('join_room', { room_id: room.id })).room).toMatchObject({ user_count: 1, seq: 1 });

    expect(await ada.ok('create_room', key)).toMatchObject({ duplicate: true, room: { id: first.id } });
    expect((await ada.ok('join_room', { room_id: first.id })).room.user_count).toBe(1);
    await ada.ok('leave_room', { room_id: first.id });
    expect((await ada.ok('join_room', { room_id: room.id })).room.user_count).toBe(2);
    expect((await ada.ok('get_rooms', { mine: true })).rooms).toHaveLength(2);
  });

  it('by the word of others come at a bounded rate for who is added, and those that change nothing do not count', async () => {
    const env = { RATE_LIMITS: 'additions_burst=2,additions_per_hour=1' };
    await using server = await startServer({ env });
    const ada = await guest(server, 'ada', transport);
    const owners = await Promise.all(['bob', 'can', 'dan'].map((name) => guest(server, name, transport)));
    const rooms = await Promise.all(owners.map((owner) => owner.createRoom({ type: 'private' })));
    const add = (i: number, j = i) =>
      (owners[i] as TestClient).call('add_member', { room_id: rooms[j]?.id ?? '', user_id: ada.id });
    expect(await add(0)).toMatchObject({ ok: true });
    for (let i = 0; i < 3; i++) expect(await add(0)).toMatchObject({ ok: true });
    expect(await add(1, 2)).toMatchObject({ ok: false, error: { code: 'ROOM_NOT_FOUND' } });
    expect(await add(1)).toMatchObject({ ok: true });
    const refused = { ok: false, error: { code: 'RATE_LIMITED', retry_after_ms: expect.any(Number) } };
    expect(await add(2)).toMatchObject(refused);
    const eve = await guest(server, 'eve');
    expect(await owners[2]?.call('add_member', { room_id: rooms[2]?.id ?? '', user_id: eve.id })).toMatchObject({
      ok: true,
    });
  });
});

describe('numbers from outside', () => {
  it('take the place of the defaults', async () => {
    await using server = await startServer({ env: { RATE_LIMITS: 'messages_burst=2,messages_per_second=1' } });
    const ada = await guest(server, 'ada');
    expect(ada.me.server.limits).toMatchObject({ messages_burst: 2, messages_per_second: 1, changes_burst: 20 });
    const room = await ada.createRoom();
    for (const content of ['1', '2']) await ada.say(room, content);
    expect((await ada.refused('send_message', { room_id: room.id, content: '3' })).retry_after_ms).toBeGreaterThan(500);
  });

  it('bound the bytes that an address stores, by messages, edits and joins, whoever sends them', async () => {
    const RATE_LIMITS = 'message_bytes_burst=20000,message_bytes_per_hour=3600';
    await using server = await startServer({ env: { RATE_LIMITS } });
    const ada = await guest(server, 'ada');
    const can = await guest(server, 'can');
    const room = await ada.createRoom();
    await can.ok('join_room', { room_id: room.id });
    const first = await ada.say(room, 'first');
    const long = '\u20ac'.repeat(LIMITS.content_max);
    await ada.say(room, long);
    const refused = await can.refused('send_message', { room_id: room.id, content: long });
    expect(refused).toMatchObject({ code: 'RATE_LIMITED', retry_after_ms: expect.any(Number) });
    expect(await ada.code('update_message', { message_id: first.id, content: long })).toBe('RATE_LIMITED');
    const short = Array.from({ length: 16 }, () => can.call('send_message', { room_id: room.id, content: 'x' }));
    const answers = await Promise.all(short);
    const taken = answers.filter((answer) => answer.ok).length;
    expect(taken).toBeGreaterThanOrEqual(14);
    expect(taken).toBeLessThan(16);
    expect(await can.code('create_room', { name: 'one more' })).toBe('RATE_LIMITED');
    await ada.ok('delete_message', { message_id: first.id });
    await can.ok('leave_room', { room_id: room.id });
  });

  it('are refused at the start when there is no such limit', async () => {
    const start = startServer({ env: { RATE_LIMITS: 'mesages_burst=2' } });
    await expect(start).rejects.toThrow(/RATE_LIMITS is wrong: there is no limit "mesages_burst".*messages_burst/s);
  });
});

describe('RATE_LIMITS=off', () => {
  it('limits nothing, tells sizes alone, and says so in the log', async () => {
    await using server = await spawnServer({ RATE_LIMITS: 'off', LOG_LEVEL: 'warn' });
    await server.program.output(/RATE_LIMITS is off/);
    const ada = await guest(server, 'ada');
    expect(Object.keys(ada.me.server.limits)).toEqual(Object.keys(LIMITS));
    const room = await ada.createRoom();
    const calls = Array.from({ length: 60 }, (_, i) => ada.say(room, String(i)));
    await Promise.all(calls);
  });
});

describe('an address', () => {
  const env = {
    TRUST_PROXY: '1',
    RATE_LIMITS: 'connections_per_address=3,guests_burst=4,handshakes_burst=1000',
  };
  const from = (address: string) => ({ headers: { 'X-Forwarded-For': address } });

  it('may have so many connections, counted by /64 in IPv6, until one has ended', async () => {
    await using server = await startServer({ env });
    const clients: TestClient[] = [];
    for (const host of ['1', 'ffff:2', '3']) clients.push(await connect(server, from(`2001:db8:0:1::${host}`)));
    const fourth = { ...from('2001:db8:0:1:abcd::4'), transport: 'polling' } as const;
    await expect(connect(server, fourth)).rejects.toThrow();
    await expect(connect(server, { ...fourth, transport: 'websocket' })).rejects.toThrow();
    await connect(server, from('2001:db8:0:2::1'));
    clients[0]?.close();
    await expect
      .poll(
        () =>
          connect(server, fourth).then(
            () => true,
            () => false,
          ),
        { timeout: 5_000 },
      )
      .toBe(true);
  });

  it('is told 429, when to come back, and why', async () => {
    await using server = await startServer({ env });
    const { headers } = from('192.0.2.1');
    for (let i = 0; i < 3; i++) await connect(server, { headers });
    const address = `${server.url}/socket.io/?EIO=4&transport=polling`;
    for (const trick of ['&sid=', '&sid=x&sid=']) expect((await fetch(address + trick, { headers })).status).toBe(429);
    const response = await fetch(address, { headers });
    expect(response.status).toBe(429);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(await response.json()).toMatchObject({ code: 'RATE_LIMITED', retry_after_ms: expect.any(Number) });
    expect((await fetch(`${server.url}/health`, { headers })).status).toBe(200);
  });

  it('may sync so often, whoever of it asks, and keeps nobody else from it', async () => {
    const RATE_LIMITS = 'address_syncs_per_second=1,address_syncs_burst=3';
    await using server = await startServer({ env: { ...env, RATE_LIMITS } });
    const users = await Promise.all(
      [1, 2, 3, 4].map(() => connect(server, { ...from('192.0.2.1'), username: unique('a') })),
    );
    const sync = async (client: TestClient) => {
      const answer = await client.call('sync', { epoch: client.me.epoch, rooms: [] });
      return answer.ok ? 'ok' : answer.error.code;
    };
    const codes = await Promise.all(users.map(sync));
    expect(codes.sort()).toEqual(['RATE_LIMITED', 'ok', 'ok', 'ok']);
    expect(await sync(await connect(server, { ...from('192.0.2.2'), username: unique('other') }))).toBe('ok');
  });

  it('may make so many guests, who come back all the same', async () => {
    await using server = await startServer({ env });
    const { headers } = from('192.0.2.1');
    const ada = await connect(server, { headers, username: unique('ada') });
    for (let i = 0; i < 3; i++) (await connect(server, { headers, username: unique('ada') })).close();
    const late = await connect(server, { headers });
    const refused = await late.refused('authenticate', { username: unique('late') });
    expect(refused.code).toBe('RATE_LIMITED');
    expect(refused.retry_after_ms).toBeGreaterThan(1_000);
    await late.signIn({ token: ada.me.token });
    await connect(server, { ...from('192.0.2.2'), username: unique('other') });
  });
});

it('ends a connection that probes an upgrade without end', async () => {
  await using server = await startServer({ env: { RATE_LIMITS: 'packets_burst=10,excess_packets_burst=10' } });
  const { pathname, search } = new URL(await openSession(server));
  const raw = new RawConnection(server.port);
  await raw.write(upgradeRequest(`${pathname}${search.replace('polling', 'websocket')}`));
  await raw.seen(/\r\n\r\n/);
  await raw.write(Buffer.concat(Array.from({ length: 1_000 }, () => clientFrame(1, '2probe'))));
  await deadline(raw.ended, 'the end');
  expect(raw.received.split('3probe').length).toBeLessThan(100);
});

describe('a user', () => {
  it('may have so many connections', async () => {
    await using server = await startServer({ env: { RATE_LIMITS: 'connections_per_user=2' } });
    const first = await guest(server, 'ada');
    const { token } = first.me;
    await connect(server, { token });
    const third = await connect(server);
    expect(await third.refused('authenticate', { token })).toMatchObject({ code: 'RATE_LIMITED' });
    first.close();
    await first.ended();
    await expect.poll(async () => (await third.call('authenticate', { token })).ok).toBe(true);
  });
});

describe('room passwords', () => {
  const PASSWORD = 'correct horse';

  it('may be wrong five times for a user and room, each answer later; then the right one has to wait', async () => {
    await using server = await startServer({ env: { RATE_LIMITS: 'on' } });
    const [owner, ada, can] = [await guest(server, 'owner'), await guest(server, 'ada'), await guest(server, 'can')];
    const room = await owner.createRoom({ type: 'private', password: PASSWORD });
    const times: number[] = [];
    for (let i = 0; i < 5; i++) {
      const asked = performance.now();
      expect(await ada.code('join_room', { room_id: room.id, password: `wrong ${i} wrong` })).toBe('WRONG_PASSWORD');
      times.push(performance.now() - asked);
    }
    expect(times[4]).toBeGreaterThan((times[2] ?? 0) + 500);
    const refused = await ada.refused('join_room', { room_id: room.id, password: PASSWORD });
    expect(refused.code).toBe('RATE_LIMITED');
    expect(refused.retry_after_ms).toBeGreaterThan(800_000);
    expect(refused.message).toMatch(/^Too many requests\. Try again in 1[45] minutes\.$/);
    await can.ok('join_room', { room_id: room.id, password: PASSWORD });
    await owner.ok('join_room', { room_id: room.id, password: 'a member is not asked' });
    expect(await ada.code('join_room', { room_id: room.id })).toBe('WRONG_PASSWORD');
  }, 30_000);

  it('are all answered when too many are hashed at once, and harm nobody', async () => {
    await using server = await startServer();
    const ada = await guest(server, 'ada');
    const password = 'correct horse';
    const locked = await ada.createRoom({ type: 'private', password });
    const rooms = Array.from({ length: 130 }, () => ada.call('create_room', { name: 'r', type: 'private', password }));
    const can = await guest(server, 'can');
    // The first guess since the start: what stands for a password where there is none has to be made.
    const guess = can.call('join_room', { room_id: locked.id, password: 'wrong horse' });
    const codes = (await Promise.all(rooms)).map((answer) => (answer.ok ? 'ok' : answer.error.code));
    expect(new Set(codes)).toEqual(new Set(['ok', 'OVERLOADED']));
    expect((await guess).ok).toBe(false);
    expect((await can.ok('join_room', { room_id: locked.id, password })).room.id).toBe(locked.id);
  });

  it('cannot be guessed all at once', async () => {
    await using server = await startServer({ env: { RATE_LIMITS: 'on' } });
    const [owner, ada] = [await guest(server, 'owner'), await guest(server, 'ada')];
    const room = await owner.createRoom({ type: 'private', password: PASSWORD });
    const calls = Array.from({ length: 20 }, (_, i) =>
      ada.code('join_room', { room_id: room.id, password: `wrong ${i} x` }),
    );
    const codes = await Promise.all(calls);
    expect(codes.filter((code) => code === 'WRONG_PASSWORD')).toHaveLength(5);
    expect(codes.filter((code) => code === 'RATE_LIMITED')).toHaveLength(15);
  });

  it('may be wrong so many times for an address', async () => {
    await using server = await startServer({ env: { RATE_LIMITS: 'wrong_passwords_per_address=6' } });
    const guests = [await guest(server, 'a'), await guest(server, 'b'), await guest(server, 'c')];
    const [owner] = guests;
    const room = await owner?.createRoom({ type: 'private', password: PASSWORD });
    const codes: string[] = [];
    for (let i = 0; i < 4; i++) {
      for (const one of guests.slice(1)) {
        codes.push(await one.code('join_room', { room_id: room?.id ?? '', password: 'wrong wrong' }));
      }
    }
    expect(codes).toEqual([...Array(6).fill('WRONG_PASSWORD'), 'RATE_LIMITED', 'RATE_LIMITED']);
  });
});

describe('a connection that does not sign in', () => {
  const server = sharedServer({ env: { RATE_LIMITS: 'on', SIGN_IN_TIMEOUT: '0.6' } });

  it('is ended, in the namespace or not; one that has signed in stays', async () => {
    const ada = await guest(server, 'ada');
    const began = performance.now();
    const [joined, polling] = [await connect(server), await connect(server, { transport: 'polling' })];
    const outside = await openRaw(server);
    await Promise.all([joined.ended(), polling.ended(), outside.closed]);
    expect(performance.now() - began).toBeGreaterThan(550);
    expect(performance.now() - began).toBeLessThan(3_000);
    expect(ada.socket.connected).toBe(true);
    await ada.createRoom();
  });

  it('because it was told to wait has as much more time', async () => {
    const env = { RATE_LIMITS: 'guests_burst=1,guests_per_minute=60', SIGN_IN_TIMEOUT: '0.2' };
    await using strict = await startServer({ env });
    await guest(strict, 'ada');
    const late = await connect(strict);
    const began = performance.now();
    const { code, retry_after_ms } = await late.refused('authenticate', { username: unique('can') });
    expect([code, retry_after_ms]).toEqual(['RATE_LIMITED', expect.any(Number)]);
    await late.ended();
    expect(performance.now() - began).toBeGreaterThan(retry_after_ms ?? 0);
  });

  it('is ended when it leaves the namespace', async () => {
    const raw = await openRaw(server, { username: unique('ada') });
    raw.send('41');
    await raw.closed;
  });
});

it('tells a connection that breaks the rules of WebSocket so, before it ends it', async () => {
  await using server = await startServer({ env: { RATE_LIMITS: 'on' } });
  const raw = await openRaw(server);
  raw.send(`42["get_rooms",{"query":"${'x'.repeat(LIMITS.packet_bytes)}"}]`);
  expect(await raw.closed).toBe(1009);
});

it('reads no more of such a connection, however much it sends', async () => {
  await using server = await startServer({ env: { RATE_LIMITS: 'on' } });
  const raw = await openSocket(server.port);
  // It minds neither the close frame nor the end of the other direction.
  raw.socket.allowHalfOpen = true;
  raw.socket.removeAllListeners('end');
  const notMasked = Buffer.alloc(65_536, Buffer.from([0x81, 1, 0x33]));
  let taken = 0;
  while (await raw.write(notMasked)) taken += notMasked.length;
  // What the buffers of the network hold; reading on until the close times out is hundreds of megabytes.
  expect(taken).toBeLessThan(32 * 2 ** 20);
});

it('has no JSONP, whose bodies hide how much is in them', async () => {
  await using server = await startServer();
  const handshake = (query: string) => fetch(`${server.url}/socket.io/?EIO=4&transport=polling${query}`);
  expect((await handshake('&j=0')).status).toBe(403);
  expect((await handshake('')).status).toBe(200);
});

it('ends a session whose polling request holds more packets than may come at once, and carries out none of them', async () => {
  await using server = await startServer({ env: { RATE_LIMITS: 'on' } });
  const post = async (packets: number) => {
    const session = await openPolling(server);
    await fetch(session, { method: 'POST', body: Array(packets).fill('42["x"]').join('\u001e') });
    const { status } = await fetch(session);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    const results = [...metrics.matchAll(/^sohbet_commands_total\{command="unknown",result="\w+"\} (\d+)/gm)];
    return { status, commands: results.reduce((sum, [, count]) => sum + Number(count), 0) };
  };
  expect(await post(1_200)).toEqual({ status: 400, commands: 0 });
  expect(await post(50)).toEqual({ status: 200, commands: 50 });
});
