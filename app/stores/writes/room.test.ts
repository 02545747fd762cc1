import { describe, expect, it } from 'vitest';
import { newId } from '../../../tests/support/records.ts';
import { TestWrites } from '../../../tests/support/writes.ts';

function open() {
  const writes = new TestWrites();
  const [ada, can, eve] = [writes.user('ada'), writes.user('can'), writes.user('eve')] as const;
  return { writes, ada, can, eve, [Symbol.dispose]: () => writes[Symbol.dispose]() };
}

type Opened = ReturnType<typeof open>;
const input = (room_id: string, user_id: string) => ({
  room_id,
  user_id,
  message_id: newId(),
  rooms_max: 3,
  at: 9_000,
});
const join = (room_id: string, user_id: string, verified_hash: string | null = null) => ({
  ...input(room_id, user_id),
  verified_hash,
});
const last = ({ writes }: Opened) => writes.entries.at(-1);
const system = (o: Opened) => last(o)?.message.system;
const stored = ({ writes }: Opened, room_id: string) =>
  writes.rows('SELECT owner_id, user_count, seq FROM rooms WHERE id = ?', room_id)[0];
const members = ({ writes }: Opened, room_id: string) =>
  writes
    .rows('SELECT user_id FROM members WHERE room_id = ? ORDER BY joined_seq', room_id)
    .map((row) => Object(row).user_id);

describe('to make a room', () => {
  it('has its maker as owner and first member, by its first entry', () => {
    using o = open();
    const { writes, ada } = o;
    const room_id = newId();
    const made = writes.call('rooms.create', {
      ...input(room_id, ada),
      name: 'Garden',
      type: 'private',
      password_hash: 'hash',
      client_id: 'key',
    });
    const room = {
      id: room_id,
      name: 'Garden',
      type: 'private',
      is_password_protected: true,
      created_by: ada,
      owner_id: ada,
      created_at: '1970-01-01T00:00:09.000Z',
      user_count: 1,
      seq: 1,
    };
    expect(made).toEqual({ room: { ...room, member: true }, duplicate: false });
    expect(members(o, room_id)).toEqual([ada]);
    expect(last(o)?.joined).toMatchObject({ user: { id: ada, username: 'ada' }, room });
    expect(last(o)?.message).toMatchObject({
      seq: 1,
      content: 'ada joined',
      system: { type: 'user_joined', user_id: ada },
    });
    expect(writes.rows('SELECT name_key, active_at, listed_at, client_id FROM rooms')).toEqual([
      { name_key: 'garden', active_at: 9_000, listed_at: 0, client_id: 'key' },
    ]);
  });

  it('answers a repeat with the room of before, and whether its maker is in it still', () => {
    using o = open();
    const { writes, ada, can } = o;
    const room = writes.room(ada, { client_id: 'key' });
    const again = () =>
      writes.call('rooms.create', {
        ...input(newId(), ada),
        name: 'other',
        type: 'public',
        password_hash: null,
        client_id: 'key',
      });
    expect(again()).toMatchObject({ room: { id: room, name: 'garden', member: true }, duplicate: true });
    writes.call('rooms.leave', input(room, ada));
    expect(again()).toMatchObject({ room: { id: room, member: false }, duplicate: true });
    expect(writes.room(can, { client_id: 'key' })).not.toBe(room);
  });

  it('is refused to who is gone, or has as many rooms as may be, and leaves nothing', () => {
    using o = open();
    const { writes, ada } = o;
    const room = {
      ...input(newId(), ada),
      name: 'garden',
      type: 'public',
      password_hash: null,
      client_id: null,
    } as const;
    expect(writes.refusal('rooms.create', { ...room, user_id: newId() })).toBe('UNAUTHENTICATED');
    for (let i = 0; i < 3; i++) writes.room(ada, { rooms_max: 3 });
    expect(writes.refusal('rooms.create', room)).toBe('LIMIT_REACHED');
    writes.call('users.revoke', { user_id: ada, token_id: null, expires_at: 1, at: 1 });
    expect(writes.refusal('rooms.create', { ...room, rooms_max: 9 })).toBe('UNAUTHENTICATED');
  });
});

describe('to join a room', () => {
  it('makes a member by an entry, once', () => {
    using o = open();
    const { writes, ada, can } = o;
    const room = writes.room(ada);
    writes.call('rooms.join', join(room, can));
    expect(members(o, room)).toEqual([ada, can]);
    expect(stored(o, room)).toEqual({ owner_id: ada, user_count: 2, seq: 2 });
    expect(last(o)).toMatchObject({
      message: { seq: 2 },
      joined: { user: { id: can }, room: { user_count: 2, seq: 2 } },
    });
    expect(system(o)).toEqual({ type: 'user_joined', user_id: can, username: 'can' });
    writes.call('rooms.join', join(room, can));
    expect(stored(o, room)).toEqual({ owner_id: ada, user_count: 2, seq: 2 });
  });

  it('asks for the password of a private room, and hides one that has none', () => {
    using o = open();
    const { writes, ada, can } = o;
    const locked = writes.room(ada, { type: 'private', password_hash: 'hash' });
    expect(writes.refusal('rooms.join', join(locked, can))).toBe('WRONG_PASSWORD');
    expect(writes.refusal('rooms.join', join(locked, can, 'of before'))).toBe('WRONG_PASSWORD');
    writes.call('rooms.join', join(locked, can, 'hash'));
    expect(members(o, locked)).toEqual([ada, can]);
    expect(writes.refusal('rooms.join', join(writes.room(ada, { type: 'private' }), can))).toBe('ROOM_NOT_FOUND');
  });

  it('makes an owner of who joins a room that nobody is in', () => {
    using o = open();
    const { writes, ada, can } = o;
    const room = writes.room(ada);
    writes.call('rooms.leave', input(room, ada));
    expect(stored(o, room)).toEqual({ owner_id: null, user_count: 0, seq: 2 });
    expect(system(o)).toEqual({ type: 'user_left', user_id: ada, username: 'ada' });
    writes.call('rooms.join', join(room, can));
    expect(system(o)).toEqual({ type: 'user_joined', user_id: can, username: 'can', new_owner_id: can });
    expect(stored(o, room)).toEqual({ owner_id: can, user_count: 1, seq: 3 });
  });

  it('counts the rooms of a user within the batch', () => {
    using o = open();
    const { writes, ada, can } = o;
    const rooms = [1, 2, 3, 4].map(() => writes.room(ada));
    const replies = writes.batch(...rooms.map((room) => ['rooms.join', join(room, can)] as const));
    expect(replies.map((reply) => (reply.ok ? 'ok' : reply.code))).toEqual(['ok', 'ok', 'ok', 'LIMIT_REACHED']);
  });
});

describe('to leave a room', () => {
  it('passes it to the longest-standing of the others who stay', () => {
    using o = open();
    const { writes, ada, can, eve } = o;
    const room = writes.room(ada);
    writes.join(room, can, eve);
    writes.call('users.revoke', { user_id: can, token_id: null, expires_at: 1, at: 1 });
    writes.call('rooms.leave', input(room, ada));
    expect(system(o)).toEqual({ type: 'user_left', user_id: ada, username: 'ada', new_owner_id: eve });
    expect(stored(o, room)).toEqual({ owner_id: eve, user_count: 2, seq: 4 });
    writes.call('rooms.leave', input(room, eve));
    expect(stored(o, room)).toEqual({ owner_id: can, user_count: 1, seq: 5 });
    expect(members(o, room)).toEqual([can]);
  });

  it('leaves the owner as it is when another leaves, and is refused to who is no member', () => {
    using o = open();
    const { writes, ada, can } = o;
    const room = writes.room(ada);
    expect(writes.refusal('rooms.leave', input(room, can))).toBe('NOT_A_MEMBER');
    writes.join(room, can);
    writes.call('rooms.leave', input(room, can));
    expect(system(o)).toEqual({ type: 'user_left', user_id: can, username: 'can' });
    expect(stored(o, room)).toEqual({ owner_id: ada, user_count: 1, seq: 3 });
    expect(writes.value('SELECT active_at FROM rooms WHERE id = ?', room)).toBe(9_000);
  });

  it('and joins again within one batch', () => {
    using o = open();
    const { writes, ada, can } = o;
    const room = writes.room(ada);
    writes.join(room, can);
    const replies = writes.batch(['rooms.leave', input(room, can)], ['rooms.join', join(room, can)]);
    expect(replies.every(({ ok }) => ok)).toBe(true);
    expect(writes.value('SELECT joined_seq FROM members WHERE user_id = ?', can)).toBe(4);
  });
});

describe('the owner', () => {
  const by = (ada: string, room: string, user: string) => ({ ...input(room, user), by: ada });

  it('adds a member, once', () => {
    using o = open();
    const { writes, ada, can } = o;
    const room = writes.room(ada, { type: 'private' });
    expect(writes.call('rooms.add', by(ada, room, can))).toBe(true);
    expect(system(o)).toEqual({ type: 'user_joined', user_id: can, username: 'can', added_by: ada });
    expect(writes.call('rooms.add', by(ada, room, can))).toBe(false);
    expect(members(o, room)).toEqual([ada, can]);
  });

  it('adds nobody who is gone, or has as many rooms as may be; and no other adds anybody', () => {
    using o = open();
    const { writes, ada, can, eve } = o;
    const room = writes.room(ada);
    expect(writes.refusal('rooms.add', by(ada, room, newId()))).toBe('USER_NOT_FOUND');
    for (let i = 0; i < 3; i++) writes.room(can);
    expect(writes.refusal('rooms.add', by(ada, room, can))).toBe('LIMIT_REACHED');
    writes.join(room, eve);
    expect(writes.refusal('rooms.add', by(eve, room, can))).toBe('FORBIDDEN');
    expect(writes.refusal('rooms.add', by(can, room, eve))).toBe('NOT_A_MEMBER');
  });

  it('removes a member, but not who is none, nor itself; and no other removes anybody', () => {
    using o = open();
    const { writes, ada, can, eve } = o;
    const room = writes.room(ada);
    writes.join(room, can);
    expect(writes.refusal('rooms.remove', by(can, room, ada))).toBe('FORBIDDEN');
    expect(writes.refusal('rooms.remove', by(ada, room, eve))).toBe('USER_NOT_FOUND');
    expect(writes.refusal('rooms.remove', by(ada, room, ada))).toBe('INVALID_INPUT');
    writes.call('rooms.remove', by(ada, room, can));
    expect(system(o)).toEqual({ type: 'user_left', user_id: can, username: 'can', removed_by: ada });
    expect(members(o, room)).toEqual([ada]);
    expect(stored(o, room)).toEqual({ owner_id: ada, user_count: 1, seq: 3 });
  });
});
