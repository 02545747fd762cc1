import { z } from 'zod';
import { isBlank } from './blank.ts';
import { codePoints } from './code-points.ts';
import { saying } from './fault.ts';
import { LIMITS } from './limits.ts';
import { atLeast, atMost, WRONG } from './words.ts';

/**
 * Text that every store can hold as it is: well-formed Unicode with no NUL. Bounds are in code points, inclusive; `told`
 * is the bound that people are told where a later check knows a narrower one than `max`.
 */
export function text({ min, max, told = max }: { min: number; max: number; told?: number }) {
  return z
    .string()
    .refine((value) => value.length <= max * 2 && codePoints(value) <= max, { ...saying(atMost(told)), abort: true })
    .refine((value) => codePoints(value) >= min, { ...saying(atLeast(min)), abort: true })
    .refine((value) => value.isWellFormed() && !value.includes('\0'), saying(WRONG.malformed))
    .meta({ minLength: min, maxLength: max });
}

/** The id of a user, room or message: a UUID; those that the server makes are version 7 (RFC 9562), in lower case. */
export const Id = z
  .string()
  .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/)
  .meta({ format: 'uuid', description: 'A lower-case UUID; those made by the server are version 7.' });

/** A moment: ISO 8601, UTC, with milliseconds. */
export const Time = z.iso.datetime({ precision: 3 }).meta({ description: 'ISO 8601 in UTC with milliseconds.' });

/** A place in a room's log: the first entry has 1. */
export const LogNumber = z.int().min(0).meta({ description: "A number of the room's log; 0 stands before the first." });

/** A result that tells nothing but that it was done. */
export const Empty = z.strictObject({});

/** What people say: it shows something. */
export const Content = text({ min: 1, max: LIMITS.content_max }).refine(
  (value) => !isBlank(value),
  saying(WRONG.blank),
);

/** The password of a new room. */
export const Password = text({ min: LIMITS.password_min, max: LIMITS.password_max });

/** The key under which a command is safe to repeat. */
export const ClientId = text({ min: 1, max: LIMITS.client_id_max }).meta({
  description: "The sender's own key, best a UUID: a repeat with the same key gives the first one back.",
});

/** Where a page of a list begins. */
export const Cursor = z.string().max(512).meta({ description: '`next` of the page before; opaque.' });

/** Where the page after this one begins. */
export const Next = z
  .string()
  .nullable()
  .meta({ description: 'Give it as `after` for the next page; null at the end.' });

/** How many items a page may hold. */
export const Limit = z.int().min(1).max(LIMITS.page_max).default(LIMITS.page_default);

/** Whether there is more than a page holds. */
export const HasMore = z.boolean().meta({ description: 'Whether there are more beyond this page.' });
