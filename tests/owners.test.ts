import { describe, expect, it } from 'vitest';
import { connect, guest, TRANSPORTS } from './support/client.ts';
import { sharedServer, startServer } from './support/server.ts';
import { tool } from './support/tool.ts';

const server = sharedServer();

describe.each(TRANSPORTS)('the owner of a room over %s', (transport) => {
  it('is who joins when nobody is in it, and may do what an owner may', async () => {
    const ada = await guest(server, 'ada', transport);
    const can = await guest(server, 'can', transport);
    const eve = await guest(server, 'eve', transport);
    const room = await ada.createRoom();
    await ada.ok('leave_room', { room_id: room.id });
    const joined = await can.ok('join_room', { room_id: room.id });
    expect(joined.room).toMatchObject({ owner_id: can.id, user_count: 1 });
    const username = can.me.user.username;
    const system = { type: 'user_joined', user_id: can.id, username, new_owner_id: can.id };
    expect(joined.messages.at(-1)?.system).toEqual(system);
    await eve.ok('join_room', { room_id: room.id });
    expect((await can.waitFor('user_joined_room', ({ user }) => user.id === eve.id)).room.owner_id).toBe(can.id);
    expect((await eve.ok('get_messages', { room_id: room.id })).messages.at(-1)?.system).not.toHaveProperty(
      'new_owner_id',
    );
    expect(await eve.code('remove_member', { room_id: room.id, user_id: can.id })).toBe('FORBIDDEN');
    await can.ok('remove_member', { room_id: room.id, user_id: eve.id });
  });

  it('is the same one who left it empty and came back', async () => {
    const ada = await guest(server, 'ada', transport);
    const room = await ada.createRoom({ type: 'private', password: 'correct horse' });
    await ada.ok('leave_room', { room_id: room.id });
    const back = await ada.ok('join_room', { room_id: room.id, password: 'correct horse' });
    expect(back.room.owner_id).toBe(ada.id);
  });

  it('is exactly one of those who join an empty room at once', async () => {
    const ada = await guest(server, 'ada', transport);
    const crowd = await Promise.all(Array.from({ length: 6 }, () => guest(server, 'crowd', transport)));
    const room = await ada.createRoom();
    await ada.ok('leave_room', { room_id: room.id });
    const joined = await Promise.all(crowd.map((client) => client.ok('join_room', { room_id: room.id })));
    const owners = new Set(joined.map((answer) => answer.room.owner_id));
    expect(owners.size).toBe(1);
    const { messages } = await ada.ok('join_room', { room_id: room.id });
    const named = messages.flatMap(({ system }) => (system?.type === 'user_joined' ? [system.new_owner_id] : []));
    expect(named.filter((id) => id !== undefined)).toEqual([...owners]);
  });
});

describe('set-owner', () => {
  it('gives a room to a member beside a running server, and the room is told', async () => {
    await using server = await startServer();
    const ada = await guest(server, 'ada');
    const can = await guest(server, 'can');
    const room = await ada.createRoom();
    await can.ok('join_room', { room_id: room.id });
    expect(await tool(server, 'admin', 'set-owner', room.id, can.id)).toContain(`User ${can.id} owns room`);
    const username = can.me.user.username;
    const told = {
      type: 'role_changed',
      role: 'owner',
      user_id: can.id,
      username,
      by: null,
      previous_owner_id: ada.id,
    };
    for (const client of [ada, can]) {
      const entry = await client.waitFor('message', ({ system }) => system?.type === 'role_changed');
      expect(entry).toMatchObject({ seq: 3, user_id: can.id, content: `${username} owns the room now`, system: told });
    }
    expect(await ada.code('remove_member', { room_id: room.id, user_id: can.id })).toBe('FORBIDDEN');
    await tool(server, 'admin', 'set-owner', room.id, can.id);
    expect((await ada.say(room, 'nothing was done twice')).seq).toBe(4);
    await can.ok('remove_member', { room_id: room.id, user_id: ada.id });
  });

  it('refuses a room that is none and a user who is no member', async () => {
    await using server = await startServer();
    const ada = await guest(server, 'ada');
    const can = await connect(server, { username: 'can' });
    const room = await ada.createRoom();
    const fails = (...args: string[]) => tool(server, 'admin', 'set-owner', ...args).then(String, String);
    expect(await fails(room.id, can.id)).toMatch(/no such user/);
    expect(await fails(can.id, can.id)).toMatch(/no such room/);
    expect(await fails(room.id)).toMatch(/Usage/);
    expect((await ada.ok('join_room', { room_id: room.id })).room).toMatchObject({ owner_id: ada.id, seq: 1 });
  });
});
