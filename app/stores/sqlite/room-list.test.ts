import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { LIMITS } from '../../../protocol/limits.ts';
import { testDatabase } from '../../../tests/support/database.ts';
import { foldCase } from '../../models/text.ts';

const folder = await mkdtemp(join(tmpdir(), 'sohbet-lists-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

let made = 0;
const open = () => testDatabase(join(folder, `${++made}.db`));

const USERS = ['ada', 'can', 'eve'];
const DAY = 86_400_000;

type Kind = 'public' | 'locked' | 'hidden';

/** A room as the model keeps it. No activity counts as older than one before it. */
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
          const { reads, writes, transact, close } = open();
          const rooms: ModelRoom[] = [];
          let newest = 0;
          const activity = (time: number) => {
            newest = Math.max(newest, time);
            return newest;
          };
          const message = () => `message-${++made}`;
          for (const id of USERS) transact(() => writes.createUser({ id, username: id, at: 0 }));
          for (const one of steps) {
            if (one.do === 'create') {
              // Ids in no order, and of one length, as they are.
              const id = `${((rooms.length + 1) * 7_919) % 1_000}`.padStart(4, '0');
              const type = one.kind === 'public' ? 'public' : 'private';
              const password_hash = one.kind === 'locked' ? 'hash' : null;
              const input = {
                room_id: id,
                message_id: message(),
                client_id: null,
                user_id: one.user,
                rooms_max: 1_000,
                type,
                password_hash,
              } as const;
              transact(() => writes.create({ ...input, name: one.name, at: one.at }));
              rooms.push({
                id,
                name: one.name,
                kind: one.kind,
                members: new Set([one.user]),
                active_at: activity(one.at),
              });
              continue;
            }
            const room = rooms[one.room % rooms.length];
            if (room === undefined) continue;
            const [first] = room.members;
            if (one.do === 'send') {
              if (first === undefined) continue;
              const said = {
                id: message(),
                room_id: room.id,
                user_id: first,
                username: first,
                content: 'x',
                client_id: null,
              };
              transact(() => writes.send({ ...said, at: one.at }));
            } else {
              const who = { room_id: room.id, user_id: one.user, message_id: message(), at: one.at };
              if (one.do === 'leave') {
                if (!room.members.delete(one.user)) continue;
                transact(() => writes.leave(who));
              } else {
                if (room.members.has(one.user) || room.kind === 'hidden') continue;
                transact(() =>
                  writes.join({ ...who, rooms_max: 1_000, verified_hash: room.kind === 'locked' ? 'hash' : null }),
                );
                room.members.add(one.user);
              }
            }
            room.active_at = activity(one.at);
          }
          for (const { user: user_id, limit, ...asked } of looks) {
            const due = expected(rooms, { ...asked, user: user_id });
            const found: { id: string; member: boolean }[] = [];
            let after: string | undefined;
            for (let pages = 0; pages <= rooms.length; pages++) {
              const page = reads.list({ ...asked, user_id, after, limit });
              found.push(...page.items.map(({ id, member }) => ({ id, member })));
              if (page.next === null) break;
              expect(page.items).toHaveLength(limit);
              after = page.next;
            }
            expect(found).toEqual(due.map(({ id, member }) => ({ id, member })));
          }
          for (const user_id of USERS) {
            const { visible, ...rest } = reads.session({ user_id, token: undefined, mine: false });
            expect(reads.session({ user_id, token: undefined, mine: true })).toEqual({ ...rest, visible: null });
            const { memberships, rooms: own } = rest;
            const ids = (list: readonly { id: string }[]) => list.map(({ id }) => id);
            const mine = ids(expected(rooms, { user: user_id, query: undefined, mine: true }));
            expect(memberships.map(([id]) => id).sort()).toEqual(mine.toSorted());
            expect(ids(own.items)).toEqual(mine);
            expect(ids(visible?.items ?? [])).toEqual(
              ids(expected(rooms, { user: user_id, query: undefined, mine: false })).slice(0, LIMITS.page_default),
            );
          }
          close();
        },
      ),
      { numRuns: 40 },
    );
  });
});
