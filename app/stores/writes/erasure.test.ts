import { describe, expect, it } from 'vitest';
import { newId } from '../../../tests/support/records.ts';
import { TestWrites } from '../../../tests/support/writes.ts';
import { ERASED_USERNAME } from '../../models/user.ts';

describe('a room that is deleted', () => {
  it('is gone at once, told by a notice, and emptied step by step', () => {
    using writes = new TestWrites();
    const ada = writes.user('ada');
    const room = writes.room(ada);
    for (let i = 0; i < 4; i++) writes.send(room, ada);
    writes.call('admin.deleteRoom', { room_id: room, at: 7 });
    expect(writes.value('SELECT count(*) FROM rooms')).toBe(0);
    expect(writes.refusal('admin.deleteRoom', { room_id: room, at: 8 })).toBe('ROOM_NOT_FOUND');
    const erasure = { kind: 'room', subject: room, begun_at: 7, reached: 0, total: 6, position: '' };
    expect(writes.rows('SELECT * FROM erasures')).toEqual([erasure]);
    const notice = { number: 1, kind: 'room_deleted', subject: room, token_id: null, generation: null };
    expect(writes.rows('SELECT * FROM notices')).toEqual([notice]);

    const step = (messages: number, members: number) => {
      writes.call('erasures.step', { next: { kind: 'room', subject: room, messages, members }, at: 9 });
      return ['messages', 'members', 'erasures'].map((table) => writes.value(`SELECT count(*) FROM ${table}`));
    };
    expect(step(3, 0)).toEqual([2, 1, 1]);
    expect(writes.value('SELECT reached FROM erasures')).toBe(3);
    expect(step(2, 0)).toEqual([0, 1, 1]);
    expect(step(0, 1)).toEqual([0, 0, 1]);
    expect(writes.value('SELECT reached FROM erasures')).toBe(6);
    expect(step(0, 0)).toEqual([0, 0, 0]);
    expect(step(1, 1)).toEqual([0, 0, 0]);
  });

  it('does not make another call of its batch fail', () => {
    using writes = new TestWrites();
    const ada = writes.user('ada');
    const [doomed, other] = [writes.room(ada), writes.room(ada)] as const;
    const send = (room_id: string) =>
      [
        'messages.send',
        { id: newId(), room_id, user_id: ada, username: 'ada', content: 'x', client_id: null, at: 1 },
      ] as const;
    const replies = writes.batch(
      send(doomed),
      send(other),
      ['admin.deleteRoom', { room_id: doomed, at: 1 }],
      send(other),
      send(doomed),
    );
    expect(replies.map((reply) => (reply.ok ? 'ok' : reply.code))).toEqual(['ok', 'ok', 'ok', 'ok', 'ROOM_NOT_FOUND']);
    expect(writes.rows('SELECT id, seq FROM rooms')).toEqual([{ id: other, seq: 3 }]);
  });

  it('of which nothing is removed while it is there', () => {
    using writes = new TestWrites();
    const ada = writes.user('ada');
    const room = writes.room(ada);
    writes.db.run("INSERT INTO erasures VALUES ('room', ?, 1, 0, 1, '')", room);
    writes.call('erasures.step', { next: { kind: 'room', subject: room, messages: 1, members: 0 }, at: 9 });
    expect(writes.value('SELECT count(*) FROM messages')).toBe(1);
    expect(writes.value('SELECT count(*) FROM erasures')).toBe(0);
  });

  it('only when it is unused, where that is asked', () => {
    using writes = new TestWrites();
    const ada = writes.user('ada');
    const room = writes.room(ada, { at: 100 });
    const remove = { room_id: room, at: 7, unused_since: 200 };
    expect(writes.refusal('admin.deleteRoom', remove)).toBe('ROOM_NOT_FOUND');
    writes.call('rooms.leave', { room_id: room, user_id: ada, message_id: newId(), at: 100 });
    expect(writes.refusal('admin.deleteRoom', { ...remove, unused_since: 100 })).toBe('ROOM_NOT_FOUND');
    writes.call('admin.deleteRoom', { ...remove, unused_since: 101 });
    expect(writes.value('SELECT count(*) FROM rooms')).toBe(0);
  });
});

describe('a user who is erased', () => {
  it('loses the name, the tokens and the messages, each of which takes a number', () => {
    using writes = new TestWrites();
    const [ada, can] = [writes.user('ada'), writes.user('can')] as const;
    const room = writes.room(ada);
    writes.join(room, can);
    const said = writes.send(room, can, { username: 'can', client_id: 'key', content: 'secret' });
    const gone = writes.send(room, can, { username: 'can' });
    writes.call('messages.delete', { message_id: gone, user_id: can, at: 3 });
    const join = String(writes.value("SELECT id FROM messages WHERE system LIKE '%' || ? || '%'", can));
    const kept = writes.send(room, ada);
    writes.call('admin.eraseUser', { user_id: can, at: 7 });
    const row = { username: ERASED_USERNAME, name_key: null, retired_at: 7, generation: 1 };
    expect(writes.rows('SELECT username, name_key, retired_at, generation FROM users WHERE id = ?', can)).toEqual([
      row,
    ]);
    expect(writes.rows('SELECT * FROM erasures')).toEqual([
      { kind: 'user', subject: can, begun_at: 7, reached: 0, total: 6, position: '' },
    ]);

    const messages = [said, gone, join, newId()].map((id) => ({ id, room_id: room }));
    const next = { kind: 'user', subject: can, last: kept, looked: 5, messages } as const;
    writes.call('erasures.step', { next, at: 9 });
    expect(writes.rows('SELECT reached, position FROM erasures')).toEqual([{ reached: 5, position: kept }]);
    const columns = 'content, username, client_id, edited_at, deleted_at, changed';
    const told = (id: string) => writes.rows(`SELECT ${columns} FROM messages WHERE id = ?`, id)[0];
    const erased = { username: ERASED_USERNAME, client_id: null, changed: 1 };
    expect(told(said)).toEqual({ ...erased, content: '', edited_at: null, deleted_at: 9 });
    expect(told(gone)).toEqual({ ...erased, content: '', edited_at: null, deleted_at: 3 });
    expect(told(join)).toEqual({ ...erased, content: `${ERASED_USERNAME} joined`, edited_at: 9, deleted_at: null });
    expect(told(kept)).toMatchObject({ content: 'hello', changed: 0 });
    expect(String(writes.value('SELECT system FROM messages WHERE id = ?', join))).toContain(ERASED_USERNAME);
    expect(writes.value('SELECT seq FROM rooms')).toBe(9);

    writes.call('erasures.step', { next, at: 10 });
    expect(writes.value('SELECT seq FROM rooms')).toBe(9);
    writes.call('erasures.step', { next: { ...next, last: null, messages: [] }, at: 11 });
    expect(writes.value('SELECT count(*) FROM erasures')).toBe(0);
  });

  it('also in what is left of a deleted room', () => {
    using writes = new TestWrites();
    const ada = writes.user('ada');
    const room = writes.room(ada);
    const said = writes.send(room, ada);
    writes.call('admin.deleteRoom', { room_id: room, at: 1 });
    writes.call('admin.eraseUser', { user_id: ada, at: 2 });
    writes.call('admin.eraseUser', { user_id: newId(), at: 2 });
    expect(writes.value("SELECT count(*) FROM erasures WHERE kind = 'user'")).toBe(2);
    const next = {
      kind: 'user',
      subject: ada,
      last: said,
      looked: 2,
      messages: [{ id: said, room_id: room }],
    } as const;
    writes.call('erasures.step', { next, at: 9 });
    expect(writes.value('SELECT count(*) FROM messages WHERE id = ?', said)).toBe(0);
  });
});

describe('the operator', () => {
  it('gives a room to one of its members', () => {
    using writes = new TestWrites();
    const [ada, can, eve] = [writes.user('ada'), writes.user('can'), writes.user('eve')] as const;
    const room = writes.room(ada);
    writes.join(room, can);
    const give = (user_id: string, room_id = room) => ({ room_id, user_id, message_id: newId(), at: 9_000 });
    writes.call('admin.setOwner', give(can));
    expect(writes.entries.at(-1)?.message.system).toEqual({
      type: 'role_changed',
      role: 'owner',
      user_id: can,
      username: 'can',
      by: null,
      previous_owner_id: ada,
    });
    expect(writes.rows('SELECT owner_id, seq, active_at FROM rooms')).toEqual([
      { owner_id: can, seq: 3, active_at: 9_000 },
    ]);
    writes.call('admin.setOwner', give(can));
    expect(writes.value('SELECT seq FROM rooms')).toBe(3);
    expect(writes.refusal('admin.setOwner', give(eve))).toBe('USER_NOT_FOUND');
    expect(writes.refusal('admin.setOwner', give(can, newId()))).toBe('ROOM_NOT_FOUND');
    writes.call('users.revoke', { user_id: ada, token_id: null, expires_at: 1, at: 1 });
    expect(writes.refusal('admin.setOwner', give(ada))).toBe('USER_NOT_FOUND');
  });

  it('removes a user who is retired and has left all rooms', () => {
    using writes = new TestWrites();
    const ada = writes.user('ada');
    const remove = () => writes.call('admin.deleteUser', { user_id: ada });
    expect(remove()).toBe(false);
    writes.call('users.revoke', { user_id: ada, token_id: null, expires_at: 1, at: 1 });
    expect(remove()).toBe(false);
    writes.call('users.depart', { user_id: ada, room_id: null, message_id: newId(), at: 1 });
    expect(remove()).toBe(true);
    expect(remove()).toBe(false);
    expect(writes.value('SELECT count(*) FROM users')).toBe(0);
  });
});

describe('times', () => {
  it('that lie in the future are set to now, rooms in the order that they were in', () => {
    using writes = new TestWrites();
    const ada = writes.user('ada', 500);
    const [past, second, first] = [100, 800, 900].map((at) => writes.room(ada, { at }));
    writes.call('times.settleRooms', {
      room_ids: [first ?? '', second ?? '', past ?? '', newId()],
      place: 10,
      at: 200,
    });
    expect(writes.rows('SELECT active_at, listed_at FROM rooms ORDER BY created_at DESC')).toEqual([
      { active_at: 189, listed_at: 189 },
      { active_at: 188, listed_at: 188 },
      { active_at: 100, listed_at: 100 },
    ]);
    writes.call('times.settleUsers', { at: 200 });
    const row = { connected_at: 200, last_activity: 200, seen_at: 500 };
    expect(writes.rows('SELECT connected_at, last_activity, seen_at FROM users')).toEqual([row]);
  });

  it('of the last look whether the database can be written', () => {
    using writes = new TestWrites();
    writes.call('health.probeWrite', { at: 5 });
    writes.call('health.probeWrite', { at: 6 });
    expect(writes.value("SELECT value FROM counters WHERE name = 'probe'")).toBe(6);
  });
});
