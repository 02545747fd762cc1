import { expect, it } from 'vitest';
import { z } from 'zod';
import { FIELD_MAX, faultOf, saying } from './fault.ts';
import { atLeast, atMost, noLessThan, noMoreThan, oneOf, WRONG } from './words.ts';

/** What is said of a value that the schema refuses. */
function said(schema: z.ZodType, value: unknown) {
  const { error } = schema.safeParse(value, { reportInput: true });
  return error === undefined ? undefined : faultOf(error);
}

it.each([
  ['missing', z.string(), undefined, WRONG.missing],
  ['missing of a choice', z.enum(['a', 'b']), undefined, WRONG.missing],
  ['no text', z.string(), null, WRONG.noText],
  ['no number', z.number(), 'x', WRONG.noNumber],
  ['no whole number', z.int(), 1.5, WRONG.noNumber],
  ['no boolean', z.boolean(), 1, WRONG.noBoolean],
  ['no list', z.array(z.string()), {}, WRONG.noList],
  ['no object', z.strictObject({}), [], WRONG.noObject],
  ['of a type without a name', z.bigint(), 1, WRONG.invalid],
  ['none of a choice', z.enum(['a', 'b']), 'c', oneOf(['a', 'b'])],
  ['not the one value', z.literal(7), 8, oneOf([7])],
  ['no id', z.string().regex(/^x$/), 'y', WRONG.noId],
  ['of another format', z.email(), 'y', WRONG.invalid],
  ['a text too short', z.string().min(2), 'x', atLeast(2)],
  ['a text too long', z.string().max(2), 'xyz', atMost(2)],
  ['a list too short', z.array(z.int()).min(2), [], atLeast(2, 'item')],
  ['a list too long', z.array(z.int()).max(1), [1, 2], atMost(1, 'item')],
  ['a number too small', z.int().min(2), 1, noLessThan(2)],
  ['a number too large', z.int().max(2), 3, noMoreThan(2)],
  ['refused by a check of our own', z.string().refine(() => false, saying(WRONG.blank)), 'x', WRONG.blank],
  ['refused by a check without words', z.string().refine(() => false), 'x', WRONG.invalid],
  ['refused by a check with other words', z.string().refine(() => false, { params: { x: 1 } }), 'x', WRONG.invalid],
  ['of no kind that there is', z.union([z.string(), z.int()]), true, WRONG.invalid],
])('words what is %s', (_, schema, value, detail) => {
  expect(said(schema, value)).toEqual({ detail });
  expect(said(z.object({ field: z.array(schema) }), { field: [value] })).toEqual({ field: 'field.0', detail });
});

it('says the first of many, and of fields that there are not the name', () => {
  const schema = z.strictObject({ a: z.string(), b: z.string() });
  expect(said(schema, { b: 1 })).toEqual({ field: 'a', detail: WRONG.missing });
  expect(said(schema, { a: '', b: '', x: 1, y: 2 })).toEqual({ field: 'x', detail: WRONG.unknown });
  expect(said(z.object({ in: schema }), { in: { a: '', b: '', x: 1 } })).toEqual({
    field: 'in.x',
    detail: WRONG.unknown,
  });
  expect(faultOf(new z.ZodError([]))).toEqual({ detail: WRONG.invalid });
});

it('says no more than the beginning of a long name, in whole characters', () => {
  const schema = z.strictObject({});
  expect(said(schema, { ['x'.repeat(FIELD_MAX + 1)]: 1 })?.field).toBe('x'.repeat(FIELD_MAX));
  expect(said(schema, { [`${'x'.repeat(FIELD_MAX - 1)}🦭`]: 1 })?.field).toBe(`${'x'.repeat(FIELD_MAX - 1)}\ufffd`);
});

it('has the words in English for those who read the error of the library', () => {
  expect(saying(WRONG.blank)).toEqual({ error: 'must not be blank', params: { detail: WRONG.blank } });
});
