import { z } from 'zod';
import type { ErrorCode, Wording } from './errors.ts';
import { faultOf, type PayloadFault } from './fault.ts';
import type { EventName } from './names.ts';
import type { RateName } from './rates.ts';

/** One command: what it takes, what it answers, and all that the docs tell of it. */
export interface CommandDefinition<P extends z.ZodObject = z.ZodObject, R extends z.ZodType = z.ZodType> {
  /** One line for people. */
  readonly summary: Wording;
  /** The rules, for the developer. */
  readonly description: string;
  /** The object the client sends, as {@link Command.read} takes it. A field that is not declared is refused. */
  readonly payload: P;
  /** What the acknowledgement holds beside `ok: true`. */
  readonly result: R;
  /** Who may call it. */
  readonly caller: 'anyone' | 'signed in';
  /** The rates it counts for; each command counts for `commands` too. Above them it is refused `RATE_LIMITED`. */
  readonly rates: readonly RateName[];
  /** Its own refusals; any command may also answer one of {@link COMMON_ERRORS}. */
  readonly errors: readonly ErrorCode[];
  /** The events it causes, on its own connection or on others. */
  readonly causes: readonly EventName[];
  /** A payload and its result, both valid. */
  readonly example: { readonly payload: z.input<P>; readonly result: z.input<R> };
}

/** A command, and how what a client sent is read. */
export interface Command<P extends z.ZodObject = z.ZodObject, R extends z.ZodType = z.ZodType>
  extends CommandDefinition<P, R> {
  /**
   * Checks what a client sent against the payload, and gives it with the defaults filled in, or what is wrong with it.
   * Many languages write null for what is absent: in an optional field null is never a value, in a required one it is
   * judged like any other.
   */
  readonly read: (value: unknown) => { readonly payload: z.output<P> } | { readonly fault: PayloadFault };
}

/** The refusals that any command may answer. */
export const COMMON_ERRORS = [
  'INVALID_INPUT',
  'UNAUTHENTICATED',
  'RATE_LIMITED',
  'OVERLOADED',
  'UNAVAILABLE',
  'INTERNAL',
] as const satisfies ErrorCode[];

/** A command of which all is told. */
export function define<P extends z.ZodObject, R extends z.ZodType>(definition: CommandDefinition<P, R>): Command<P, R> {
  const withoutNulls = absentNulls(definition.payload);
  return {
    ...definition,
    read(value) {
      const { data, error } = definition.payload.safeParse(withoutNulls(value), { reportInput: true });
      return error === undefined ? { payload: data } : { fault: faultOf(error) };
    },
  };
}

/** The fields of an object that may be left out. */
export function optionalFields(schema: z.ZodObject): string[] {
  return Object.entries(schema.shape).flatMap(([name, field]) => (z.safeParse(field, undefined).success ? [name] : []));
}

/** What leaves the optional fields of an object out that are null; the rest is for the schema to judge. */
function absentNulls(schema: z.ZodObject): (value: unknown) => unknown {
  const optional = optionalFields(schema);
  return (value) => {
    if (typeof value !== 'object' || value === null) return value;
    if (!optional.some((name) => Reflect.get(value, name) === null)) return value;
    return Object.fromEntries(
      Object.entries(value).filter(([name, field]) => field !== null || !optional.includes(name)),
    );
  };
}
