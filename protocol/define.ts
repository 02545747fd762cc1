import { z } from 'zod';
import { ERROR_CODES, type ErrorCode, type Wording } from './errors.ts';
import { faultOf, type PayloadFault } from './fault.ts';
import type { RateName } from './rates.ts';

/**
 * Who may call a command. `member`: a member of the room that the payload names, by its id or by that of a message in
 * it; where it names none, whoever has signed in.
 */
export type Needs = 'anyone' | 'signed in' | 'member';

/** One command: what it takes, what it answers, who may call it, and all that the docs tell of it. */
export interface CommandDefinition<
  P extends z.ZodObject = z.ZodObject,
  R extends z.ZodType = z.ZodType,
  N extends Needs = Needs,
  E extends string = string,
> {
  /** One line for people. */
  readonly summary: Wording;
  /** The rules, for the developer. */
  readonly description: string;
  /** The object the client sends, as {@link Command.read} takes it. A field that is not declared is refused. */
  readonly payload: P;
  /** What the acknowledgement holds beside `ok: true`. */
  readonly result: R;
  /** Who may call it. The refusals that follow are not declared: see {@link Command.errors}. */
  readonly needs: N;
  /** The field under whose value it is done once: a repeat gives the first result back, above a rate too. */
  readonly idempotent?: 'client_id';
  /** Whether its answer may be long: a client that does not read what it has been sent gets no more of them. */
  readonly longAnswer?: boolean;
  /** Whether it costs so much that only so many of all clients together are let in at once. */
  readonly admitted?: boolean;
  /** The rates it counts for; each command counts for `commands` too. Above them it is refused `RATE_LIMITED`. */
  readonly rates: readonly RateName[];
  /** The refusals of its own, beside those that follow from who may call it and from what its payload names. */
  readonly errors: readonly ErrorCode[];
  /** The events it causes, on its own connection or on others. */
  readonly causes: readonly E[];
  /** A payload and its result, both valid. */
  readonly example: { readonly payload: z.input<P>; readonly result: z.input<R> };
}

/** A command, with what follows from its declaration. */
export interface Command<
  P extends z.ZodObject = z.ZodObject,
  R extends z.ZodType = z.ZodType,
  N extends Needs = Needs,
  E extends string = string,
> extends CommandDefinition<P, R, N, E> {
  /**
   * Its refusals beside the {@link COMMON_ERRORS}, in the order of the table: the declared ones, one for each thing that
   * the payload names and that may not be there, and `NOT_A_MEMBER` where it needs a member.
   */
  readonly errors: readonly ErrorCode[];
  /**
   * Checks what a client sent against the payload, and gives it with the defaults filled in, or what is wrong with it.
   * Many languages write null for what is absent: in an optional field null is never a value, in a required one it is
   * judged like any other.
   */
  readonly read: (value: unknown) => { readonly payload: z.output<P> } | { readonly fault: PayloadFault };
}

/** One event: what it holds and who receives it. */
export interface EventDefinition<P extends z.ZodType = z.ZodType, L extends boolean = boolean> {
  /** One line for people. */
  readonly summary: Wording;
  /** Who receives it, and when. */
  readonly to: string;
  /** Whether it is an entry of its room's log: its `rev` is the next number of the room `room_id`. */
  readonly log?: L;
  /** The object that is sent. */
  readonly payload: P;
  /** A valid payload. */
  readonly example: z.input<P>;
}

/** The refusals that any command may answer; `UNAUTHENTICATED` not where anyone may call it: see {@link allErrors}. */
export const COMMON_ERRORS = [
  'INVALID_INPUT',
  'UNAUTHENTICATED',
  'RATE_LIMITED',
  'OVERLOADED',
  'UNAVAILABLE',
  'INTERNAL',
] as const satisfies ErrorCode[];

/** What a command is refused when there is nothing of the id in this field. */
const NOT_FOUND: Readonly<Record<string, ErrorCode>> = {
  room_id: 'ROOM_NOT_FOUND',
  message_id: 'MESSAGE_NOT_FOUND',
  user_id: 'USER_NOT_FOUND',
};

/** The names of fields that a payload has. */
type OfPayload<P extends z.ZodObject, F extends string> = F extends keyof z.output<P> ? F : never;

/** A command of which all is told. */
export function command<
  P extends z.ZodObject,
  R extends z.ZodType,
  const N extends Needs,
  const E extends string,
  const I extends OfPayload<P, 'client_id'> = never,
>(
  definition: CommandDefinition<P, R, N, E> & { readonly idempotent?: I },
): Command<P, R, N, E> & { readonly idempotent?: I } {
  const withoutNulls = absentNulls(definition.payload);
  return {
    ...definition,
    errors: ownErrors(definition),
    read(value) {
      const { data, error } = definition.payload.safeParse(withoutNulls(value), { reportInput: true });
      return error === undefined ? { payload: data } : { fault: faultOf(error) };
    },
  };
}

/** An event of which all is told. */
export const event = <P extends z.ZodType, const L extends boolean = false>(definition: EventDefinition<P, L>) =>
  definition;

function ownErrors({ payload, needs, errors }: Pick<CommandDefinition, 'payload' | 'needs' | 'errors'>) {
  const named = Object.keys(payload.shape).flatMap((field) => NOT_FOUND[field] ?? []);
  const all = new Set<ErrorCode>([...errors, ...named, ...(needs === 'member' ? (['NOT_A_MEMBER'] as const) : [])]);
  return ERROR_CODES.filter((code) => all.has(code));
}

/** Every refusal that a command may answer. */
export function allErrors({ errors, needs }: Command): readonly ErrorCode[] {
  return [...errors, ...COMMON_ERRORS.filter((code) => code !== 'UNAUTHENTICATED' || needs !== 'anyone')];
}

/** The fields of an object that may be left out. */
export function optionalFields(schema: z.ZodObject): string[] {
  return Object.entries(schema.shape).flatMap(([name, field]) => (z.safeParse(field, undefined).success ? [name] : []));
}

/** What leaves the optional fields of an object out that are null, in objects within it too; the schema judges the rest. */
function absentNulls(schema: z.ZodObject): (value: unknown) => unknown {
  const optional = optionalFields(schema);
  const inner = new Map<string, (value: unknown) => unknown>();
  for (const [name, field] of Object.entries(schema.shape)) {
    const within = field instanceof z.ZodOptional ? field.unwrap() : field;
    if (within instanceof z.ZodObject) inner.set(name, absentNulls(within));
  }
  const innerNames = [...inner.keys()];
  return (value) => {
    if (typeof value !== 'object' || value === null) return value;
    const hasNull = optional.some((name) => Reflect.get(value, name) === null);
    if (!hasNull && !innerNames.some((name) => Object.hasOwn(value, name))) return value;
    return Object.fromEntries(
      Object.entries(value)
        .filter(([name, field]) => field !== null || !optional.includes(name))
        .map(([name, field]) => [name, inner.has(name) ? inner.get(name)?.(field) : field]),
    );
  };
}
