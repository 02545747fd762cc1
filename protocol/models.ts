import { z } from 'zod';
import { saying } from './fault.ts';
import { atLeast, atMost, WRONG } from './words.ts';

/** How many Unicode code points a text has. A lone surrogate counts as one. */
export function codePoints(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length - 1; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0xd800 || unit > 0xdbff) continue;
    const next = text.charCodeAt(i + 1);
    if (next < 0xdc00 || next > 0xdfff) continue;
    count--;
    i++;
  }
  return count;
}

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

/** Someone who chats. */
export const User = z
  .object({
    id: Id,
    username: z.string().meta({ description: 'The name as the user wrote it, normalised (NFKC).' }),
    is_active: z.boolean().meta({ description: 'Online: connected now, or disconnected less than 20 s ago.' }),
    connected_at: Time.meta({ description: 'When the newest connection signed in.' }),
    last_activity: Time.meta({ description: 'When the user last sent a command, to the minute.' }),
  })
  .meta({ id: 'User', description: 'Someone who chats.' });

/** Whether everyone may join a room. */
export const RoomType = z.enum(['public', 'private']);

/** A room as its members, and those who may see it in lists, see it. */
export const Room = z
  .object({
    id: Id,
    name: z.string(),
    type: RoomType,
    is_password_protected: z.boolean(),
    created_by: Id.meta({ description: 'The user who made the room.' }),
    owner_id: Id.nullable().meta({
      description:
        'The member who may add and remove members; null when nobody is left, and to who is no member of a private room.',
    }),
    created_at: Time,
    user_count: z.int().min(0).meta({ description: 'How many members the room has.' }),
    online_count: z
      .int()
      .min(0)
      .meta({ description: 'How many of them are online; 0 to who is no member of a private room.' }),
    seq: LogNumber.meta({
      description: "The number of the newest entry of the room's log; 0 to who is no member of a private room.",
    }),
  })
  .meta({ id: 'Room', description: 'A room.' });

/** What a system message says, for programs. Clients ignore a `type` that they do not know. */
export const System = z
  .discriminatedUnion('type', [
    z.object({
      type: z.literal('user_joined'),
      user_id: Id,
      username: z.string(),
      added_by: Id.optional().meta({ description: 'The owner who added the user, when it was not the user.' }),
      new_owner_id: Id.optional().meta({ description: 'The user, who owns the room now, when it had no members.' }),
    }),
    z.object({
      type: z.literal('user_left'),
      user_id: Id,
      username: z.string(),
      removed_by: Id.optional().meta({ description: 'The owner who removed the user, when it was not the user.' }),
      new_owner_id: Id.optional().meta({ description: 'Who owns the room now, when the one who left owned it.' }),
    }),
    z.object({
      type: z.literal('role_changed'),
      role: z.literal('owner').meta({ description: 'What the user is in the room now.' }),
      user_id: Id,
      username: z.string(),
      by: Id.nullable().meta({ description: 'Who did it; null: the operator of the server.' }),
      previous_owner_id: Id.optional().meta({ description: 'Who owned the room before.' }),
    }),
  ])
  .meta({ id: 'System', description: 'What a system message says, for programs.' });

/** A message in its newest state. Its place (`seq`) never changes; `rev` is the number of its newest change. */
export const Message = z
  .object({
    id: Id,
    room_id: Id,
    seq: LogNumber.meta({ description: 'Its place in the room; never changes.' }),
    rev: LogNumber.meta({
      description: 'The number of its newest change; equals `seq` until it is edited or deleted.',
    }),
    user_id: Id.meta({ description: 'The author; of a system message, the user it is about.' }),
    username: z.string().meta({ description: "The author's name when it was sent." }),
    content: z.string().meta({ description: 'The text; empty when deleted.' }),
    timestamp: Time.meta({ description: "When it was sent, by the server's clock. Order by `seq`, not by this." }),
    is_system_message: z.boolean(),
    system: System.optional(),
    edited: z.boolean(),
    edited_at: Time.nullable(),
    deleted: z.boolean().meta({ description: 'A tombstone: `content` is empty.' }),
    deleted_at: Time.nullable(),
    client_id: z.string().optional().meta({ description: "The sender's own key, as sent." }),
  })
  .meta({ id: 'Message', description: 'A message in its newest state.' });

/** See the schema of the same name. */
export type User = z.infer<typeof User>;
/** See the schema of the same name. */
export type RoomType = z.infer<typeof RoomType>;
/** See the schema of the same name. */
export type Room = z.infer<typeof Room>;
/** See the schema of the same name. */
export type System = z.infer<typeof System>;
/** See the schema of the same name. */
export type Message = z.infer<typeof Message>;
