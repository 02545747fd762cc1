import { expect, it } from 'vitest';
import { connect, guest, type TestClient } from './support/client.ts';
import { openSql } from './support/data.ts';
import { startServer, type TestServer } from './support/server.ts';
import { openStore } from './support/store.ts';
import { tool } from './support/tool.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;

/** Rows of the database beside the server. */
async function rows(server: TestServer, text: string): Promise<unknown[]> {
  await using sql = await openSql(server);
  return await sql.all(text);
}

/** Makes it so many days since these were seen; they must be offline, or the server knows better. */
async function makeStale(server: TestServer, clients: readonly TestClient[], days: number): Promise<void> {
  const at = Date.now() - days * DAY_MS;
  await using sql = await openSql(server);
  for (const { id } of clients)
    await sql.run('UPDATE users SET seen_at = ?, connected_at = ?, last_activity = ? WHERE id = ?', at, at, at, id);
}

/** Makes it so many days since anything happened in a room. */
async function makeQuiet(server: TestServer, room_id: string, days: number): Promise<void> {
  const at = Date.now() - days * DAY_MS;
  await using sql = await openSql(server);
  await sql.run('UPDATE rooms SET active_at = ?, listed_at = ? WHERE id = ?', at, at, room_id);
  await sql.run('UPDATE messages SET timestamp = ? WHERE room_id = ?', at, room_id);
}

const rowsOf = (server: TestServer) =>
  Promise.all(
    ['users', 'rooms', 'members', 'messages', 'departures', 'notices'].map((table) =>
      rows(server, `SELECT * FROM ${table}`),
    ),
  );

it('retires guests unseen for long, removes the silent ones, and empty rooms as old; a dry run only says so', async () => {
  await using server = await startServer();
  const can = await guest(server, 'can');
  const [silent, talker, recent] = await Promise.all(['silent', 'talker', 'recent'].map((name) => guest(server, name)));
  if (silent === undefined || talker === undefined || recent === undefined) throw new Error('somebody is missing');
  const shared = await talker.createRoom();
  for (const client of [silent, recent, can]) await client.ok('join_room', { room_id: shared.id });
  const said = await talker.say(shared, 'I was here');
  const lonely = await silent.createRoom();
  const empty = await can.createRoom();
  const new_ = await can.createRoom();
  for (const room of [empty, new_]) await can.ok('leave_room', { room_id: room.id });
  const used = await can.createRoom();
  for (const client of [silent, talker, recent]) client.close();
  for (const { id } of [silent, talker, recent])
    await can.waitFor('user_disconnected', ({ user_id }) => user_id === id);
  await makeStale(server, [silent, talker], 31);
  await makeStale(server, [recent], 29);
  for (const room of [lonely, empty, used]) await makeQuiet(server, room.id, 31);

  const before = await rowsOf(server);
  const foretold = await tool(server, 'admin', 'prune', '--days', '30', '--dry-run');
  expect(await rowsOf(server)).toEqual(before);
  expect(foretold).toContain('Would be done: 2 guests retired, 1 users removed, 2 rooms removed.');
  const told = await tool(server, 'admin', 'prune', '--days', '30');
  expect(told).toContain('2 guests retired, 1 users removed, 2 rooms removed.');
  const lines = (text: string) =>
    text
      .split('\n')
      .filter((line) => /^(retire|delete|remove)/.test(line))
      .sort();
  expect(lines(told)).toEqual(lines(foretold));
  expect(lines(told).map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual(
    [
      `delete user ${silent.id}`,
      `retire user ${silent.id}`,
      `retire user ${talker.id}`,
      `remove room ${lonely.id}`,
      `remove room ${empty.id}`,
    ].sort(),
  );

  for (const { id } of [silent, talker]) await can.waitFor('user_left_room', ({ user_id }) => user_id === id);
  const { users } = await can.ok('get_users', { room_id: shared.id });
  expect(users.map(({ id }) => id)).toEqual([recent.id, can.id]);
  const { room, messages } = await can.ok('join_room', { room_id: shared.id });
  expect(room).toMatchObject({ owner_id: recent.id, user_count: 2 });
  expect(messages).toContainEqual(said);
  const listed = (await can.ok('get_rooms', {})).rooms.map(({ id }) => id);
  expect(listed.sort()).toEqual([shared.id, new_.id, used.id].sort());
  for (const { me } of [silent, talker]) {
    const back = await connect(server);
    expect(await back.code('authenticate', { token: me.token })).toBe('INVALID_TOKEN');
    await back.signIn({ username: me.user.username });
  }
  expect((await connect(server, { token: recent.me.token })).id).toBe(recent.id);
  expect(await tool(server, 'admin', 'prune', '--days', '30')).toContain('0 guests retired, 0 users removed, 0 rooms');
});

it('takes nobody for gone who is online, or has just come back', async () => {
  await using server = await startServer();
  const can = await guest(server, 'can');
  const ada = await guest(server, 'ada');
  ada.close();
  await can.waitFor('user_disconnected');
  await makeStale(server, [ada], 400);
  const back = await connect(server, { token: ada.me.token });
  expect(await tool(server, 'admin', 'prune', '--days', '1')).toContain('0 guests retired');
  await back.createRoom();
});

it('removes who was retired long ago and said nothing', async () => {
  await using server = await startServer();
  const [silent, talker] = [await guest(server, 'silent'), await guest(server, 'talker')];
  const room = await talker.createRoom();
  await silent.ok('join_room', { room_id: room.id });
  await talker.say(room, 'hello');
  for (const client of [silent, talker]) await client.ok('sign_out', {});
  await makeStale(server, [silent, talker], 40);
  const prune = () => tool(server, 'admin', 'prune', '--days', '30');
  expect(await prune()).toContain('0 guests retired, 0 users removed');
  await rows(server, `UPDATE users SET retired_at = ${Date.now() - 31 * DAY_MS} RETURNING id`);
  expect(await prune()).toContain('0 guests retired, 1 users removed');
  expect(await rows(server, 'SELECT id FROM users')).toEqual([{ id: talker.id }]);
  await tool(server, 'admin', 'erase-user', silent.id);
  const { messages } = JSON.parse(await tool(server, 'admin', 'export-user', talker.id)) as { messages: unknown[] };
  expect(messages).toHaveLength(1);
  const names = await rows(server, 'SELECT DISTINCT username FROM messages ORDER BY username DESC');
  expect(names).toEqual([{ username: talker.me.user.username }, { username: 'deleted user' }]);
});

it('keeps a room in which something was said, though a start with a clock that was behind made it look unused', async () => {
  await using server = await startServer();
  const can = await guest(server, 'can');
  const [said, quiet] = [await can.createRoom(), await can.createRoom()];
  await can.say(said, 'yesterday');
  for (const room of [said, quiet]) await can.ok('leave_room', { room_id: room.id });
  for (const room of [said, quiet]) await makeQuiet(server, room.id, 31);
  await rows(server, `UPDATE messages SET timestamp = ${Date.now() - DAY_MS} WHERE system IS NULL RETURNING id`);
  const told = await tool(server, 'admin', 'prune', '--days', '30');
  expect(told).toContain('1 rooms removed');
  expect(told).toContain(`remove room ${quiet.id}`);
});

it('removes what is left of rooms whose removal was broken off', async () => {
  await using server = await startServer();
  const can = await guest(server, 'can');
  const [gone, stays] = [await can.createRoom(), await can.createRoom()];
  const edited = await can.say(gone, 'never to be read again');
  await can.ok('update_message', { message_id: edited.id, content: 'nor this' });
  await server.stop();
  const store = await openStore(server);
  await store.admin.deleteRoom({ room_id: gone.id, at: Date.now() });
  await store.close();

  expect(await tool(server, 'admin', 'prune', '--days', '30', '--dry-run')).toContain(`remove room ${gone.id}`);
  expect(await tool(server, 'admin', 'prune', '--days', '30')).toContain('1 rooms removed');
  expect(await rows(server, 'SELECT DISTINCT room_id FROM messages')).toEqual([{ room_id: stays.id }]);
  expect(await tool(server, 'admin', 'prune', '--days', '30')).toContain('0 rooms removed');
});

it('wants a number of days', async () => {
  await using server = await startServer();
  const wrong = [[], ['--days', '0'], ['--days', '1.5'], ['--days', '30', 'x']];
  const runs = wrong.map((args) => tool(server, 'admin', 'prune', ...args).then(String, String));
  for (const printed of await Promise.all(runs)) expect(printed).toContain('Usage');
});
