import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Id, Room, Time } from '../../protocol/index.ts';
import { html } from './html.ts';
import { fieldList, fieldsOf, typeName } from './schema-fields.ts';
import { SchemaSet } from './schemas.ts';

const WORDS = {
  required: 'required',
  optional: 'optional',
  byDefault: 'default',
  nothing: 'No fields.',
  or: 'or',
  characters: 'characters',
  items: 'items',
};

const set = new SchemaSet();
const plain = (markup: { toString(): string }) =>
  markup
    .toString()
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
const type = (schema: z.ZodType) => plain(html`${typeName(set.add(schema))}`);
const list = (schema: z.ZodType, writer: 'client' | 'server') => plain(fieldList(set.add(schema), WORDS, writer));

describe('typeName', () => {
  it.each([
    [z.string(), 'string'],
    [z.int(), 'integer'],
    [z.boolean(), 'boolean'],
    [z.string().nullable(), 'string | null'],
    [Id, 'id'],
    [Time.nullable(), 'time | null'],
    [Room, 'Room'],
    [z.array(Room), 'Room []'],
    [z.enum(['a', 'b']), '&#39;a&#39; | &#39;b&#39;'],
    [z.literal(false), 'false'],
    [z.record(z.string(), z.number()), '{ [name]: number }'],
  ])('of case %# is %s', (schema, name) => {
    expect(type(schema)).toBe(name);
  });
});

describe('fieldList', () => {
  it('tells type, need, bounds, default and meaning of what a client sends', () => {
    const schema = z.strictObject({
      name: z.string().min(2).max(8).meta({ description: 'Who, see `join_room`.' }),
      limit: z.int().min(1).max(100).default(50),
      tags: z.array(z.string()).max(3).optional(),
    });
    expect(list(schema, 'client')).toBe(
      'name required string 2 – 8 characters Who, see join_room . ' +
        'limit optional integer 1 – 100 default 50 tags optional string[] ≤ 3 items',
    );
  });

  it('marks only what may be absent of what the server sends', () => {
    expect(list(z.object({ a: z.int(), b: z.string().optional() }), 'server')).toBe('a integer b optional string');
  });

  it('tells nested fields by their path, and alternatives one after the other', () => {
    const nested = set.add(z.object({ server: z.object({ x: z.int() }), rooms: z.array(z.object({ seq: z.int() })) }));
    expect(fieldsOf(nested).map((field) => field.path)).toEqual(['server', 'server.x', 'rooms', 'rooms[].seq']);
    const either = z.union([z.object({ a: z.string() }), z.object({ b: z.string() })]);
    expect(list(either, 'server')).toBe('a string or b string');
  });

  it('says when there is nothing, and names a model', () => {
    expect(list(z.strictObject({}), 'client')).toBe('No fields.');
    expect(list(z.array(Room), 'server')).toBe('Room []');
  });
});
