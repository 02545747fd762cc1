import { describe, expect, it } from 'vitest';
import { withAdmin } from '../app/app.ts';
import { readConfig } from '../app/core/config.ts';
import type { Room } from '../protocol/index.ts';
import { connect, guest, type TestClient, unique } from './support/client.ts';
import { startServer, type TestServer, testEnv } from './support/server.ts';

const PASSWORD = 'correct horse';

/** Nothing ends by itself while a test lasts. */
const LONG = { env: { PRESENCE_GRACE: '600' }, config: { typingLapseMs: 600_000 } };

/** Eve is about to go; Ada owns the rooms, and Can watches. */
interface World {
  readonly server: TestServer;
  readonly ada: TestClient;
  readonly can: TestClient;
  readonly eve: TestClient;
  readonly twin: TestClient;
  /** All three are in it; it is what ends where only a membership does. */
  readonly room: Room;
  /** With a password; Eve is not in it. */
  readonly locked: Room;
  /** Hidden; Eve is not in it. */
  readonly hidden: Room;
}

/** A way to end Eve's membership of the room, or Eve. Not waited for before it is under way. */
interface Ending {
  readonly name: string;
  readonly ends: 'membership' | 'user';
  /** Whose connection does it, where it is one of Eve's. */
  readonly by?: 'eve' | 'twin';
  readonly begin: (world: World) => Promise<unknown>;
}

/** Something that Eve has under way, and what must be true once she has gone. */
interface UnderWay {
  readonly name: string;
  readonly begin: (world: World) => Promise<unknown>;
  readonly check: (world: World, ends: Ending['ends']) => Promise<void>;
}

/** Does something as the command-line tools do it, beside the server. */
const byTool = (
  { server }: World,
  use: (admin: Parameters<Parameters<typeof withAdmin>[1]>[0]['admin']) => Promise<unknown>,
) => withAdmin(readConfig(testEnv(server.folder)), async ({ admin }) => void (await use(admin)));

const ENDINGS: readonly Ending[] = [
  {
    name: 'leaving',
    ends: 'membership',
    by: 'eve',
    begin: ({ eve, room }) => eve.ok('leave_room', { room_id: room.id }),
  },
  {
    name: 'removal',
    ends: 'membership',
    begin: ({ ada, eve, room }) => ada.ok('remove_member', { room_id: room.id, user_id: eve.id }),
  },
  { name: 'signing out', ends: 'user', by: 'eve', begin: ({ eve }) => eve.ok('sign_out', {}) },
  {
    name: 'signing out everywhere',
    ends: 'user',
    by: 'twin',
    begin: ({ twin }) => twin.ok('sign_out', { everywhere: true }),
  },
  { name: 'revocation', ends: 'user', begin: (world) => byTool(world, (admin) => admin.revokeTokens(world.eve.id)) },
  {
    name: 'erasure',
    ends: 'user',
    begin: (world) => byTool(world, (admin) => admin.eraseUser(world.eve.id, () => {})),
  },
];

/** The members and the history of a room, as Can reads them. */
async function seen({ can }: World, room: Room) {
  const [members, page] = await Promise.all([
    can.ok('get_users', { room_id: room.id }),
    can.ok('get_messages', { room_id: room.id, limit: 100 }),
  ]);
  return { ids: members.users.map(({ id }) => id), messages: page.messages };
}

const UNDER_WAY: readonly UnderWay[] = [
  {
    name: 'sending',
    begin: async ({ eve, twin, room }) => {
      const sends = [eve, twin].flatMap((client) => [1, 2, 3, 4].map((n) => client.say(room, `word ${n}`)));
      await Promise.all(sends);
    },
    check: async (world) => {
      const { messages } = await seen(world, world.room);
      const about = messages.filter(({ user_id }) => user_id === world.eve.id);
      expect(about.at(-1)?.system?.type).toBe('user_left');
    },
  },
  {
    name: 'presence',
    begin: async () => {},
    check: async ({ eve, can, room }, ends) => {
      expect((await can.ok('join_room', { room_id: room.id })).room).toMatchObject({ user_count: 2, online_count: 2 });
      const online = (await can.ok('get_users', {})).users.map(({ id }) => id);
      if (ends === 'membership') expect(online).toContain(eve.id);
      else {
        await can.waitFor('user_disconnected', ({ user_id }) => user_id === eve.id);
        expect(online).not.toContain(eve.id);
      }
    },
  },
  {
    name: 'joining with a password that waits to be checked',
    begin: ({ eve, locked }) => eve.ok('join_room', { room_id: locked.id, password: PASSWORD }),
    check: async (world, ends) => {
      const { ids } = await seen(world, world.locked);
      if (ends === 'membership') expect(ids).toContain(world.eve.id);
      else expect(ids).not.toContain(world.eve.id);
    },
  },
  {
    name: 'making a room whose password waits to be hashed',
    begin: ({ eve, room }) =>
      eve.ok('create_room', { name: `of ${room.name}`, type: 'private', password: 'battery staple' }),
    check: async ({ eve, can, room }, ends) => {
      const { rooms } = await can.ok('get_rooms', { query: `of ${room.name}` });
      if (ends === 'membership') expect(rooms).toMatchObject([{ created_by: eve.id, user_count: 1 }]);
      else for (const made of rooms) expect(made.user_count).toBe(0);
    },
  },
  {
    name: 'being added to a room',
    begin: ({ ada, eve, hidden }) => ada.ok('add_member', { room_id: hidden.id, user_id: eve.id }),
    check: async (world, ends) => {
      const { ids } = await seen(world, world.hidden);
      if (ends === 'membership') expect(ids).toContain(world.eve.id);
      else expect(ids).not.toContain(world.eve.id);
    },
  },
  {
    name: 'signing in once more',
    begin: ({ server, eve }) => connect(server, { token: eve.me.token }),
    check: async ({ server, eve }, ends) => {
      const client = await connect(server);
      const answer = await client.call('authenticate', { token: eve.me.token });
      expect(answer.ok ? 'in' : answer.error.code).toBe(ends === 'membership' ? 'in' : 'INVALID_TOKEN');
    },
  },
];

async function createWorld(server: TestServer): Promise<World> {
  const [ada, can, eve] = await Promise.all([guest(server, 'ada'), guest(server, 'can'), guest(server, 'eve')]);
  const twin = await connect(server, { token: eve.me.token });
  const room = await ada.createRoom({ name: unique('room') });
  const locked = await ada.createRoom({ type: 'private', password: PASSWORD });
  const hidden = await ada.createRoom({ type: 'private' });
  for (const { id } of [locked, hidden]) await ada.ok('add_member', { room_id: id, user_id: can.id });
  for (const client of [can, eve]) await client.ok('join_room', { room_id: room.id });
  return { server, ada, can, eve, twin, room, locked, hidden };
}

describe.each(ENDINGS)('$name', ({ ends, by, begin }) => {
  it('ends typing', async () => {
    await using server = await startServer(LONG);
    const world = await createWorld(server);
    const { can, eve, room } = world;
    await eve.ok('typing_status', { room_id: room.id, is_typing: true });
    await can.waitFor('typing_status', ({ is_typing }) => is_typing);
    await begin(world);
    await can.waitFor('typing_status', ({ user_id, is_typing }) => user_id === eve.id && !is_typing);
  });

  it('ends all else that the user had under way', async () => {
    await using server = await startServer(LONG);
    const world = await createWorld(server);
    const { ada, can, eve, twin, room } = world;
    // Others who wait for a password, before Eve's and after: once the last is answered, hers was looked at.
    const busy = () => ada.createRoom({ type: 'private', password: PASSWORD });
    const queue = [1, 2, 3, 4].map(busy);
    const underWay = UNDER_WAY.map((thing) => thing.begin(world).catch((error: unknown) => error));
    queue.push(...[1, 2].map(busy));
    const ended = begin(world);
    if (by !== undefined) underWay.push(world[by].say(room, 'too late').catch((error: unknown) => error));
    await ended;
    await can.waitFor('user_left_room', (gone) => gone.room_id === room.id && gone.user_id === eve.id);
    await Promise.all([...queue, ...underWay]);
    for (const { name, check } of UNDER_WAY) {
      const refuse = (error: unknown) => Promise.reject(new Error(`${name}: ${String(error)}`));
      await check(world, ends).catch(refuse);
    }
    const said = await can.say(room, 'after');
    await can.waitFor('message', ({ id }) => id === said.id);
    if (ends === 'user') await Promise.all([eve.ended(), twin.ended()]);
    const heard = (client: TestClient) => client.all('message').map(({ content }) => content);
    for (const client of [eve, twin]) expect(heard(client)).not.toContain('after');
    expect(heard(can)).not.toContain('too late');
  });
});

it('ends typing in a room that is deleted with the room, of which nobody hears anything after that', async () => {
  await using server = await startServer(LONG);
  const world = await createWorld(server);
  const { ada, can, eve, room, hidden } = world;
  for (const client of [can, eve]) await client.ok('typing_status', { room_id: room.id, is_typing: true });
  await ada.waitFor('typing_status', ({ user_id }) => user_id === eve.id);
  await byTool(world, (admin) => admin.deleteRoom(room.id));
  for (const client of [ada, can, eve]) await client.waitFor('room_deleted', ({ room_id }) => room_id === room.id);
  await ada.ok('add_member', { room_id: hidden.id, user_id: eve.id });
  for (const client of [ada, can, eve]) {
    await client.ok('typing_status', { room_id: hidden.id, is_typing: true });
    const names = client.entries.flatMap((entry) =>
      entry.kind === 'event' && 'room_id' in entry.payload && entry.payload.room_id === room.id ? [entry.name] : [],
    );
    expect(names.at(-1)).toBe('room_deleted');
  }
});
