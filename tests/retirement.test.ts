import { describe, expect, it } from 'vitest';
import type { Room } from '../protocol/index.ts';
import { connect, guest, type TestClient, TRANSPORTS, unique } from './support/client.ts';
import { openSql, type Sql, testEngine } from './support/data.ts';
import { spawnServer } from './support/process.ts';
import { sharedServer, startServer } from './support/server.ts';
import { tool } from './support/tool.ts';

/** Nobody goes offline by the grace while a test lasts. */
const LONG = { env: { PRESENCE_GRACE: '600' } };
const server = sharedServer(LONG);

/** Resolves when a client has heard that a user left a room. */
function left(client: TestClient, room: Room, user: TestClient) {
  return client.waitFor('user_left_room', (gone) => gone.room_id === room.id && gone.user_id === user.id);
}

describe.each(TRANSPORTS)('a guest who signs out over %s', (transport) => {
  it.each([false, true])(
    'is gone for good: offline at once, out of its rooms, its name free (everywhere: %s)',
    async (everywhere) => {
      const ada = await guest(server, 'ada', transport);
      const twin = await connect(server, { transport, token: ada.me.token });
      const can = await guest(server, 'can', transport);
      const eve = await guest(server, 'eve', transport);
      const room = await ada.createRoom({ type: 'private' });
      for (const { id } of [can, eve]) await ada.ok('add_member', { room_id: room.id, user_id: id });
      const said = await ada.say(room, 'I was here');
      await ada.ok('sign_out', { everywhere });
      await Promise.all([ada.ended(), twin.ended()]);
      await can.waitFor('user_disconnected', ({ user_id }) => user_id === ada.id);
      const gone = await left(can, room, ada);
      const entry = await can.waitFor('message', (message) => message.seq === gone.seq);
      const username = ada.me.user.username;
      expect(entry.system).toEqual({ type: 'user_left', user_id: ada.id, username, new_owner_id: can.id });
      expect(entry.content).toBe(`${username} left`);
      const { users } = await can.ok('get_users', { room_id: room.id });
      expect(users.map(({ id }) => id)).toEqual([can.id, eve.id]);
      expect((await can.ok('get_rooms', { mine: true })).rooms).toMatchObject([
        { id: room.id, owner_id: can.id, user_count: 2, online_count: 2 },
      ]);
      expect(await can.code('add_member', { room_id: room.id, user_id: ada.id })).toBe('USER_NOT_FOUND');
      expect(await can.code('remove_member', { room_id: room.id, user_id: ada.id })).toBe('USER_NOT_FOUND');
      const back = await connect(server, { transport });
      expect(await back.code('authenticate', { token: ada.me.token })).toBe('INVALID_TOKEN');
      const another = await back.signIn({ username });
      expect(another.user.id).not.toBe(ada.id);
      expect((await can.ok('get_messages', { room_id: room.id })).messages).toContainEqual(said);
    },
  );
});

it('leaves the name to the next one at once, however many rooms are still to be left', async () => {
  const ada = await guest(server, 'ada');
  const can = await guest(server, 'can');
  const rooms: Room[] = [];
  for (let i = 0; i < 40; i++) rooms.push(await ada.createRoom());
  for (const room of rooms) await can.ok('join_room', { room_id: room.id });
  await ada.ok('sign_out', {});
  const next = await connect(server, { username: ada.me.user.username });
  for (const room of rooms) {
    await left(can, room, ada);
    const { users } = await can.ok('get_users', { room_id: room.id });
    expect(users.map(({ id }) => id)).toEqual([can.id]);
  }
  for (const { owner_id, user_count } of (await can.ok('get_rooms', { mine: true })).rooms)
    expect({ owner_id, user_count }).toEqual({ owner_id: can.id, user_count: 1 });
  expect(next.me.rooms).toEqual([]);
});

it('does not count as activity of the rooms that are left', async () => {
  const ada = await guest(server, 'ada');
  const can = await guest(server, 'can');
  const names = [unique('older'), unique('newer')] as const;
  const older = await ada.createRoom({ name: names[0] });
  await can.ok('join_room', { room_id: older.id });
  const newer = await can.createRoom({ name: names[1] });
  await ada.ok('sign_out', {});
  await left(can, older, ada);
  expect((await can.ok('get_rooms', { mine: true })).rooms.map(({ id }) => id)).toEqual([newer.id, older.id]);
});

it('passes a room over the heads of others who are gone as well', async () => {
  const crowd = await Promise.all(Array.from({ length: 6 }, () => guest(server, 'crowd')));
  const can = await guest(server, 'can');
  const [ada, ...others] = crowd as [TestClient, ...TestClient[]];
  const room = await ada.createRoom();
  for (const client of [...others, can]) await client.ok('join_room', { room_id: room.id });
  await Promise.all(crowd.map((client) => client.ok('sign_out', {})));
  for (const client of crowd) await left(can, room, client);
  const { messages } = await can.ok('get_messages', { room_id: room.id });
  const heirs = messages.flatMap(({ system }) => (system?.type === 'user_left' ? [system.new_owner_id] : []));
  expect(heirs.filter((id) => id !== undefined).at(-1)).toBe(can.id);
  expect((await can.ok('join_room', { room_id: room.id })).room).toMatchObject({ owner_id: can.id, user_count: 1 });
});

describe('revoke-tokens', () => {
  it('retires a guest beside a running server: offline at once, out of its rooms', async () => {
    await using server = await startServer(LONG);
    const ada = await guest(server, 'ada');
    const can = await guest(server, 'can');
    const room = await ada.createRoom();
    await can.ok('join_room', { room_id: room.id });
    await tool(server, 'admin', 'revoke-tokens', ada.id);
    await ada.ended();
    await can.waitFor('user_disconnected', ({ user_id }) => user_id === ada.id);
    await left(can, room, ada);
    expect((await can.ok('join_room', { room_id: room.id })).room).toMatchObject({ owner_id: can.id, user_count: 1 });
    await connect(server, { username: ada.me.user.username });
  });

  it('retires a guest while no server runs', async () => {
    await using server = await startServer(LONG);
    const ada = await guest(server, 'ada');
    const can = await guest(server, 'can');
    const room = await ada.createRoom();
    await can.ok('join_room', { room_id: room.id });
    await server.stop();
    await tool(server, 'admin', 'revoke-tokens', ada.id);
    await server.start();
    const back = await connect(server, { token: can.me.token });
    expect(back.me.rooms).toMatchObject([{ id: room.id, owner_id: can.id, user_count: 1, seq: 3 }]);
  });
});

it('goes on where it was after a kill', async () => {
  await using server = await spawnServer();
  const ada = await guest(server, 'ada');
  const can = await guest(server, 'can');
  const rooms: Room[] = [];
  for (let i = 0; i < 30; i++) rooms.push(await ada.createRoom());
  for (const room of rooms) await can.ok('join_room', { room_id: room.id });
  await ada.ok('sign_out', {});
  await server.kill('SIGKILL');
  await server.start();
  const back = await connect(server, { token: can.me.token });
  const mine = async () => (await back.ok('get_rooms', { mine: true })).rooms;
  while ((await mine()).some(({ user_count }) => user_count > 1));
  for (const room of await mine()) expect(room).toMatchObject({ owner_id: can.id, user_count: 1 });
  for (const room of rooms) {
    const { messages } = await back.ok('get_messages', { room_id: room.id });
    expect(messages.map(({ system }) => [system?.type, system?.user_id])).toEqual([
      ['user_joined', ada.id],
      ['user_joined', can.id],
      ['user_left', ada.id],
    ]);
  }
  const token = await connect(server);
  expect(await token.code('authenticate', { token: ada.me.token })).toBe('INVALID_TOKEN');
});

/** Has the database fail to remove a membership of users whose ids begin with 00. */
async function refuseRemovals(sql: Sql): Promise<void> {
  if (testEngine() === 'sqlite')
    await sql.run(`CREATE TRIGGER stuck BEFORE DELETE ON members WHEN OLD.user_id LIKE '00-%'
      BEGIN SELECT RAISE(ABORT, 'a fault'); END`);
  else {
    await sql.run(`CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'a fault'; END $$`);
    await sql.run(`CREATE TRIGGER stuck BEFORE DELETE ON members FOR EACH ROW WHEN (OLD.user_id LIKE '00-%')
      EXECUTE FUNCTION fail()`);
  }
}

it('is not held up by others who cannot leave', async () => {
  await using own = await startServer(LONG);
  await own.stop();
  const sql = await openSql(own);
  await refuseRemovals(sql);
  for (let i = 0; i < 20; i++) {
    await sql.run('INSERT INTO departures (user_id) VALUES (?)', `00-${i}`);
    await sql.run("INSERT INTO members (room_id, user_id, joined_seq) VALUES ('a lost room', ?, ?)", `00-${i}`, i);
  }
  await sql[Symbol.asyncDispose]();
  await own.start();
  const ada = await guest(own, 'ada');
  const can = await guest(own, 'can');
  const room = await ada.createRoom();
  await can.ok('join_room', { room_id: room.id });
  await ada.ok('sign_out', {});
  await left(can, room, ada);
});
