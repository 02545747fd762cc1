import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../protocol/limits.ts';
import { atMost, WRONG } from '../../protocol/words.ts';
import { orRefusal, Refusal } from './refusal.ts';
import {
  listedAt,
  maySee,
  normalizeRoomName,
  normalizeRoomQuery,
  ownerAfterJoin,
  ownerAfterLeave,
  type RoomFacts,
  requireJoinable,
  requireMember,
  requireOwner,
  requirePlace,
  tellRoom,
} from './room.ts';

/** The code of a refusal; undefined when a rule allows. */
function codeOf(rule: () => unknown) {
  const given = orRefusal(rule);
  return given instanceof Refusal ? given.code : undefined;
}

const OPEN = { type: 'public', password_hash: null, owner_id: 'ada' } as const;
const LOCKED = { type: 'private', password_hash: 'hash', owner_id: 'ada' } as const;
const HIDDEN = { type: 'private', password_hash: null, owner_id: 'ada' } as const;

describe('a room name', () => {
  const LONGEST = '🦭'.repeat(LIMITS.room_name_max);

  it('is trimmed, and as long as its limit', () => {
    expect(normalizeRoomName('  a b\t')).toBe('a b');
    expect(normalizeRoomName(` ${LONGEST} `)).toBe(LONGEST);
  });

  it.each([
    [`${LONGEST}x`, atMost(LIMITS.room_name_max)],
    ['  ', WRONG.blank],
    ['a\u0000b', WRONG.unseen],
    ['\u0301a', WRONG.loneMark],
    [`a${'\u0336'.repeat(6)}`, WRONG.piledMarks],
  ])('is refused, and why: %j', (name, detail) => {
    const refusal = expect.objectContaining({ code: 'INVALID_INPUT', details: { field: 'name', detail } });
    expect(() => normalizeRoomName(name)).toThrow(refusal);
  });
});

it.each<{ of: string; facts: RoomFacts; seen: boolean; read: unknown; join: unknown; manage: unknown }>([
  {
    of: 'no room',
    facts: { room: undefined, member: false },
    seen: false,
    read: 'ROOM_NOT_FOUND',
    join: 'ROOM_NOT_FOUND',
    manage: 'ROOM_NOT_FOUND',
  },
  {
    of: 'a hidden room',
    facts: { room: HIDDEN, member: false },
    seen: false,
    read: 'ROOM_NOT_FOUND',
    join: 'ROOM_NOT_FOUND',
    manage: 'ROOM_NOT_FOUND',
  },
  {
    of: 'a locked room',
    facts: { room: LOCKED, member: false },
    seen: true,
    read: 'NOT_A_MEMBER',
    join: 'WRONG_PASSWORD',
    manage: 'NOT_A_MEMBER',
  },
  {
    of: 'an open room',
    facts: { room: OPEN, member: false },
    seen: true,
    read: 'NOT_A_MEMBER',
    join: undefined,
    manage: 'NOT_A_MEMBER',
  },
  {
    of: 'a hidden room of their own',
    facts: { room: HIDDEN, member: true },
    seen: true,
    read: undefined,
    join: undefined,
    manage: undefined,
  },
  {
    of: 'a locked room of their own',
    facts: { room: LOCKED, member: true },
    seen: true,
    read: undefined,
    join: undefined,
    manage: undefined,
  },
])('of $of a user sees $seen, reads $read, joins $join, manages $manage', ({ facts, seen, read, join, manage }) => {
  expect(maySee(facts)).toBe(seen);
  expect(codeOf(() => requireMember(facts))).toBe(read);
  expect(codeOf(() => requireJoinable(facts, null))).toBe(join);
  expect(codeOf(() => requireOwner(facts, 'ada'))).toBe(manage);
});

it('a rule answers the room that it lets someone into', () => {
  expect(requireMember({ room: OPEN, member: true })).toBe(OPEN);
  expect(requireJoinable({ room: OPEN, member: false }, null)).toBe(OPEN);
});

it('so many rooms are enough', () => {
  expect(() => requirePlace(1, 2)).not.toThrow();
  expect(codeOf(() => requirePlace(2, 2, 'user_id'))).toBe('LIMIT_REACHED');
});

it('a room is joined with the hash that it has now, and managed by no other member', () => {
  expect(codeOf(() => requireJoinable({ room: LOCKED, member: false }, 'hash'))).toBeUndefined();
  expect(codeOf(() => requireJoinable({ room: LOCKED, member: false }, 'old hash'))).toBe('WRONG_PASSWORD');
  expect(codeOf(() => requireOwner({ room: OPEN, member: true }, 'can'))).toBe('FORBIDDEN');
});

it('a room has an owner while it has members', () => {
  expect(ownerAfterJoin(null, 'can')).toBe('can');
  expect(ownerAfterJoin('ada', 'can')).toBe('ada');
  expect(ownerAfterLeave('ada', 'can', () => 'eve')).toBe('ada');
  expect(ownerAfterLeave('ada', 'ada', () => 'eve')).toBe('eve');
  expect(ownerAfterLeave('ada', 'ada', () => null)).toBeNull();
});

const stored = {
  id: 'garden',
  name: 'Garden',
  type: 'private',
  is_password_protected: true,
  created_by: 'ada',
  owner_id: 'ada',
  created_at: '2026-01-01T00:00:00.000Z',
  user_count: 3,
  seq: 17,
} as const;

describe('what is told of a room', () => {
  it('is all of it to a member, and to everyone of a public room', () => {
    for (const room of [{ ...stored, member: true }, { ...stored, type: 'public', member: false } as const]) {
      const { member: _, ...rest } = room;
      expect(tellRoom(room, 2)).toEqual({ ...rest, online_count: 2 });
    }
  });

  it('is not what goes on in it, to who is no member of a private one', () => {
    for (const is_password_protected of [true, false]) {
      const room = { ...stored, is_password_protected, member: false };
      const { member: _, ...rest } = room;
      expect(tellRoom(room, 2)).toEqual({ ...rest, owner_id: null, seq: 0, online_count: 0 });
    }
  });

  it('never has more online than members, whichever of the two is newer', () => {
    expect(tellRoom({ ...stored, member: true }, 4)).toMatchObject({ user_count: 3, online_count: 3 });
  });
});

describe('the place of a room in lists of who is no member', () => {
  const at = fc.nat({ max: 4e12 });

  it('goes by the moment of its newest activity when it is public, and is none when it is hidden', () => {
    fc.assert(
      fc.property(at, (active_at) => {
        expect(listedAt({ type: 'public', password_hash: null, active_at })).toBe(active_at);
        expect(listedAt({ type: 'private', password_hash: null, active_at })).toBeNull();
      }),
    );
  });

  it('goes by the day alone when it has a password', () => {
    fc.assert(
      fc.property(at, (active_at) => {
        const listed = listedAt({ type: 'private', password_hash: 'hash', active_at });
        const day = new Date(active_at).toISOString().slice(0, 10);
        expect(listed).toBe(Date.parse(`${day}T00:00:00.000Z`));
      }),
    );
  });
});

describe('a query', () => {
  it('is trimmed', () => {
    expect(normalizeRoomQuery(' \tgarden of ada\n ')).toBe('garden of ada');
  });

  it('is refused when nothing of it is seen', () => {
    for (const query of [' ', '\u00a0\u3000', '\u200b', '\u2800']) {
      expect(() => normalizeRoomQuery(query)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
    }
  });
});
