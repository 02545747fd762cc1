import { describe, expect, it } from 'vitest';
import { newId } from '../../../tests/support/records.ts';
import { TestWrites } from '../../../tests/support/writes.ts';

function garden() {
  const writes = new TestWrites();
  const [ada, can, eve] = [writes.user('ada'), writes.user('can'), writes.user('eve')] as const;
  const room = writes.room(ada, { at: 1_000 });
  writes.join(room, can);
  const message = { room_id: room, user_id: ada, username: 'ada', content: 'hello', client_id: null, at: 5_000 };
  return { writes, ada, can, eve, room, message, [Symbol.dispose]: () => writes[Symbol.dispose]() };
}

describe('to send a message', () => {
  it('stores it as the next entry of the room, answers and tells it', () => {
    using g = garden();
    const { writes, room, ada, message } = g;
    const id = newId();
    const sent = writes.call('messages.send', { ...message, id, client_id: 'key' });
    expect(sent).toEqual({
      message: {
        id,
        room_id: room,
        seq: 3,
        rev: 3,
        user_id: ada,
        username: 'ada',
        content: 'hello',
        timestamp: '1970-01-01T00:00:05.000Z',
        is_system_message: false,
        edited: false,
        edited_at: null,
        deleted: false,
        deleted_at: null,
        client_id: 'key',
      },
    });
    expect(writes.entries.at(-1)).toEqual({ message: sent.message });
    expect(writes.rows('SELECT seq, active_at, listed_at FROM rooms')).toEqual([
      { seq: 3, active_at: 5_000, listed_at: 5_000 },
    ]);
    const kept = { id, room_id: room, user_id: ada, username: 'ada', content: 'hello', timestamp: 5_000 };
    expect(writes.rows('SELECT * FROM messages WHERE id = ?', id)).toMatchObject([
      { ...kept, changed: 0, seq: 3, rev: 3, system: null, edited_at: null, deleted_at: null, client_id: 'key' },
    ]);
  });

  it('answers a repeat with what was stored first, also to who has left, and not across users and rooms', () => {
    using g = garden();
    const { writes, room, ada, can, message } = g;
    const first = writes.call('messages.send', { ...message, id: newId(), client_id: 'key' });
    const again = writes.call('messages.send', { ...message, id: newId(), content: 'other', client_id: 'key' });
    expect(again).toEqual({ message: first.message, duplicate: true });
    writes.call('rooms.leave', { room_id: room, user_id: ada, message_id: newId(), at: 1 });
    expect(writes.call('messages.send', { ...message, id: newId(), client_id: 'key' }).duplicate).toBe(true);
    const other = writes.call('messages.send', { ...message, id: newId(), user_id: can, client_id: 'key' });
    expect(other.duplicate).toBeUndefined();
    writes.call('admin.deleteRoom', { room_id: room, at: 1 });
    expect(writes.refusal('messages.send', { ...message, id: newId(), client_id: 'key' })).toBe('ROOM_NOT_FOUND');
  });

  it('is refused to who is no member, or is retired, and disturbs no other call of the batch', () => {
    using g = garden();
    const { writes, room, ada, can, eve, message } = g;
    expect(writes.refusal('messages.send', { ...message, id: newId(), user_id: eve })).toBe('NOT_A_MEMBER');
    expect(writes.refusal('messages.send', { ...message, id: newId(), room_id: newId() })).toBe('ROOM_NOT_FOUND');
    writes.call('users.revoke', { user_id: can, token_id: null, expires_at: 1, at: 1 });
    const replies = writes.batch(
      ['messages.send', { ...message, id: newId(), content: 'first' }],
      ['messages.send', { ...message, id: newId(), user_id: can }],
      ['messages.send', { ...message, id: newId(), content: 'second' }],
    );
    expect(replies.map((reply) => (reply.ok ? 'ok' : reply.code))).toEqual(['ok', 'NOT_A_MEMBER', 'ok']);
    expect(writes.rows('SELECT seq, content FROM messages WHERE room_id = ? AND seq > 2 ORDER BY seq', room)).toEqual([
      { seq: 3, content: 'first' },
      { seq: 4, content: 'second' },
    ]);
    expect(writes.value('SELECT seq FROM rooms')).toBe(4);
    expect(ada).toBe(message.user_id);
  });

  it('writes the activity of the room when it is a second behind, and not before; of a hidden room no place', () => {
    using g = garden();
    const { writes, room, ada, message } = g;
    const at = (ms: number) => {
      writes.call('messages.send', { ...message, id: newId(), at: ms });
      return writes.value('SELECT active_at FROM rooms WHERE id = ?', room);
    };
    expect([at(1_999), at(2_000), at(2_999), at(1_000), at(3_000)]).toEqual([1_000, 2_000, 2_000, 2_000, 3_000]);
    expect(writes.value('SELECT listed_at FROM rooms WHERE id = ?', room)).toBe(3_000);
    const hidden = writes.room(ada, { type: 'private' });
    writes.send(hidden, ada, { at: 9_000 });
    expect(writes.rows('SELECT active_at, listed_at FROM rooms WHERE id = ?', hidden)).toEqual([
      { active_at: 9_000, listed_at: null },
    ]);
    const locked = writes.room(ada, { type: 'private', password_hash: 'hash', at: 86_400_000 });
    writes.send(locked, ada, { at: 90_000_000 });
    expect(writes.value('SELECT listed_at FROM rooms WHERE id = ?', locked)).toBe(86_400_000);
  });
});

describe('to edit and delete a message', () => {
  it('takes the next number, keeps the place, and tells it', () => {
    using g = garden();
    const { writes, room, ada } = g;
    const id = writes.send(room, ada);
    const edited = writes.call('messages.edit', { message_id: id, user_id: ada, content: 'hi', at: 7 });
    expect(edited).toMatchObject({
      seq: 3,
      rev: 4,
      content: 'hi',
      edited: true,
      edited_at: '1970-01-01T00:00:00.007Z',
    });
    expect(writes.entries.at(-1)).toEqual({ message: edited });
    expect(writes.rows('SELECT changed, seq, rev, content FROM messages WHERE id = ?', id)).toEqual([
      { changed: 1, seq: 3, rev: 4, content: 'hi' },
    ]);
    const deleted = writes.call('messages.delete', { message_id: id, user_id: ada, at: 8 });
    expect(deleted).toMatchObject({ seq: 3, rev: 5, content: '', edited: true, deleted: true });
    expect(deleted.deleted_at).toBe('1970-01-01T00:00:00.008Z');
    expect(writes.value('SELECT seq FROM rooms')).toBe(5);
    expect(writes.value('SELECT count(*) FROM messages WHERE room_id = ? AND changed = 1', room)).toBe(1);
  });

  it('changes nothing where there is nothing to change', () => {
    using g = garden();
    const { writes, room, ada } = g;
    const id = writes.send(room, ada);
    const told = writes.entries.length;
    expect(writes.call('messages.edit', { message_id: id, user_id: ada, content: 'hello', at: 7 }).rev).toBe(3);
    writes.call('messages.delete', { message_id: id, user_id: ada, at: 8 });
    expect(writes.call('messages.delete', { message_id: id, user_id: ada, at: 9 }).rev).toBe(4);
    expect(writes.entries).toHaveLength(told + 1);
  });

  it('is refused to others, of system messages, of what is deleted, and of what is not there', () => {
    using g = garden();
    const { writes, room, ada, can, eve } = g;
    const id = writes.send(room, ada);
    const join = String(writes.value('SELECT id FROM messages WHERE seq = 2'));
    const edit = (message_id: string, user_id: string) =>
      writes.refusal('messages.edit', { message_id, user_id, content: 'hi', at: 7 });
    expect([edit(id, can), edit(id, eve), edit(join, can), edit(newId(), ada)]).toEqual([
      'FORBIDDEN',
      'NOT_A_MEMBER',
      'FORBIDDEN',
      'MESSAGE_NOT_FOUND',
    ]);
    writes.call('messages.delete', { message_id: id, user_id: ada, at: 8 });
    expect(edit(id, ada)).toBe('MESSAGE_NOT_FOUND');
    expect(writes.refusal('messages.delete', { message_id: join, user_id: can, at: 8 })).toBe('FORBIDDEN');
    writes.call('rooms.leave', { room_id: room, user_id: ada, message_id: newId(), at: 1 });
    expect(writes.refusal('messages.delete', { message_id: id, user_id: ada, at: 8 })).toBe('NOT_A_MEMBER');
  });

  it('sees what came before it in the same batch', () => {
    using g = garden();
    const { writes, room, ada } = g;
    const id = writes.send(room, ada);
    const replies = writes.batch(
      ['messages.delete', { message_id: id, user_id: ada, at: 8 }],
      ['messages.edit', { message_id: id, user_id: ada, content: 'hi', at: 9 }],
    );
    expect(replies.map((reply) => (reply.ok ? 'ok' : reply.code))).toEqual(['ok', 'MESSAGE_NOT_FOUND']);
  });
});
