import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../protocol/limits.ts';
import { newId } from '../../../tests/support/records.ts';
import { TestWrites } from '../../../tests/support/writes.ts';
import { foldCase } from '../../models/text.ts';

const USERS = ['ada', 'can', 'eve'];
const DAY = 86_400_000;

type Kind = 'public' | 'locked' | 'hidden';

/** A room as the model keeps it. */
interface ModelRoom {
  readonly id: string;
  readonly name: string;
  readonly kind: Kind;
  readonly members: Set<string>;
  active_at: number;
}

const at = fc.nat({ max: 3 * DAY });
const user = fc.constantFrom(...USERS);
const name = fc.stringMatching(/^[aıİIi%_\\ ]{1,6}$/).filter((text) => text.trim() !== '');
const step = fc.oneof(
  fc.record({
    do: fc.constant('create' as const),
    user,
    name,
    kind: fc.constantFrom<Kind>('public', 'locked', 'hidden'),
    at,
  }),
  fc.record({ do: fc.constantFrom('join' as const, 'leave' as const), user, room: fc.nat(), at }),
  fc.record({ do: fc.constant('send' as const), room: fc.nat(), at }),
);
const look = fc.record({
  user,
  query: fc.option(name, { nil: undefined }),
  mine: fc.boolean(),
  limit: fc.integer({ min: 1, max: 5 }),
});

/** What the user may see, in order; `place` is what the order goes by. */
function expected(rooms: readonly ModelRoom[], asked: { user: string; query: string | undefined; mine: boolean }) {
  return rooms
    .filter((room) => room.members.has(asked.user) || (!asked.mine && room.kind !== 'hidden'))
    .filter((room) => asked.query === undefined || foldCase(room.name).includes(foldCase(asked.query)))
    .map((room) => ({ ...room, member: room.members.has(asked.user) }))
    .map((room) => {
      const exact = room.member || room.kind === 'public';
      return { ...room, place: exact ? room.active_at : room.active_at - (room.active_at % DAY) };
    })
    .sort((a, b) => b.place - a.place || (b.id < a.id ? -1 : 1));
}

describe('lists of rooms', () => {
  it('are those of a model that looks at every room, page by page, for every kind, member and query', () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 5, maxLength: 60 }),
        fc.array(look, { minLength: 5, maxLength: 5 }),
        (steps, looks) => {
          using store = new TestWrites();
          const rooms: ModelRoom[] = [];
          // When that is written is no affair of the lists.
          const activeAt = (id: string) => Number(store.value('SELECT active_at FROM rooms WHERE id = ?', id));
          for (const id of USERS) store.call('users.create', { id, username: id, at: 0 });
          for (const one of steps) {
            if (one.do === 'create') {
              // Ids in no order, and of one length, as they are.
              const id = `${((rooms.length + 1) * 7_919) % 1_000}`.padStart(4, '0');
              const type = one.kind === 'public' ? 'public' : 'private';
              const password_hash = one.kind === 'locked' ? 'hash' : null;
              const input = {
                room_id: id,
                message_id: newId(),
                client_id: null,
                user_id: one.user,
                rooms_max: 1_000,
                type,
                password_hash,
              } as const;
              store.call('rooms.create', { ...input, name: one.name, at: one.at });
              rooms.push({
                id,
                name: one.name,
                kind: one.kind,
                members: new Set([one.user]),
                active_at: activeAt(id),
              });
              continue;
            }
            const room = rooms[one.room % rooms.length];
            if (room === undefined) continue;
            const [first] = room.members;
            if (one.do === 'send') {
              if (first === undefined) continue;
              const said = {
                id: newId(),
                room_id: room.id,
                user_id: first,
                username: first,
                content: 'x',
                client_id: null,
              };
              store.call('messages.send', { ...said, at: one.at });
            } else {
              const who = { room_id: room.id, user_id: one.user, message_id: newId(), at: one.at };
              if (one.do === 'leave') {
                if (!room.members.delete(one.user)) continue;
                store.call('rooms.leave', who);
              } else {
                if (room.members.has(one.user) || room.kind === 'hidden') continue;
                store.call('rooms.join', {
                  ...who,
                  rooms_max: 1_000,
                  verified_hash: room.kind === 'locked' ? 'hash' : null,
                });
                room.members.add(one.user);
              }
            }
            room.active_at = activeAt(room.id);
          }
          for (const { user: user_id, limit, ...asked } of looks) {
            const due = expected(rooms, { ...asked, user: user_id });
            const found: { id: string; member: boolean }[] = [];
            let after: string | undefined;
            for (let pages = 0; pages <= rooms.length; pages++) {
              const page = store.read('rooms.list', { ...asked, user_id, after, limit });
              found.push(...page.items.map(({ id, member }) => ({ id, member })));
              if (page.next === null) break;
              expect(page.items).toHaveLength(limit);
              after = page.next;
            }
            expect(found).toEqual(due.map(({ id, member }) => ({ id, member })));
          }
          for (const user_id of USERS) {
            const { visible, ...rest } = store.read('users.session', { user_id, token: undefined, mine: false });
            expect(store.read('users.session', { user_id, token: undefined, mine: true })).toEqual({
              ...rest,
              visible: null,
            });
            const { memberships, rooms: own } = rest;
            const ids = (list: readonly { id: string }[]) => list.map(({ id }) => id);
            const mine = ids(expected(rooms, { user: user_id, query: undefined, mine: true }));
            expect(memberships.map(([id]) => id).sort()).toEqual(mine.toSorted());
            expect(ids(own.items)).toEqual(mine);
            expect(ids(visible?.items ?? [])).toEqual(
              ids(expected(rooms, { user: user_id, query: undefined, mine: false })).slice(0, LIMITS.page_default),
            );
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});
