import { describe, expect, it } from 'vitest';
import type { Room } from '../protocol/index.ts';
import { connect, guest, type TestClient, TRANSPORTS } from './support/client.ts';
import { sharedServer } from './support/server.ts';

const server = sharedServer();

const NOBODY = '019a8f3e-5b7a-7c31-9a46-2f6d0c1b8e51';

/** Makes a user a member; done when all their clients are in the room and hear what is said from now on. */
async function invite(owner: TestClient, room: Room, user: TestClient, ...clients: TestClient[]): Promise<void> {
  const waiting = [user, ...clients].map((client) => ({ client, from: client.mark() }));
  await owner.ok('add_member', { room_id: room.id, user_id: user.id });
  for (const { client, from } of waiting)
    await client.waitFor('room_info', (told) => told.room.id === room.id, { from });
}

describe.each(TRANSPORTS)('adding and removing members over %s', (transport) => {
  it('brings a user into a room by invitation, on all connections, room_info first', async () => {
    const ada = await guest(server, 'ada', transport);
    const can = await guest(server, 'can', transport);
    const tablet = await connect(server, { transport, token: can.me.token });
    const room = await ada.createRoom({ type: 'private' });
    await ada.say(room, 'before');
    expect(await ada.ok('add_member', { room_id: room.id, user_id: can.id })).toEqual({ ok: true });
    const said = await ada.say(room, 'welcome');
    for (const client of [can, tablet]) {
      const info = await client.waitFor('room_info', (event) => event.room.id === room.id);
      expect(info.room).toMatchObject({ user_count: 2, online_count: 2 });
      expect(info.users.map((user) => user.id)).toEqual([ada.id, can.id]);
      const known = info.room.seq >= said.rev ? info.messages : [await client.waitFor('message')];
      expect(known).toContainEqual(said);
      const next = await ada.say(room, 'and one more');
      await client.waitFor('message', (message) => message.id === next.id);
      const names = client.entries.map((entry) => entry.name);
      expect(names.indexOf('room_info')).toBeLessThan(names.indexOf('message'));
    }
    const username = can.me.user.username;
    const entry = await ada.waitFor('message', (message) => message.seq === 3);
    expect(entry.system).toEqual({ type: 'user_joined', user_id: can.id, username, added_by: ada.id });
    expect(entry.content).toBe(`${username} was added`);
    expect(await ada.waitFor('user_joined_room', (event) => event.user.id === can.id)).toMatchObject({ seq: 3 });
    const { messages } = await can.ok('get_messages', { room_id: room.id });
    expect(messages.map((message) => message.seq)).toEqual([1, 2, 3, 4, 5, 6]);
    expect((await can.ok('get_rooms', { query: room.name })).rooms).toMatchObject([{ id: room.id }]);
  });

  it('reaches a user who is offline when they come back', async () => {
    const ada = await guest(server, 'ada', transport);
    const can = await guest(server, 'can', transport);
    can.close();
    const room = await ada.createRoom({ type: 'private' });
    await ada.ok('add_member', { room_id: room.id, user_id: can.id });
    const back = await connect(server, { transport, token: can.me.token });
    expect(back.me.rooms).toMatchObject([{ id: room.id, seq: 2, user_count: 2 }]);
    const said = await ada.say(room, 'there you are');
    await back.waitFor('message', (message) => message.id === said.id);
  });

  it('changes nothing when the user is a member already', async () => {
    const ada = await guest(server, 'ada', transport);
    const can = await guest(server, 'can', transport);
    const room = await ada.createRoom();
    const add = () => ada.ok('add_member', { room_id: room.id, user_id: can.id });
    await Promise.all([add(), add()]);
    await add();
    await ada.ok('add_member', { room_id: room.id, user_id: ada.id });
    const said = await ada.say(room, 'marker');
    expect(said.seq).toBe(3);
  });

  it('takes a member out, who hears user_left_room last and reads no more', async () => {
    const ada = await guest(server, 'ada', transport);
    const can = await guest(server, 'can', transport);
    const tablet = await connect(server, { transport, token: can.me.token });
    const room = await ada.createRoom({ type: 'private' });
    const other = await can.createRoom();
    await ada.ok('join_room', { room_id: other.id });
    await invite(ada, room, can, tablet);
    const mine = await can.say(room, 'mine');
    expect(await ada.ok('remove_member', { room_id: room.id, user_id: can.id })).toEqual({ ok: true });
    await ada.say(room, 'gone?');
    const marker = await ada.say(other, 'marker');
    for (const client of [can, tablet]) {
      const gone = await client.waitFor('user_left_room');
      expect(gone).toMatchObject({ user_id: can.id, room_id: room.id, seq: 4 });
      await client.waitFor('message', (message) => message.id === marker.id);
      const ofRoom = client.entries.filter(
        ({ payload }) => payload && 'room_id' in payload && payload.room_id === room.id,
      );
      expect(ofRoom.at(-1)?.payload).toBe(gone);
    }
    const username = can.me.user.username;
    const entry = await ada.waitFor('message', (message) => message.seq === 4);
    expect(entry.system).toEqual({ type: 'user_left', user_id: can.id, username, removed_by: ada.id });
    expect(entry.content).toBe(`${username} was removed`);
    expect(await can.code('get_messages', { room_id: room.id })).toBe('ROOM_NOT_FOUND');
    expect(await can.code('send_message', { room_id: room.id, content: 'x' })).toBe('ROOM_NOT_FOUND');
    expect(await can.code('delete_message', { message_id: mine.id })).toBe('MESSAGE_NOT_FOUND');
    expect(await can.code('join_room', { room_id: room.id })).toBe('ROOM_NOT_FOUND');
  });

  it('lets nobody hear what comes after their removal, while others write on', async () => {
    const ada = await guest(server, 'ada', transport);
    const can = await guest(server, 'can', transport);
    const tablet = await connect(server, { token: can.me.token });
    const room = await ada.createRoom();
    let writing = true;
    const flood = (async () => {
      while (writing) await Promise.all([1, 2, 3].map(() => ada.say(room, 'on and on')));
    })();
    for (let round = 0; round < 6; round++) {
      const from = [can.mark(), tablet.mark()];
      await invite(ada, room, can, tablet);
      await can.waitFor('message', (message) => !message.is_system_message, { from: from[0] ?? 0 });
      await ada.ok('remove_member', { room_id: room.id, user_id: can.id });
      const gone = await can.waitFor('user_left_room', () => true, { from: from[0] ?? 0 });
      expect(await tablet.waitFor('user_left_room', () => true, { from: from[1] ?? 0 })).toEqual(gone);
      const heard = can.all('message', from[0]).map((message) => message.rev);
      expect(Math.max(...heard)).toBeLessThanOrEqual(gone.seq);
    }
    writing = false;
    await flood;
  });

  it('is for the owner alone', async () => {
    const ada = await guest(server, 'ada', transport);
    const can = await guest(server, 'can', transport);
    const eve = await guest(server, 'eve', transport);
    const room = await ada.createRoom();
    await can.ok('join_room', { room_id: room.id });
    expect(await can.code('add_member', { room_id: room.id, user_id: eve.id })).toBe('FORBIDDEN');
    expect(await can.code('remove_member', { room_id: room.id, user_id: ada.id })).toBe('FORBIDDEN');
    expect(await eve.code('add_member', { room_id: room.id, user_id: eve.id })).toBe('NOT_A_MEMBER');
    expect(await eve.code('remove_member', { room_id: room.id, user_id: can.id })).toBe('NOT_A_MEMBER');
    expect((await ada.ok('get_users', { room_id: room.id })).users).toHaveLength(2);
  });

  it('refuses whom and what there is not', async () => {
    const ada = await guest(server, 'ada', transport);
    const can = await guest(server, 'can', transport);
    const room = await ada.createRoom();
    expect(await ada.code('add_member', { room_id: room.id, user_id: NOBODY })).toBe('USER_NOT_FOUND');
    expect(await ada.code('remove_member', { room_id: room.id, user_id: NOBODY })).toBe('USER_NOT_FOUND');
    expect(await ada.code('remove_member', { room_id: room.id, user_id: can.id })).toBe('USER_NOT_FOUND');
    expect(await ada.code('add_member', { room_id: NOBODY, user_id: can.id })).toBe('ROOM_NOT_FOUND');
    expect(await ada.code('remove_member', { room_id: NOBODY, user_id: can.id })).toBe('ROOM_NOT_FOUND');
    const self = await ada.refused('remove_member', { room_id: room.id, user_id: ada.id });
    expect(self).toMatchObject({ code: 'INVALID_INPUT', field: 'user_id' });
    expect((await ada.say(room, 'marker')).seq).toBe(2);
  });

  it('passes the room to its longest-standing member when the owner leaves', async () => {
    const ada = await guest(server, 'ada', transport);
    const can = await guest(server, 'can', transport);
    const eve = await guest(server, 'eve', transport);
    const room = await ada.createRoom({ type: 'private' });
    await invite(ada, room, can);
    await invite(ada, room, eve);
    await ada.ok('leave_room', { room_id: room.id });
    const entry = await can.waitFor('message', (message) => message.system?.type === 'user_left');
    expect(entry.system).toMatchObject({ user_id: ada.id, new_owner_id: can.id });
    expect((await eve.ok('join_room', { room_id: room.id })).room).toMatchObject({
      owner_id: can.id,
      created_by: ada.id,
      user_count: 2,
    });
    expect(await eve.code('remove_member', { room_id: room.id, user_id: can.id })).toBe('FORBIDDEN');
    await can.ok('add_member', { room_id: room.id, user_id: ada.id });
    expect(await ada.code('remove_member', { room_id: room.id, user_id: eve.id })).toBe('FORBIDDEN');
    await can.ok('remove_member', { room_id: room.id, user_id: eve.id });
    await eve.waitFor('user_left_room', (gone) => gone.user_id === eve.id);
  });

  it('does not pass the room on when the one who leaves is not the owner', async () => {
    const ada = await guest(server, 'ada', transport);
    const can = await guest(server, 'can', transport);
    const room = await ada.createRoom();
    await can.ok('join_room', { room_id: room.id });
    await can.ok('leave_room', { room_id: room.id });
    expect((await ada.ok('join_room', { room_id: room.id })).room.owner_id).toBe(ada.id);
  });
});

it('answers join_room with what it lists when the membership ends while the room is read', async () => {
  const phone = await guest(server, 'ada');
  const tablet = await connect(server, { token: phone.me.token });
  const room = await phone.createRoom();
  const codes = new Set<string>();
  for (let i = 0; i < 200 && codes.size < 2; i++) {
    const reads = Array.from({ length: 3 }, () => tablet.call('join_room', { room_id: room.id }));
    await phone.ok('leave_room', { room_id: room.id });
    for (const answer of await Promise.all(reads)) codes.add(answer.ok ? 'ok' : answer.error.code);
    await phone.ok('join_room', { room_id: room.id });
  }
  expect([...codes].sort()).toEqual(['NOT_A_MEMBER', 'ok']);
});
