import { describe, expect, it } from 'vitest';
import { newId } from '../../../tests/support/records.ts';
import { TestWrites } from '../../../tests/support/writes.ts';
import { ERASED_USERNAME } from '../../models/user.ts';

/** All parts of a walk. */
function walk<Page extends { next: string | null }>(part: (after: string) => Page): Page[] {
  const pages: Page[] = [];
  for (let after: string | null = ''; after !== null; after = pages.at(-1)?.next ?? null) pages.push(part(after));
  return pages;
}

describe('a walk over all messages', () => {
  it('finds those of a user, and who wrote them, part by part', () => {
    using store = new TestWrites();
    const [ada, can, eve] = [store.user('ada'), store.user('can'), store.user('eve')] as const;
    const room = store.room(ada);
    store.join(room, can);
    store.join(room, eve);
    const sent = Array.from({ length: 7 }, (_, i) => store.send(room, i % 3 === 0 ? can : ada));
    expect(store.read('admin.countMessages', undefined)).toBe(10);

    // Ten messages: the last part may hold none.
    for (const [rows, parts] of [
      [1, 11],
      [3, 4],
      [5, 3],
      [100, 1],
    ] as const) {
      const pages = walk((after) => store.read('admin.messagesOf', { user_id: ada, after, rows }));
      expect(pages).toHaveLength(parts);
      const own = pages.flatMap(({ messages }) => messages.map(({ id }) => id));
      expect(own).toEqual(sent.filter((_, i) => i % 3 !== 0));
      const authors = walk((after) => store.read('admin.authors', { after, rows }));
      expect(new Set(authors.flatMap(({ user_ids }) => user_ids))).toEqual(new Set([ada, can]));
    }
    const tells = (user_id: string) =>
      walk((after) => store.read('admin.tellsOf', { user_id, after, rows: 2 })).map((page) => page.tells);
    expect(new Set(tells(ada))).toEqual(new Set([true]));
    store.db.run('DELETE FROM users WHERE id = ?', can);
    expect(tells(can)).toContain(true);
    expect(new Set(tells('nobody'))).toEqual(new Set([false]));
  });
});

describe('the next step of the erasures', () => {
  it('is about the oldest that can be worked on', () => {
    using store = new TestWrites();
    const [ada, can, eve] = [store.user('ada'), store.user('can'), store.user('eve')] as const;
    const rooms = [store.room(ada), store.room(can)] as const;
    expect(store.read('erasures.next', undefined)).toBeNull();
    store.join(rooms[0], eve);
    expect(store.read('users.nextDeparture', { user_id: eve })).toBeNull();
    store.call('admin.eraseUser', { user_id: eve, at: 5 });
    // Who has not left all rooms may still say something.
    expect(store.read('erasures.next', undefined)).toBeNull();
    for (const [i, room_id] of rooms.entries()) store.call('admin.deleteRoom', { room_id, at: 7 - i });
    expect(store.read('erasures.next', undefined)).toMatchObject({ kind: 'room', subject: rooms[1] });
    expect(store.read('users.nextDeparture', { user_id: eve })).toBe(rooms[0]);
    store.call('users.depart', { user_id: eve, room_id: rooms[0], message_id: newId(), at: 8 });
    expect(store.read('users.departing', { after: '', limit: 10 })).toEqual([eve]);
    expect(store.read('users.nextDeparture', { user_id: eve })).toBeNull();
    store.call('users.depart', { user_id: eve, room_id: null, message_id: newId(), at: 8 });
    expect(store.read('users.departing', { after: '', limit: 10 })).toEqual([]);
    expect(store.read('erasures.next', undefined)).toMatchObject({ kind: 'user', subject: eve });
  });

  it('removes what is left of a room', () => {
    using store = new TestWrites();
    const ada = store.user('ada');
    const room = store.room(ada);
    for (let i = 0; i < 600; i++) store.send(room, ada);
    store.call('admin.deleteRoom', { room_id: room, at: 7 });
    const steps: unknown[] = [];
    for (let next = store.read('erasures.next', undefined); next !== null; ) {
      steps.push(next);
      store.call('erasures.step', { next, at: 9 });
      next = store.read('erasures.next', undefined);
    }
    const step = { kind: 'room', subject: room };
    expect(steps).toMatchObject([
      { ...step, messages: 500 },
      { ...step, messages: 101 },
      { ...step, messages: 0, members: 1 },
      { ...step, messages: 0, members: 0 },
    ]);
    expect(store.value('SELECT count(*) FROM messages')).toBe(0);
  });

  it('looks at so many messages, or as far as so many of the user’s are found', () => {
    using store = new TestWrites();
    const [ada, can] = [store.user('ada'), store.user('can')] as const;
    const room = store.room(ada);
    const can_room = store.room(can);
    const sent = Array.from({ length: 150 }, () => [store.send(room, ada), store.send(can_room, can)] as const);
    for (let i = 0; i < 4_000; i++) store.send(can_room, can);
    const last = store.send(room, ada);
    const end = store.send(can_room, can);
    const leave = { room_id: room, user_id: ada };
    store.call('rooms.leave', { ...leave, message_id: newId(), at: 2 });
    store.call('admin.eraseUser', { user_id: ada, at: 5 });
    store.call('users.depart', { user_id: ada, room_id: null, message_id: newId(), at: 5 });
    const steps: { last: string | null; looked: number; messages: number }[] = [];
    for (let next = store.read('erasures.next', undefined); next?.kind === 'user'; ) {
      steps.push({ last: next.last, looked: next.looked, messages: next.messages.length });
      store.call('erasures.step', { next, at: 9 });
      next = store.read('erasures.next', undefined);
    }
    expect(steps).toMatchObject([
      // Both rooms' first entries are among them.
      { last: sent[98]?.[0], looked: 199, messages: 100 },
      { looked: 4_000, messages: 51 },
      { looked: 106, messages: 2 },
      { last: null, looked: 0, messages: 0 },
    ]);
    expect([last, end].every((id) => id > (steps[1]?.last ?? ''))).toBe(true);
    expect(store.value('SELECT count(*) FROM messages WHERE user_id = ? AND username <> ?', ada, ERASED_USERNAME)).toBe(
      0,
    );
  });
});
