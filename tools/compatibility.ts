import { z } from 'zod';
import { type JsonSchema, refName } from '../app/http/schemas.ts';
import {
  COMMAND_NAMES,
  COMMANDS,
  ERROR_CODES,
  ERRORS,
  EVENT_NAMES,
  EVENTS,
  HandshakeAuth,
  LIMITS,
  RATE_NUMBERS,
} from '../protocol/index.ts';

/** One field of a payload, a result or an event. */
export interface ContractField {
  readonly type: string;
  readonly optional?: true;
  readonly nullable?: boolean;
  /** All that it may be, where that is a fixed set. */
  readonly values?: readonly unknown[];
  readonly min?: number;
  readonly max?: number;
}

/** The fields of an object by their paths: `room.id`, `rooms[].seq`; `<0>` marks one of several shapes. */
export type ContractFields = Readonly<Record<string, ContractField>>;

/** All of the protocol that a client may rely on. */
export interface Contract {
  readonly commands: Readonly<
    Record<string, { readonly needs: string; readonly payload: ContractFields; readonly result: ContractFields }>
  >;
  readonly events: Readonly<Record<string, { readonly log: boolean; readonly payload: ContractFields }>>;
  /** What may go with the handshake. */
  readonly handshake: ContractFields;
  /** The error codes; whether the same command is worth repeating. */
  readonly codes: Readonly<Record<string, boolean>>;
  /** The names in `server.limits`, of rates and caps too. */
  readonly limits: readonly string[];
}

/** The contract as it is declared now. */
export function contract(): Contract {
  const command = (name: (typeof COMMAND_NAMES)[number]) => {
    const { needs, payload, result } = COMMANDS[name];
    return [name, { needs, payload: fieldsOf(payload, 'input'), result: fieldsOf(result, 'output') }];
  };
  const event = (name: (typeof EVENT_NAMES)[number]) => {
    const { log = false, payload } = EVENTS[name];
    return [name, { log, payload: fieldsOf(payload, 'output') }];
  };
  return {
    commands: Object.fromEntries(COMMAND_NAMES.map(command)),
    events: Object.fromEntries(EVENT_NAMES.map(event)),
    handshake: fieldsOf(HandshakeAuth, 'input'),
    codes: Object.fromEntries(ERROR_CODES.map((code) => [code, ERRORS[code].retryable])),
    limits: Object.keys({ ...LIMITS, ...RATE_NUMBERS }),
  };
}

/** The fields of what a schema takes (`input`) or gives. */
export function fieldsOf(schema: z.ZodType, io: 'input' | 'output'): ContractFields {
  const { $defs = {}, ...root } = z.toJSONSchema(schema, { io }) as JsonSchema & { $defs?: Record<string, JsonSchema> };
  const fields: Record<string, ContractField> = {};
  walk(root, '', true);
  return fields;

  function walk(given: JsonSchema, path: string, required: boolean): void {
    const { $ref, allOf = [], ...rest } = given;
    const target = $ref === undefined ? {} : $defs[refName($ref)];
    const schema: JsonSchema = Object.assign({}, target, ...allOf, rest);
    const all = schema.anyOf ?? schema.oneOf ?? [schema];
    const shapes = all.filter(({ type }) => type !== 'null');
    const nullable = shapes.length < all.length || typesOf(schema).includes('null');
    const presence = { ...(!required && { optional: true as const }), ...(nullable && { nullable }) };
    const [only, ...others] = shapes;
    if (only !== undefined && others.length === 0) {
      if (only.$ref !== undefined) walk(only, path, required);
      else plain(only, path);
      fields[path] = { type: 'any', ...fields[path], ...presence };
      return;
    }
    fields[path] = { type: 'any', ...presence };
    for (const [i, shape] of shapes.entries()) walk(shape, `${path}<${i}>`, true);
  }

  function plain(schema: JsonSchema, path: string): void {
    const { properties = {}, items } = schema;
    const type = typesOf(schema).find((one) => one !== 'null') ?? 'any';
    const values = schema.const === undefined ? schema.enum : [schema.const];
    const min = schema.minimum ?? schema.minLength ?? schema.minItems;
    const max = schema.maximum ?? schema.maxLength ?? schema.maxItems;
    const bounds = { ...(min !== undefined && { min }), ...(max !== undefined && { max }) };
    fields[path] = { type, ...(values !== undefined && { values }), ...bounds };
    if (items !== undefined) walk(items, `${path}[]`, true);
    for (const [name, field] of Object.entries(properties)) {
      walk(field, path === '' ? name : `${path}.${name}`, schema.required?.includes(name) ?? false);
    }
  }
}

const typesOf = ({ type }: JsonSchema): readonly string[] => (type === undefined ? [] : [type].flat());

/** What a client may not rely on any more, in words; none when the contract has only grown. */
export function breakingChanges(before: Contract, now: Contract): string[] {
  const found: string[] = [];
  for (const [name, old] of Object.entries(before.commands)) {
    const command = now.commands[name];
    if (command === undefined) found.push(`the command ${name} is gone`);
    else {
      if (rank(command.needs) > rank(old.needs)) found.push(`${name} needs more: ${command.needs}`);
      found.push(...narrowed(old.payload, command.payload).map((what) => `the payload of ${name}: ${what}`));
      found.push(...lost(old.result, command.result).map((what) => `the result of ${name}: ${what}`));
    }
  }
  for (const [name, old] of Object.entries(before.events)) {
    const event = now.events[name];
    if (event === undefined) found.push(`the event ${name} is gone`);
    else {
      if (event.log !== old.log)
        found.push(`the event ${name} ${old.log ? 'is an entry no longer' : 'is an entry now'}`);
      found.push(...lost(old.payload, event.payload).map((what) => `the event ${name}: ${what}`));
    }
  }
  found.push(...narrowed(before.handshake, now.handshake).map((what) => `the handshake: ${what}`));
  for (const [code, retryable] of Object.entries(before.codes)) {
    if (now.codes[code] === undefined) found.push(`the code ${code} is gone`);
    else if (now.codes[code] !== retryable) found.push(`the code ${code} is ${retryable ? 'final' : 'retryable'} now`);
  }
  for (const name of before.limits) if (!now.limits.includes(name)) found.push(`the limit ${name} is gone`);
  return found;
}

const NEEDS: readonly string[] = ['anyone', 'signed in', 'member'];
const rank = (needs: string) => NEEDS.indexOf(needs);

/** What a client reads no longer as it did. */
function lost(before: ContractFields, now: ContractFields): string[] {
  return Object.entries(before).flatMap(([path, old]) => {
    const field = now[path];
    if (field === undefined) return [`${path} is gone`];
    if (field.type !== old.type) return [`${path} is ${field.type}, not ${old.type}`];
    if (field.optional && !old.optional) return [`${path} may be absent`];
    if (field.nullable && !old.nullable) return [`${path} may be null`];
    return gone(old, field).map((value) => `${path} is ${value} no longer`);
  });
}

/** What a client may send no longer. */
function narrowed(before: ContractFields, now: ContractFields): string[] {
  const added = Object.entries(now).filter(([path, { optional }]) => before[path] === undefined && !optional);
  // What is in a new field stands or falls with it.
  const isInner = (path: string) =>
    Object.keys(now).some(
      (outer) => before[outer] === undefined && /^[.[<]/.test(path.replace(outer, '')) && path.startsWith(outer),
    );
  const demanded = added.filter(([path]) => !isInner(path)).map(([path]) => `${path} is new and required`);
  const refused = Object.entries(before).flatMap(([path, old]) => {
    const field = now[path];
    if (field === undefined) return [`${path} is gone`];
    if (field.type !== old.type) return [`${path} must be ${field.type}, not ${old.type}`];
    if (!field.optional && old.optional) return [`${path} is required`];
    if (!field.nullable && old.nullable) return [`${path} may not be null`];
    if (field.values !== undefined && old.values === undefined) return [`${path} must be one of a set`];
    if ((field.min ?? 0) > (old.min ?? 0)) return [`${path} must be at least ${field.min}`];
    if ((field.max ?? Infinity) < (old.max ?? Infinity)) return [`${path} must be at most ${field.max}`];
    return gone(old, field).map((value) => `${path} may not be ${value}`);
  });
  return [...demanded, ...refused];
}

const gone = ({ values: before }: ContractField, { values: now }: ContractField) =>
  now === undefined ? [] : (before ?? []).filter((value) => !now.includes(value)).map((value) => JSON.stringify(value));
