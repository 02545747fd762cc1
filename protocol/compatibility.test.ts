import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { breakingChanges, type Contract, type ContractFields, contract, fieldsOf } from '../tools/compatibility.ts';
import { EVENT_NAMES, EVENTS, Message } from './index.ts';

const kept = JSON.parse(readFileSync(join(import.meta.dirname, '../tests/contract.json'), 'utf8')) as Contract;

describe('the contract', () => {
  it('breaks nothing that clients rely on', () => {
    expect(breakingChanges(kept, contract())).toEqual([]);
  });

  it('is kept as it is declared now, or "npm run contract" keeps what it has grown by', () => {
    expect(contract()).toEqual(kept);
  });

  it('marks as log events those with room_id and rev at their top level, and no others', () => {
    for (const name of EVENT_NAMES) {
      const fields = fieldsOf(EVENTS[name].payload, 'output');
      const isEntry = ['room_id', 'rev'].every((field) => fields[field] !== undefined && !fields[field].optional);
      expect(isEntry, name).toBe(EVENTS[name].log === true);
    }
  });

  it('tells a whole message in each entry with seq and content, since that is how clients know one', () => {
    const message = fieldsOf(Message, 'output');
    for (const name of EVENT_NAMES.filter((name) => EVENTS[name].log === true)) {
      const fields = fieldsOf(EVENTS[name].payload, 'output');
      if ('seq' in fields && 'content' in fields) expect(fields, name).toMatchObject(message);
    }
  });
});

/** What is found when a payload, or (`result`) a result, becomes another one. */
function changes(of: 'payload' | 'result', before: z.ZodType, now: z.ZodType): string[] {
  const io = of === 'payload' ? 'input' : 'output';
  const make = (schema: z.ZodType): Contract => {
    const fields: ContractFields = fieldsOf(schema, io);
    const command = { needs: 'member', payload: {}, result: {}, [of]: fields };
    return { commands: { x: command }, events: {}, handshake: {}, codes: {}, limits: [] };
  };
  return breakingChanges(make(before), make(now));
}

const object = (shape: z.ZodRawShape) => z.object(shape);
const shared = z.object({ a: z.string(), b: z.int().nullable() }).meta({ id: 'Shared' });

describe('a client is broken', () => {
  it.each<[string, z.ZodType, z.ZodType, string]>([
    ['vanishes', object({ a: z.string() }), object({}), 'a is gone'],
    ['may be absent', object({ a: z.string() }), object({ a: z.string().optional() }), 'a may be absent'],
    ['may be null', object({ a: z.string() }), object({ a: z.string().nullable() }), 'a may be null'],
    ['has another type', object({ a: z.string() }), object({ a: z.int() }), 'a is integer, not string'],
    ['has fewer values', object({ a: z.enum(['x', 'y']) }), object({ a: z.enum(['x']) }), 'a is "y" no longer'],
    ['vanishes from a list', z.array(shared), z.array(shared.omit({ a: true })), '[].a is gone'],
    ['vanishes further in', object({ a: shared }), object({ a: shared.omit({ b: true }) }), 'a.b is gone'],
    [
      'vanishes from one of several shapes',
      object({ a: z.union([z.object({ b: z.int() }), z.object({ c: z.int() })]) }),
      object({ a: z.union([z.object({ b: z.int() }), z.object({})]) }),
      'a<1>.c is gone',
    ],
  ])('when a field of a result %s', (_, before, now, what) => {
    expect(changes('result', before, now)).toEqual([`the result of x: ${what}`]);
  });

  it.each<[string, z.ZodType, z.ZodType, string]>([
    ['is added and required', object({}), object({ a: z.string() }), 'a is new and required'],
    ['is added inside', object({ a: object({}) }), object({ a: object({ b: z.int() }) }), 'a.b is new and required'],
    ['beside a new one is', object({}), object({ a: z.int().optional(), a_b: z.int() }), 'a_b is new and required'],
    ['vanishes', object({ a: z.string().optional() }), object({}), 'a is gone'],
    ['is required', object({ a: z.int().default(1) }), object({ a: z.int() }), 'a is required'],
    ['may not be null', object({ a: z.int().nullable() }), object({ a: z.int() }), 'a may not be null'],
    ['has another type', object({ a: z.string() }), object({ a: z.boolean() }), 'a must be boolean, not string'],
    ['has fewer values', object({ a: z.enum(['x', 'y']) }), object({ a: z.enum(['x']) }), 'a may not be "y"'],
    ['has values', object({ a: z.string() }), object({ a: z.enum(['x']) }), 'a must be one of a set'],
    ['must be longer', object({ a: z.string() }), object({ a: z.string().min(1) }), 'a must be at least 1'],
    ['must be shorter', object({ a: z.array(z.int()) }), object({ a: z.array(z.int()).max(9) }), 'a must be at most 9'],
  ])('when a field of a payload %s', (_, before, now, what) => {
    expect(changes('payload', before, now)).toEqual([`the payload of x: ${what}`]);
  });

  it('when a name is gone, an event becomes an entry or is one no longer, or a command needs more', () => {
    const { message, ...events } = kept.events;
    const { sync, ...commands } = kept.commands;
    const { FORBIDDEN, ...codes } = kept.codes;
    const get_rooms = { ...kept.commands['get_rooms'], needs: 'member' };
    const typing_status = { ...kept.events['typing_status'], log: true };
    const message_deleted = { ...kept.events['message_deleted'], log: false };
    const { token, ...handshake } = kept.handshake;
    const now = {
      commands: { ...commands, get_rooms },
      handshake,
      events: { ...events, typing_status, message_deleted },
      codes: { ...codes, INTERNAL: false },
      limits: kept.limits.slice(1),
    } as unknown as Contract;
    expect([message, sync, FORBIDDEN, token]).not.toContain(undefined);
    expect(breakingChanges(kept, now).sort()).toEqual([
      'get_rooms needs more: member',
      'the code FORBIDDEN is gone',
      'the code INTERNAL is final now',
      'the command sync is gone',
      'the event message is gone',
      'the event message_deleted is an entry no longer',
      'the event typing_status is an entry now',
      'the handshake: token is gone',
      'the limit username_min is gone',
    ]);
  });
});

describe('a client is not broken', () => {
  it('when a result grows: by fields, by values, by what was optional and is always there', () => {
    const before = object({ a: z.enum(['x']), b: z.int().optional(), c: z.int().nullable() });
    const now = object({ a: z.enum(['x', 'y']), b: z.int(), c: z.int(), d: z.int().nullable(), e: shared });
    expect(changes('result', before, now)).toEqual([]);
  });

  it('when a payload grows: by optional fields and values, or takes more than before', () => {
    const before = object({ a: z.enum(['x']), b: z.int().min(1).max(2), c: z.string() });
    const inner = object({ f: z.int() });
    const now = object({
      a: z.enum(['x', 'y']),
      b: z.int().min(0).max(3),
      c: z.string().optional(),
      d: z.int().nullish(),
      e: inner.optional(),
    });
    expect(changes('payload', before, now)).toEqual([]);
  });

  it('when there are new names', () => {
    const { sync, ...commands } = kept.commands;
    const { error, ...events } = kept.events;
    const { INTERNAL, ...codes } = kept.codes;
    expect(breakingChanges({ ...kept, commands, events, codes, limits: [] }, kept)).toEqual([]);
    expect([sync, error, INTERNAL]).not.toContain(undefined);
  });
});
