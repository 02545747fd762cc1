import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { listedAt, normalizeRoomQuery, tellRoom } from './room.ts';

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
