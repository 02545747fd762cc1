import type { z } from 'zod';
import type { Wording } from './errors.ts';
import { atLeast, atMost, noLessThan, noMoreThan, oneOf, WRONG } from './words.ts';

/** What is wrong with a payload: the field, when it is one, and in words what follows its name. */
export interface PayloadFault {
  readonly field?: string;
  readonly detail: Wording;
}

/** What a check of our own says when it fails; goes into the `params` of a `refine`. */
export const saying = (detail: Wording) => ({ error: detail.en, params: { detail } });

/** As much of the name of a field at fault is told, in characters: what a client calls one may be as long as a packet. */
export const FIELD_MAX = 128;

/** The first fault that a schema found, which must have been told to report the input. */
export function faultOf({ issues: [issue] }: z.ZodError): PayloadFault {
  if (issue === undefined) return { detail: WRONG.invalid };
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path;
  const detail = wrongWith(issue);
  return path.length === 0 ? { detail } : { field: path.join('.').slice(0, FIELD_MAX).toWellFormed(), detail };
}

function wrongWith(issue: z.core.$ZodIssue): Wording {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? WRONG.missing : (TYPES[issue.expected] ?? WRONG.invalid);
    case 'invalid_value':
      return issue.input === undefined ? WRONG.missing : oneOf(issue.values);
    case 'invalid_format':
      return issue.format === 'regex' ? WRONG.noId : WRONG.invalid;
    case 'unrecognized_keys':
      return WRONG.unknown;
    case 'too_small':
      return sized(issue.origin, Number(issue.minimum), { text: atLeast, number: noLessThan });
    case 'too_big':
      return sized(issue.origin, Number(issue.maximum), { text: atMost, number: noMoreThan });
    case 'custom':
      return (issue.params as { detail?: Wording } | undefined)?.detail ?? WRONG.invalid;
    default:
      return WRONG.invalid;
  }
}

const TYPES: Readonly<Partial<Record<string, Wording>>> = {
  string: WRONG.noText,
  number: WRONG.noNumber,
  int: WRONG.noNumber,
  boolean: WRONG.noBoolean,
  array: WRONG.noList,
  object: WRONG.noObject,
};

interface Sizes {
  readonly text: (count: number, of: 'character' | 'item') => Wording;
  readonly number: (count: number) => Wording;
}

function sized(origin: string, bound: number, { text, number }: Sizes): Wording {
  if (origin === 'string' || origin === 'array') return text(bound, origin === 'array' ? 'item' : 'character');
  return number(bound);
}
