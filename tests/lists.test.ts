import { describe, expect, it } from 'vitest';
import { type CommandPayload, LIMITS, type Room } from '../protocol/index.ts';
import { connect, guest, type TestClient, TRANSPORTS, unique } from './support/client.ts';
import { sharedServer, startServer } from './support/server.ts';

const server = sharedServer();

/** Every page of `get_rooms`, as lists of names. */
async function pages(client: TestClient, payload: CommandPayload<'get_rooms'>): Promise<string[][]> {
  const found: string[][] = [];
  let after: string | null = null;
  do {
    const page: { rooms: Room[]; next: string | null } = await client.ok('get_rooms', {
      ...payload,
      ...(after === null ? {} : { after }),
    });
    found.push(page.rooms.map((room) => room.name));
    after = page.next;
  } while (after !== null);
  return found;
}

describe.each(TRANSPORTS)('listing rooms over %s', (transport) => {
  it('gives the newest activity first', async () => {
    const ada = await guest(server, 'ada', transport);
    const first = await ada.createRoom();
    const second = await ada.createRoom();
    const names = async () => (await ada.ok('get_rooms', { mine: true })).rooms.map((room) => room.name);
    expect(await names()).toEqual([second.name, first.name]);
    await ada.say(first, 'up again');
    expect(await names()).toEqual([first.name, second.name]);
    const back = await connect(server, { transport, token: ada.me.token });
    expect(back.me.rooms.map((room) => room.name)).toEqual([first.name, second.name]);
    expect((await ada.raw('get_rooms')) as object).toMatchObject({ ok: true, rooms: expect.any(Array) });
  });

  it('finds names that contain the query, without regard to case, and takes no sign for a wildcard', async () => {
    const ada = await guest(server, 'ada', transport);
    const tag = unique('q');
    for (const name of ['Bahçe 100% açık', 'bahçe_kapalı', 'Işıklı İZMİR']) await ada.createRoom({ name: name + tag });
    const find = async (query: string) =>
      (await ada.ok('get_rooms', { query })).rooms.map((room) => room.name.replace(tag, '')).sort();
    const own = (query: string) => find(query + tag);
    expect(await own('AÇIK')).toEqual(['Bahçe 100% açık']);
    expect(await own('kapalı')).toEqual(['bahçe_kapalı']);
    expect(await own('0% açık')).toEqual(['Bahçe 100% açık']);
    expect(await own('%')).toEqual([]);
    expect(await own('_')).toEqual([]);
    expect(await own('izmir')).toEqual(['Işıklı İZMİR']);
    expect(await find(tag.toUpperCase())).toHaveLength(3);
    expect(await find(unique('nothing'))).toEqual([]);
  });

  it('shows each caller what they may see, and with `mine` only their own', async () => {
    const ada = await guest(server, 'ada', transport);
    const can = await guest(server, 'can', transport);
    const tag = unique('v');
    await ada.createRoom({ name: `open ${tag}` });
    await ada.createRoom({ name: `locked ${tag}`, type: 'private', password: 'correct horse' });
    const hidden = await ada.createRoom({ name: `hidden ${tag}`, type: 'private' });
    await can.createRoom({ name: `own ${tag}` });
    const seen = async (client: TestClient, mine = false) =>
      (await pages(client, { query: tag, mine }))
        .flat()
        .map((name) => name.replace(` ${tag}`, ''))
        .sort();
    expect(await seen(ada)).toEqual(['hidden', 'locked', 'open', 'own']);
    expect(await seen(can)).toEqual(['locked', 'open', 'own']);
    expect(await seen(ada, true)).toEqual(['hidden', 'locked', 'open']);
    expect(await seen(can, true)).toEqual(['own']);
    await ada.ok('add_member', { room_id: hidden.id, user_id: can.id });
    expect(await seen(can, true)).toEqual(['hidden', 'own']);
    await ada.ok('remove_member', { room_id: hidden.id, user_id: can.id });
    expect(await seen(can)).toEqual(['locked', 'open', 'own']);
  });

  it('pages through all of them, each once', async () => {
    const ada = await guest(server, 'ada', transport);
    const tag = unique('p');
    const names: string[] = [];
    for (let i = 0; i < 7; i++) names.unshift((await ada.createRoom({ name: `${tag} ${i}` })).name);
    const [a, b, c, d, e, f, g] = names;
    expect(await pages(ada, { query: tag, limit: 3 })).toEqual([[a, b, c], [d, e, f], [g]]);
    expect(await pages(ada, { query: tag, limit: 7 })).toEqual([names]);
    expect(await pages(ada, { mine: true, limit: 4 })).toEqual([
      [a, b, c, d],
      [e, f, g],
    ]);
  });

  it('refuses a limit out of bounds and a cursor that it did not give', async () => {
    const ada = await guest(server, 'ada', transport);
    for (const command of ['get_rooms', 'get_users'] as const) {
      for (const limit of [0, -1, LIMITS.page_max + 1, 1.5]) {
        expect(await ada.refused(command, { limit })).toMatchObject({ code: 'INVALID_INPUT', field: 'limit' });
      }
      for (const after of ['', 'nonsense', '0', 'eyJhIjoxfQ', "' OR 1=1 --"]) {
        expect(await ada.refused(command, { after })).toMatchObject({ code: 'INVALID_INPUT', field: 'after' });
      }
    }
    expect(await ada.refused('get_rooms', { query: '' })).toMatchObject({ code: 'INVALID_INPUT', field: 'query' });
  });

  it('trims a query as names are, and refuses a blank one', async () => {
    const ada = await guest(server, 'ada', transport);
    const room = await ada.createRoom({ name: `  ${unique('trimmed')} ` });
    expect((await ada.ok('get_rooms', { query: ` ${room.name}\n` })).rooms).toMatchObject([{ id: room.id }]);
    for (const query of [' ', '\u200b', '\u2800 \t']) {
      expect(await ada.refused('get_rooms', { query })).toMatchObject({ code: 'INVALID_INPUT', field: 'query' });
    }
  });

  it('tells nobody but members how much is said in a private room, who owns it and who is there', async () => {
    const ada = await guest(server, 'ada', transport);
    const can = await guest(server, 'can', transport);
    const tag = unique('outside');
    const client_id = unique('key');
    const lock = { type: 'private', password: 'correct horse' } as const;
    const open = await ada.createRoom({ name: `open ${tag}` });
    const locked = (await ada.ok('create_room', { name: `locked ${tag}`, ...lock, client_id })).room;
    for (const room of [open, locked]) await ada.say(room, 'hello');
    const inside = { owner_id: ada.id, user_count: 1, online_count: 1, seq: 2 };
    const outside = { owner_id: null, user_count: 1, online_count: 0, seq: 0 };

    const list = async (client: TestClient) => (await client.ok('get_rooms', { query: tag })).rooms;
    expect(await list(ada)).toMatchObject([
      { id: locked.id, ...inside },
      { id: open.id, ...inside },
    ]);
    const seen = (rooms: Room[]) => rooms.toSorted((a, b) => a.name.localeCompare(b.name));
    expect(seen(await list(can))).toMatchObject([
      { id: locked.id, ...outside },
      { id: open.id, ...inside },
    ]);
    const from = can.mark();
    can.socket.emit('get_rooms', { query: tag });
    expect(seen(await can.waitFor('rooms_list', () => true, { from }))).toMatchObject([outside, inside]);

    const back = await connect(server, { transport, token: can.me.token });
    const [first] = back.all('rooms_list');
    expect(first?.find(({ id }) => id === locked.id) ?? outside).toMatchObject(outside);
    const joined = await can.ok('join_room', { room_id: locked.id, password: lock.password });
    expect(joined.room).toMatchObject({ owner_id: ada.id, user_count: 2, online_count: 2, seq: 3 });

    await ada.ok('leave_room', { room_id: locked.id });
    const again = await ada.ok('create_room', { name: tag, ...lock, client_id });
    expect(again).toMatchObject({ duplicate: true, room: { ...outside, id: locked.id } });
  });

  it('sends rooms_list when no callback is given', async () => {
    const ada = await guest(server, 'ada', transport);
    const room = await ada.createRoom();
    const from = ada.mark();
    ada.socket.emit('get_rooms', { mine: true });
    expect((await ada.waitFor('rooms_list', () => true, { from }))[0]).toMatchObject({ id: room.id });
    const next = ada.mark();
    ada.socket.emit('get_rooms');
    expect((await ada.waitFor('rooms_list', () => true, { from: next })).length).toBeGreaterThan(0);
  });
});

describe.each(TRANSPORTS)('listing users over %s', (transport) => {
  it('gives the members of a room, longest-standing first, in pages', async () => {
    await using server = await startServer();
    const ada = await guest(server, 'ada', transport);
    const room = await ada.createRoom();
    const members = [ada];
    for (const name of ['bob', 'can', 'dan', 'eve']) {
      const member = await guest(server, name);
      await member.ok('join_room', { room_id: room.id });
      members.push(member);
    }
    const ids = members.map((member) => member.id);
    const list = (after?: string, limit = 2) =>
      ada.ok('get_users', { room_id: room.id, limit, ...(after === undefined ? {} : { after }) });
    const first = await list();
    const second = await list(first.next ?? '');
    const third = await list(second.next ?? '');
    expect([first, second, third].map((page) => page.users.length)).toEqual([2, 2, 1]);
    expect([first, second, third].flatMap((page) => page.users.map((user) => user.id))).toEqual(ids);
    expect(third.next).toBeNull();
    expect((await list(undefined, 5)).next).toBeNull();

    members[1]?.close();
    await ada.waitFor('user_disconnected', (gone) => gone.user_id === ids[1]);
    expect((await list(undefined, 5)).users.map((user) => user.is_active)).toEqual([true, false, true, true, true]);
    expect((await ada.ok('join_room', { room_id: room.id })).room).toMatchObject({ user_count: 5, online_count: 4 });
  });

  it('gives everyone who is online, in pages, each once', async () => {
    await using server = await startServer();
    const clients = await Promise.all(['ada', 'bob', 'can', 'dan', 'eve'].map((name) => guest(server, name)));
    const ada = await guest(server, 'zoe', transport);
    await connect(server, { token: ada.me.token });
    const ids = [...clients, ada].map((client) => client.id).sort();
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const page: { users: { id: string }[]; next: string | null } = await ada.ok('get_users', {
        limit: 4,
        ...(after === null ? {} : { after }),
      });
      expect(page.users.length).toBeLessThanOrEqual(4);
      seen.push(...page.users.map((user) => user.id));
      after = page.next;
    } while (after !== null);
    expect(seen.sort()).toEqual(ids);
    clients[0]?.close();
    await ada.waitFor('user_disconnected');
    const { users } = await ada.ok('get_users', {});
    expect(users.map((user) => user.id)).not.toContain(clients[0]?.id);
    expect(users.every((user) => user.is_active)).toBe(true);
  });
});

it('gives the first 100 rooms at sign-in and the way to the rest', async () => {
  await using server = await startServer();
  const ada = await connect(server, { username: 'ada' });
  const names: string[] = [];
  for (let i = 0; i < 105; i++) names.unshift((await ada.createRoom({ name: `room ${i}` })).name);
  const back = await connect(server, { token: ada.me.token });
  expect(back.me.rooms.map((room) => room.name)).toEqual(names.slice(0, 100));
  const after = back.me.rooms_next;
  expect(after).not.toBeNull();
  const rest = await back.ok('get_rooms', { mine: true, after: after ?? '' });
  expect(rest.rooms.map((room) => room.name)).toEqual(names.slice(100));
  expect(rest.next).toBeNull();
  const last = rest.rooms.at(-1);
  if (last === undefined) throw new Error('no last room');
  await ada.say(last, 'the events of a room beyond the hundredth arrive too');
  await back.waitFor('message', (message) => message.room_id === last.id);
});
