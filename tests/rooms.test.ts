import { describe, expect, it } from 'vitest';
import { LIMITS } from '../protocol/index.ts';
import { connect, guest, TRANSPORTS, unique } from './support/client.ts';
import { sharedServer } from './support/server.ts';

const server = sharedServer();

const NOWHERE = '019a8f3f-0c45-7a92-b1d8-94e7c5f02a6d';

describe.each(TRANSPORTS)('making rooms over %s', (transport) => {
  it('makes a public room whose creator is its first member and its owner', async () => {
    const ada = await guest(server, 'ada', transport);
    const can = await guest(server, 'can', transport);
    const name = unique('garden');
    const { room } = await ada.ok('create_room', { name: `  ${name} ` });
    expect(room).toMatchObject({ name, type: 'public', is_password_protected: false, created_by: ada.id });
    expect(room).toMatchObject({ owner_id: ada.id, user_count: 1, online_count: 1, seq: 1 });
    const { id, owner_id: _o, user_count: _u, online_count: _n, seq: _s, ...rest } = room;
    const created = { room_id: id, ...rest };
    const is = (event: { room_id: string }) => event.room_id === id;
    expect(await ada.waitFor('room_created', is)).toEqual(created);
    expect(await can.waitFor('room_created', is)).toEqual(created);
    expect((await ada.waitFor('room_info', (info) => info.room.id === id)).users).toMatchObject([{ id: ada.id }]);
    const { messages } = await ada.ok('get_messages', { room_id: id });
    expect(messages).toMatchObject([{ seq: 1, rev: 1, is_system_message: true, user_id: ada.id }]);
    expect(messages[0]?.system).toEqual({ type: 'user_joined', user_id: ada.id, username: ada.me.user.username });
  });

  it('lists a private room with a password, and tells everyone of it', async () => {
    const ada = await guest(server, 'ada', transport);
    const can = await guest(server, 'can', transport);
    const room = await ada.createRoom({ type: 'private', password: 'correct horse' });
    expect(room).toMatchObject({ type: 'private', is_password_protected: true });
    await can.waitFor('room_created', (event) => event.room_id === room.id && event.is_password_protected);
    expect((await can.ok('get_rooms', { query: room.name })).rooms).toMatchObject([{ id: room.id }]);
  });

  it('shows a room by invitation to its members only', async () => {
    const ada = await guest(server, 'ada', transport);
    const can = await guest(server, 'can', transport);
    const room = await ada.createRoom({ type: 'private' });
    expect(room).toMatchObject({ type: 'private', is_password_protected: false });
    await ada.waitFor('room_created', (event) => event.room_id === room.id);
    expect((await ada.ok('get_rooms', { query: room.name })).rooms).toMatchObject([{ id: room.id }]);
    expect((await can.ok('get_rooms', { query: room.name })).rooms).toEqual([]);
    const { message } = await ada.ok('send_message', { room_id: room.id, content: 'psst' });

    const unknown = await can.refused('join_room', { room_id: NOWHERE });
    expect(unknown.code).toBe('ROOM_NOT_FOUND');
    expect(await can.refused('join_room', { room_id: room.id })).toEqual(unknown);
    expect(await can.code('join_room', { room_id: room.id, password: 'whatever it is' })).toBe('ROOM_NOT_FOUND');
    expect(await can.code('leave_room', { room_id: room.id })).toBe('ROOM_NOT_FOUND');
    expect(await can.code('get_users', { room_id: room.id })).toBe('ROOM_NOT_FOUND');
    expect(await can.code('get_messages', { room_id: room.id })).toBe('ROOM_NOT_FOUND');
    expect(await can.code('send_message', { room_id: room.id, content: 'x' })).toBe('ROOM_NOT_FOUND');
    expect(await can.code('typing_status', { room_id: room.id, is_typing: true })).toBe('ROOM_NOT_FOUND');
    expect(await can.code('add_member', { room_id: room.id, user_id: can.id })).toBe('ROOM_NOT_FOUND');
    expect(await can.code('remove_member', { room_id: room.id, user_id: ada.id })).toBe('ROOM_NOT_FOUND');
    expect(await can.code('update_message', { message_id: message.id, content: 'x' })).toBe('MESSAGE_NOT_FOUND');
    expect(await can.code('delete_message', { message_id: message.id })).toBe('MESSAGE_NOT_FOUND');

    const open = await ada.createRoom();
    await can.waitFor('room_created', (event) => event.room_id === open.id);
    expect(can.all('room_created').map((event) => event.room_id)).not.toContain(room.id);
  });

  it('gives the first room back for the same client_id', async () => {
    const ada = await guest(server, 'ada', transport);
    const client_id = unique('key');
    const names = [unique('one'), unique('two')];
    const answers = await Promise.all(names.map((name) => ada.ok('create_room', { name, client_id })));
    const ids = answers.map((answer) => answer.room.id);
    expect(ids[0]).toBe(ids[1]);
    expect(answers.filter((answer) => answer.duplicate === true)).toHaveLength(1);
    expect(answers[0]?.room.name).toBe(answers[1]?.room.name);
    await ada.ok('leave_room', { room_id: ids[0] ?? '' });
    const again = await ada.ok('create_room', { name: unique('three'), client_id });
    expect(again).toMatchObject({ duplicate: true, room: { id: ids[0], seq: 2, user_count: 0 } });

    const other = await guest(server, 'other', transport);
    const own = await other.ok('create_room', { name: unique('four'), client_id });
    expect(own.duplicate).toBeUndefined();
    expect(own.room.id).not.toBe(ids[0]);
    expect((await ada.ok('get_rooms', { mine: true })).rooms).toEqual([]);
  });

  it('refuses wrong names, a password for a public room, and passwords out of bounds', async () => {
    const ada = await guest(server, 'ada', transport);
    const fault = async (payload: Parameters<typeof ada.refused<'create_room'>>[1]) => {
      const error = await ada.refused('create_room', payload);
      return [error.code, error.field];
    };
    const { room_name_max, password_min, password_max } = LIMITS;
    expect(await fault({ name: '' })).toEqual(['INVALID_INPUT', 'name']);
    expect(await fault({ name: '   ' })).toEqual(['INVALID_INPUT', 'name']);
    expect(await fault({ name: 'x'.repeat(room_name_max + 1) })).toEqual(['INVALID_INPUT', 'name']);
    expect(await fault({ name: 'x', password: 'correct horse' })).toEqual(['INVALID_INPUT', 'password']);
    const secret = { name: 'x', type: 'private' as const };
    expect(await fault({ ...secret, password: 'x'.repeat(password_min - 1) })).toEqual(['INVALID_INPUT', 'password']);
    expect(await fault({ ...secret, password: 'x'.repeat(password_max + 1) })).toEqual(['INVALID_INPUT', 'password']);
    expect(await fault({ name: 'x', client_id: '' })).toEqual(['INVALID_INPUT', 'client_id']);
    expect(await fault({ name: 'x', client_id: 'x'.repeat(65) })).toEqual(['INVALID_INPUT', 'client_id']);
    const longest = await ada.createRoom({ name: '\u{1f9ad}'.repeat(room_name_max) });
    expect([...longest.name]).toHaveLength(room_name_max);
    expect((await ada.ok('get_rooms', { mine: true })).rooms).toMatchObject([{ id: longest.id }]);
  });
});

describe.each(TRANSPORTS)('joining and leaving over %s', (transport) => {
  it('tells the room and gives the joiner the newest messages, room_info first', async () => {
    const ada = await guest(server, 'ada', transport);
    const can = await guest(server, 'can', transport);
    const tablet = await connect(server, { transport, token: can.me.token });
    const room = await ada.createRoom();
    const said = await ada.say(room, 'before you came');
    const joined = await can.ok('join_room', { room_id: room.id });
    expect(joined.room).toMatchObject({ id: room.id, seq: 3, user_count: 2, online_count: 2 });
    expect(joined.users.map((user) => user.id)).toEqual([ada.id, can.id]);
    expect(joined.messages.map((message) => message.seq)).toEqual([1, 2, 3]);
    expect(joined.messages[1]).toEqual(said);
    expect(joined.has_more).toBe(false);
    const username = can.me.user.username;
    const entry = await ada.waitFor('message', (message) => message.seq === 3);
    expect(entry).toMatchObject({ rev: 3, is_system_message: true, user_id: can.id, username });
    expect(entry.system).toEqual({ type: 'user_joined', user_id: can.id, username });
    expect(entry.content).toBe(`${username} joined`);
    expect(entry.content).toContain(username);
    expect(joined.messages[2]).toEqual(entry);
    const news = await ada.waitFor('user_joined_room', (event) => event.user.id === can.id);
    expect(news).toMatchObject({ seq: 3, room: { id: room.id, user_count: 2 } });

    const next = await ada.say(room, 'welcome');
    for (const client of [can, tablet]) {
      await client.waitFor('message', (message) => message.id === next.id);
      const names = client.entries.flatMap((item) => {
        const about = JSON.stringify(item.payload) ?? '';
        return item.kind === 'event' && about.includes(room.id) ? [item.name] : [];
      });
      const info = names.indexOf('room_info');
      expect(info).toBeGreaterThan(-1);
      expect(info).toBeLessThan(names.indexOf('message'));
      expect(client.all('room_info')[0]?.room).toMatchObject({ id: room.id, user_count: 2, seq: 3 });
    }
    expect(can.all('room_info').map((info) => info.messages)).toEqual([[]]);
  });

  it('is a plain read for a member', async () => {
    const ada = await guest(server, 'ada', transport);
    const can = await guest(server, 'can', transport);
    const room = await ada.createRoom({ type: 'private', password: 'correct horse' });
    await can.ok('join_room', { room_id: room.id, password: 'correct horse' });
    const from = can.mark();
    for (const password of [undefined, 'wrong as can be']) {
      const again = await can.ok('join_room', { room_id: room.id, ...(password === undefined ? {} : { password }) });
      expect(again.room).toMatchObject({ seq: 2, user_count: 2 });
      expect(again.messages).toHaveLength(2);
    }
    expect(await can.waitFor('room_info', () => true, { from })).toMatchObject({ room: { seq: 2 }, messages: [] });
    await can.say(room, 'marker');
    await ada.waitFor('message', (message) => message.content === 'marker');
    expect(ada.all('user_joined_room').filter((event) => event.user.id === can.id)).toHaveLength(1);
    expect(ada.all('message').filter((message) => message.user_id === can.id)).toHaveLength(2);
  });

  it('says in room_info what the answer says when no callback is given', async () => {
    const ada = await guest(server, 'ada', transport);
    const can = await guest(server, 'can', transport);
    const room = await ada.createRoom();
    const said = await ada.say(room, 'hello');
    for (const state of ['new', 'a member']) {
      const from = can.mark();
      can.socket.emit('join_room', { room_id: room.id });
      const info = await can.waitFor('room_info', (event) => event.messages.length > 0, { from });
      expect(info.room, state).toMatchObject({ id: room.id, seq: 3, user_count: 2 });
      expect(info.users.map((user) => user.id)).toEqual([ada.id, can.id]);
      expect(info.messages.map((message) => message.seq)).toEqual([1, 2, 3]);
      expect(info.messages[1]).toEqual(said);
    }
  });

  it('asks for the password', async () => {
    const ada = await guest(server, 'ada', transport);
    const can = await guest(server, 'can', transport);
    const room = await ada.createRoom({ type: 'private', password: 'parola ğüşİ' });
    expect(await can.code('join_room', { room_id: room.id })).toBe('WRONG_PASSWORD');
    expect(await can.code('join_room', { room_id: room.id, password: '' })).toBe('WRONG_PASSWORD');
    expect(await can.code('join_room', { room_id: room.id, password: 'parola ğüşI' })).toBe('WRONG_PASSWORD');
    expect(await can.code('send_message', { room_id: room.id, content: 'x' })).toBe('NOT_A_MEMBER');
    expect((await can.ok('join_room', { room_id: room.id, password: 'parola ğüşİ' })).room.user_count).toBe(2);
  });

  it('takes the password as another keyboard writes it', async () => {
    const ada = await guest(server, 'ada', transport);
    const can = await guest(server, 'can', transport);
    const room = await ada.createRoom({ type: 'private', password: 'ﬁnch ½ Çağ' });
    const password = 'finch 1⁄2 C\u0327ag\u0306';
    expect((await can.ok('join_room', { room_id: room.id, password })).room.user_count).toBe(2);
  });

  it('refuses rooms that do not exist and members that are none', async () => {
    const ada = await guest(server, 'ada', transport);
    const can = await guest(server, 'can', transport);
    const room = await ada.createRoom();
    expect(await can.code('join_room', { room_id: NOWHERE })).toBe('ROOM_NOT_FOUND');
    expect(await can.code('leave_room', { room_id: NOWHERE })).toBe('ROOM_NOT_FOUND');
    expect(await can.code('leave_room', { room_id: room.id })).toBe('NOT_A_MEMBER');
    expect(await can.code('get_users', { room_id: room.id })).toBe('NOT_A_MEMBER');
    expect(await can.code('get_messages', { room_id: room.id })).toBe('NOT_A_MEMBER');
    expect(await can.code('send_message', { room_id: room.id, content: 'x' })).toBe('NOT_A_MEMBER');
    expect(await can.code('typing_status', { room_id: room.id, is_typing: true })).toBe('NOT_A_MEMBER');
    expect(await can.code('get_users', { room_id: NOWHERE })).toBe('ROOM_NOT_FOUND');
    expect(await can.code('get_messages', { room_id: NOWHERE })).toBe('ROOM_NOT_FOUND');
    expect(await can.code('send_message', { room_id: NOWHERE, content: 'x' })).toBe('ROOM_NOT_FOUND');
    expect(await can.code('typing_status', { room_id: NOWHERE, is_typing: true })).toBe('ROOM_NOT_FOUND');
  });

  it('ends with user_left_room on all connections of the one who leaves, and nothing after', async () => {
    const ada = await guest(server, 'ada', transport);
    const can = await guest(server, 'can', transport);
    const tablet = await connect(server, { transport, token: can.me.token });
    const room = await ada.createRoom();
    const other = await ada.createRoom();
    await can.ok('join_room', { room_id: room.id });
    await can.ok('join_room', { room_id: other.id });
    expect(await can.ok('leave_room', { room_id: room.id })).toEqual({ ok: true });
    const username = can.me.user.username;
    const gone = { user_id: can.id, username, room_id: room.id, seq: 3 };
    const entry = await ada.waitFor('message', (message) => message.room_id === room.id && message.seq === 3);
    expect(entry).toMatchObject({ is_system_message: true, user_id: can.id });
    expect(entry.system).toEqual({ type: 'user_left', user_id: can.id, username });
    expect(entry.content).toBe(`${username} left`);
    expect(await ada.waitFor('user_left_room')).toEqual(gone);
    await ada.say(room, 'about them');
    const marker = await ada.say(other, 'marker');
    for (const client of [can, tablet]) {
      expect(await client.waitFor('user_left_room')).toEqual(gone);
      await client.waitFor('message', (message) => message.id === marker.id);
      const of = client.entries.filter((item) => (JSON.stringify(item.payload) ?? '').includes(room.id));
      expect(of.filter((item) => item.kind === 'event').at(-1)?.name).toBe('user_left_room');
    }
    expect(await can.code('get_messages', { room_id: room.id })).toBe('NOT_A_MEMBER');
    expect((await can.ok('get_rooms', { mine: true })).rooms.map(({ id }) => id)).toEqual([other.id]);
  });

  it('lets one come back and read what was said meanwhile', async () => {
    const ada = await guest(server, 'ada', transport);
    const can = await guest(server, 'can', transport);
    const room = await ada.createRoom();
    await can.ok('join_room', { room_id: room.id });
    await can.ok('leave_room', { room_id: room.id });
    await ada.say(room, 'meanwhile');
    const back = await can.ok('join_room', { room_id: room.id });
    expect(back.messages.map(({ seq, content }) => [seq, seq === 4 ? content : ''])).toEqual([
      [1, ''],
      [2, ''],
      [3, ''],
      [4, 'meanwhile'],
      [5, ''],
    ]);
    const said = await ada.say(room, 'welcome back');
    await can.waitFor('message', (message) => message.id === said.id);
  });

  it('keeps a room without members, with its history', async () => {
    const ada = await guest(server, 'ada', transport);
    const can = await guest(server, 'can', transport);
    const room = await ada.createRoom();
    await ada.say(room, 'is anybody here?');
    await ada.ok('leave_room', { room_id: room.id });
    const found = (await can.ok('get_rooms', { query: room.name })).rooms;
    expect(found).toMatchObject([{ id: room.id, owner_id: null, user_count: 0, online_count: 0, seq: 3 }]);
    const joined = await can.ok('join_room', { room_id: room.id });
    expect(joined.messages.map((message) => message.seq)).toEqual([1, 2, 3, 4]);
    expect(joined.messages[1]?.content).toBe('is anybody here?');
  });

  it('takes one place in the log when one user joins twice at the same time', async () => {
    const ada = await guest(server, 'ada', transport);
    const can = await guest(server, 'can', transport);
    const room = await ada.createRoom();
    const joins = await Promise.all([1, 2, 3].map(() => can.ok('join_room', { room_id: room.id })));
    expect(joins.map((joined) => joined.room.seq)).toEqual([2, 2, 2]);
    const leaves = await Promise.all([1, 2].map(() => can.call('leave_room', { room_id: room.id })));
    expect(leaves.map((answer) => answer.ok).sort()).toEqual([false, true]);
    expect((await ada.ok('get_messages', { room_id: room.id })).messages).toHaveLength(3);
  });
});
