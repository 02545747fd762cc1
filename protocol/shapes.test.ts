import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import {
  codePoints,
  ErrorBody,
  HandshakeAuth,
  Id,
  LogNumber,
  Message,
  Refused,
  Room,
  System,
  Time,
  text,
  User,
} from './index.ts';

const ID = '019a8f3f-0c45-7a92-b1d8-94e7c5f02a6d';
const TIME = '2026-11-22T09:31:00.000Z';
const ERROR = { code: 'RATE_LIMITED', message: 'Too many.', field: 'name', retry_after_ms: 200 };

/** A value of each shape with all that it may hold, and what of it may be left out. */
const WHOLE: Readonly<Record<string, { schema: z.ZodType; whole: object; optional?: readonly string[] }>> = {
  User: {
    schema: User,
    whole: { id: ID, username: 'ada', is_active: true, connected_at: TIME, last_activity: TIME },
  },
  Room: {
    schema: Room,
    whole: {
      ...{ id: ID, name: 'lobby', type: 'public', is_password_protected: false, created_by: ID, owner_id: ID },
      ...{ created_at: TIME, user_count: 2, online_count: 1, seq: 7 },
    },
  },
  Message: {
    schema: Message,
    whole: {
      ...{ id: ID, room_id: ID, seq: 3, rev: 4, user_id: ID, username: 'ada', content: 'x', timestamp: TIME },
      ...{ is_system_message: true, system: { type: 'user_joined', user_id: ID, username: 'ada' } },
      ...{ edited: true, edited_at: TIME, deleted: true, deleted_at: TIME, client_id: 'k' },
    },
    optional: ['system', 'client_id'],
  },
  'System of a join': {
    schema: System,
    whole: { type: 'user_joined', user_id: ID, username: 'ada', added_by: ID, new_owner_id: ID },
    optional: ['added_by', 'new_owner_id'],
  },
  'System of a leave': {
    schema: System,
    whole: { type: 'user_left', user_id: ID, username: 'ada', removed_by: ID, new_owner_id: ID },
    optional: ['removed_by', 'new_owner_id'],
  },
  'System of an owner': {
    schema: System,
    whole: { type: 'role_changed', role: 'owner', user_id: ID, username: 'ada', by: ID, previous_owner_id: ID },
    optional: ['previous_owner_id'],
  },
  ErrorBody: { schema: ErrorBody, whole: ERROR, optional: ['field', 'retry_after_ms'] },
  Refused: { schema: Refused, whole: { ok: false, error: ERROR } },
};

describe.each(Object.keys(WHOLE))('%s', (name) => {
  const { schema, whole, optional = [] } = WHOLE[name] ?? expect.unreachable();
  const accepts = (value: unknown) => schema.safeParse(value).success;

  it('holds all of its fields, each of its kind', () => {
    expect(schema.parse(whole)).toEqual(whole);
    for (const field of Object.keys(whole)) {
      const { [field]: _, ...rest } = whole as Record<string, unknown>;
      expect(accepts(rest), `without ${field}`).toBe(optional.includes(field));
      for (const wrong of [{}, Symbol('x')]) expect(accepts({ ...whole, [field]: wrong }), field).toBe(false);
    }
  });
});

describe('values', () => {
  it.each([
    [Id, [ID], ['', `x${ID}`, `${ID}x`, ID.toUpperCase(), ID.slice(1), ID.replaceAll('-', ''), 7]],
    [Time, [TIME], ['2026-11-22T09:31:00Z', '2026-11-22T09:31:00.000+03:00', '2026-11-22', 'x', 0]],
    [LogNumber, [0, 1, Number.MAX_SAFE_INTEGER], [-1, 0.5, Number.MAX_SAFE_INTEGER + 1, Number.NaN, '1', null]],
    [Room.shape.owner_id, [null, ID], ['']],
    [Room.shape.user_count, [0], [-1, 0.5]],
    [Room.shape.online_count, [0], [-1, 0.5]],
    [ErrorBody.shape.retry_after_ms, [0, 1, undefined], [-1, 0.5, null]],
    [ErrorBody.shape.code, ['INTERNAL'], ['internal', 'NO_SUCH_CODE', '']],
    [Refused.shape.ok, [false], [true]],
  ] as const)('of schema %#', (schema, right, wrong) => {
    for (const value of right) expect(schema.safeParse(value).success, String(value)).toBe(true);
    for (const value of wrong) expect(schema.safeParse(value).success, String(value)).toBe(false);
  });

  it('of a handshake may all be absent; a language that there is none of counts as none', () => {
    const parse = (auth: object) => HandshakeAuth.safeParse(auth).data;
    expect(parse({})).toEqual({});
    expect(parse({ username: 'ada', token: 't', locale: 'tr' })).toEqual({ username: 'ada', token: 't', locale: 'tr' });
    expect(parse({ locale: 'xx' })).toEqual({ locale: undefined });
    expect([parse({ username: 1 }), parse({ token: {} })]).toEqual([undefined, undefined]);
  });
});

describe('text', () => {
  it('is counted in code points, a lone surrogate as one', () => {
    const unit = fc.constantFrom('a', '\ud7ff', '\ud800', '\udbff', '\udc00', '\udfff', '\ue000', '🦭', '\u{10ffff}');
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 8 }), (units) => {
        const value = units.join('');
        expect(codePoints(value)).toBe([...value].length);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is within its bounds, well-formed and without NUL, and says the first thing that is wrong', () => {
    const bounded = text({ min: 2, max: 3, told: 9 });
    const wrong = (value: string) => bounded.safeParse(value).error?.issues.map(({ message }) => message);
    expect([wrong('🦭🦭'), wrong('🦭🦭🦭')]).toEqual([undefined, undefined]);
    expect(wrong('\0')).toEqual(['must have at least 2 characters']);
    expect(wrong('🦭')).toEqual(['must have at least 2 characters']);
    expect(wrong('abc\0')).toEqual(['must have at most 9 characters']);
    expect(wrong('🦭🦭🦭🦭')).toEqual(['must have at most 9 characters']);
    for (const value of ['a\0', 'a\ud800', '\udc00a']) {
      expect(wrong(value)).toEqual(['must be well-formed Unicode without NUL']);
    }
    expect(text({ min: 0, max: 1 }).safeParse('ab').error?.issues[0]?.message).toBe('must have at most 1 character');
  });
});
