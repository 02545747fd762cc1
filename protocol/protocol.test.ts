import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  allErrors,
  burstName,
  CAPS,
  COMMAND_NAMES,
  COMMANDS,
  COMMON_ERRORS,
  type CommandName,
  codePoints,
  command,
  countName,
  ERROR_CODES,
  ERRORS,
  type ErrorCode,
  EVENT_NAMES,
  EVENTS,
  Id,
  LIMIT_TABLE,
  LIMITS,
  type LimitName,
  LOCALES,
  type Needs,
  optionalFields,
  PERIODS_MS,
  RATE_NUMBERS,
  RATES,
  text,
  type Wording,
} from './index.ts';

const SNAKE_CASE = /^[a-z]+(?:_[a-z]+)*$/;

/** All field names of a schema, nested ones too, those in models left out. */
function fieldNames(schema: unknown): string[] {
  if (Array.isArray(schema)) return schema.flatMap(fieldNames);
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]) =>
    key === 'properties' ? [...Object.keys(value), ...Object.values(value).flatMap(fieldNames)] : fieldNames(value),
  );
}

/** The first fault of a value, or undefined. */
const fault = (schema: z.ZodType, value: unknown) => schema.safeParse(value).error?.message;

function expectWords(wording: Wording) {
  for (const locale of LOCALES) expect(wording[locale].trim()).not.toBe('');
}

describe('commands', () => {
  it('are refused for who calls and for what is not there, without that being declared', () => {
    const summary = { en: 'x', tr: 'x' };
    const rest = { summary, description: 'x', result: z.object({}), rates: [], causes: [] };
    const errorsOf = (needs: Needs, fields: readonly string[], errors: readonly ErrorCode[] = []) => {
      const payload = z.strictObject(Object.fromEntries(fields.map((field) => [field, Id])));
      const made = command({ ...rest, payload, needs, errors, example: { payload: {}, result: {} } });
      expect(allErrors(made).slice(0, made.errors.length)).toEqual(made.errors);
      expect(allErrors(made).includes('UNAUTHENTICATED')).toBe(needs !== 'anyone');
      expect(COMMON_ERRORS.filter((code) => !allErrors(made).includes(code) && code !== 'UNAUTHENTICATED')).toEqual([]);
      return made.errors;
    };
    expect(errorsOf('anyone', [])).toEqual([]);
    expect(errorsOf('signed in', ['content'])).toEqual([]);
    expect(errorsOf('signed in', ['room_id'])).toEqual(['ROOM_NOT_FOUND']);
    expect(errorsOf('member', [], ['FORBIDDEN'])).toEqual(['NOT_A_MEMBER', 'FORBIDDEN']);
    expect(errorsOf('member', ['room_id', 'user_id'])).toEqual(['ROOM_NOT_FOUND', 'USER_NOT_FOUND', 'NOT_A_MEMBER']);
    expect(errorsOf('member', ['message_id'], ['FORBIDDEN', 'NOT_A_MEMBER'])).toEqual([
      'MESSAGE_NOT_FOUND',
      'NOT_A_MEMBER',
      'FORBIDDEN',
    ]);
  });

  it('are safe to repeat only by a field that they have', () => {
    for (const name of COMMAND_NAMES) {
      const { idempotent, payload } = COMMANDS[name];
      expect(Object.hasOwn(payload.shape, 'client_id'), name).toBe(idempotent === 'client_id');
    }
    const { idempotent, ...leave } = { ...COMMANDS.leave_room, idempotent: 'client_id' as const };
    // @ts-expect-error: its payload has no such field
    expect(command({ ...leave, idempotent }).idempotent).toBe('client_id');
  });

  it.each(COMMAND_NAMES)('%s has valid examples, words in each language and known errors and events', (name) => {
    const { payload, result, example, summary, description, errors, causes } = COMMANDS[name];
    expect(name).toMatch(SNAKE_CASE);
    expect(fault(payload, example.payload)).toBeUndefined();
    expect(fault(result, example.result)).toBeUndefined();
    expectWords(summary);
    expect(description).not.toBe('');
    for (const code of errors) expect(ERROR_CODES).toContain(code);
    for (const event of causes) expect(EVENT_NAMES).toContain(event);
    const common: readonly string[] = COMMON_ERRORS;
    expect(errors.filter((code) => common.includes(code))).toEqual([]);
  });

  it.each(COMMAND_NAMES)('%s refuses a field that it does not declare', (name) => {
    const { payload, example } = COMMANDS[name];
    const parsed = payload.safeParse({ ...example.payload, surprise: 1 });
    expect(parsed.error?.issues[0]).toMatchObject({ code: 'unrecognized_keys', keys: ['surprise'] });
  });

  it.each(COMMAND_NAMES)('%s has fields in snake_case, as has its result', (name) => {
    const { payload, result } = COMMANDS[name];
    const names = [payload, result].flatMap((schema) => fieldNames(z.toJSONSchema(schema, { io: 'input' })));
    for (const field of names) expect(field).toMatch(SNAKE_CASE);
  });
});

/** The payload of a command as it is read, or the field at fault. */
function read(name: CommandName, value: unknown): unknown {
  const result = COMMANDS[name].read(value);
  return 'fault' in result ? `wrong: ${result.fault.field}` : result.payload;
}

describe('null in a payload', () => {
  it.each(COMMAND_NAMES)('%s is read as if an optional field that is null were not there', (name) => {
    const { example, payload } = COMMANDS[name];
    const optional = optionalFields(payload);
    for (const field of optional) {
      const { [field]: _, ...rest }: Record<string, unknown> = example.payload;
      expect(read(name, { ...rest, [field]: null }), field).toEqual(read(name, rest));
    }
    const required = Object.keys(payload.shape).filter((field) => !optional.includes(field));
    for (const field of required) expect(read(name, { ...example.payload, [field]: null })).toBe(`wrong: ${field}`);
  });

  it('is looked for in the fields of the payload, and of `client`: none elsewhere may be left out', () => {
    const { rooms } = COMMANDS.sync.payload.shape;
    expect(optionalFields(rooms.element)).toEqual([]);
    for (const name of COMMAND_NAMES) {
      const { properties = {} } = z.toJSONSchema(COMMANDS[name].payload, { io: 'input' });
      for (const [field, inner] of Object.entries(properties)) {
        const nested = fieldNames(inner);
        expect(nested, `${name}.${field}`).toEqual(name === 'sync' && field === 'rooms' ? ['room_id', 'seq'] : []);
      }
    }
  });

  it('is absent in what a client tells of itself, where all that is not known is ignored', () => {
    const told = (client: unknown) => read('authenticate', { username: 'ada', client });
    expect(told(null)).toEqual({ username: 'ada' });
    for (const [name, value] of [
      ['rooms', 'mine'],
      ['rooms', 'all'],
      ['device', 'x'.repeat(64)],
      ['locale', 'fr'],
    ] as const) {
      expect(told({ [name]: value })).toEqual({ username: 'ada', client: { [name]: value } });
      expect(told({ [name]: null, later: [null] })).toEqual({ username: 'ada', client: { later: [null] } });
      for (const wrong of [1, {}, [], true, '', 'x'.repeat(65)])
        expect(told({ [name]: wrong })).toBe(`wrong: client.${name}`);
    }
    for (const wrong of ['mine', [], 1]) expect(told(wrong)).toBe('wrong: client');
    const frame = JSON.stringify({ later: '' }).length;
    expect(told({ later: 'x'.repeat(LIMITS.client_max - frame) })).toMatchObject({ username: 'ada' });
    expect(told({ later: 'x'.repeat(LIMITS.client_max - frame + 1) })).toBe('wrong: client');
  });

  it('leaves what is no object, and names of Object.prototype, to the schema', () => {
    for (const value of [null, 'x', 1, [], [null]]) expect(read('get_rooms', value)).toBe('wrong: undefined');
    expect(read('get_rooms', JSON.parse('{"__proto__":{"query":null},"query":null}'))).toBe('wrong: __proto__');
  });
});

describe('events', () => {
  it.each(EVENT_NAMES)('%s has a valid example and words in each language', (name) => {
    const { payload, example, summary, to } = EVENTS[name];
    expect(name).toMatch(SNAKE_CASE);
    expect(fault(payload, example)).toBeUndefined();
    expectWords(summary);
    expect(to).not.toBe('');
    for (const field of fieldNames(z.toJSONSchema(payload, { io: 'input' }))) expect(field).toMatch(SNAKE_CASE);
  });

  it('are each caused by some command, or by what is no command', () => {
    const caused = new Set<string>(COMMAND_NAMES.flatMap((name): readonly string[] => COMMANDS[name].causes));
    const uncaused = EVENT_NAMES.filter((name) => !caused.has(name));
    expect(uncaused).toEqual(['room_deleted', 'server_closing', 'error']);
  });
});

describe('error codes', () => {
  it.each(ERROR_CODES)('%s has a meaning and words in each language', (code) => {
    expect(code).toMatch(/^[A-Z]+(?:_[A-Z]+)*$/);
    expect(ERRORS[code].description).not.toBe('');
    expectWords(ERRORS[code].message);
  });

  it('say what may be repeated', () => {
    const retryable = ERROR_CODES.filter((code) => ERRORS[code].retryable);
    expect(retryable).toEqual(['RATE_LIMITED', 'OVERLOADED', 'UNAVAILABLE', 'INTERNAL']);
  });
});

describe('limits', () => {
  it('are whole and positive', () => {
    expect(Object.keys(LIMITS)).toEqual(Object.keys(LIMIT_TABLE));
    for (const [name, { value, what }] of Object.entries(LIMIT_TABLE)) {
      expect(name).toMatch(SNAKE_CASE);
      expect(Number.isSafeInteger(value) && value > 0).toBe(true);
      expect(LIMITS[name as LimitName]).toBe(value);
      expectWords(what);
    }
  });

  it('count text in code points', () => {
    expect(codePoints('a😀b')).toBe(3);
    expect(codePoints('\ud83d')).toBe(1);
    expect(codePoints('')).toBe(0);
    const bounded = text({ min: 1, max: 2 });
    expect(bounded.safeParse('😀😀').success).toBe(true);
    expect(bounded.safeParse('abc').success).toBe(false);
    expect(bounded.safeParse('').success).toBe(false);
    expect(bounded.safeParse('\0').success).toBe(false);
    expect(bounded.safeParse('\ud83d').success).toBe(false);
  });
});

describe('rates', () => {
  it('have flat names and numbers, as have caps', () => {
    const entries = Object.entries(RATES).flatMap(([name, { count, period, burst }]) => [
      [`${name}_per_${period}`, count],
      [`${name}_burst`, burst],
    ]);
    const caps = Object.entries(CAPS).map(([name, { value }]) => [name, value]);
    expect(RATE_NUMBERS).toEqual(Object.fromEntries([...entries, ...caps]));
    expect(Object.keys(RATE_NUMBERS)).toHaveLength(2 * Object.keys(RATES).length + Object.keys(CAPS).length);
    expect([countName('messages'), burstName('messages')]).toEqual(['messages_per_second', 'messages_burst']);
    expect(PERIODS_MS).toEqual({ second: 1_000, minute: 60_000, hour: 3_600_000 });
  });
});

it('a cursor is bounded', () => {
  expect(read('get_users', { after: 'x'.repeat(512) })).toMatchObject({ after: 'x'.repeat(512) });
  expect(read('get_users', { after: 'x'.repeat(513) })).toBe('wrong: after');
});
