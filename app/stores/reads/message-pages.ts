import type { Message } from '../../../protocol/message.ts';
import { RawJson } from '../../models/raw-json.ts';
import { each, type Query, sql } from '../query.ts';
import { MESSAGE_COLUMNS, type MessageRow, toMessage } from '../rows.ts';

/*
 * Messages that were changed and those that were not stand apart, each in the order of their numbers, so that a walk over
 * the changes of a room passes over nothing. Each half is asked for by itself, as far as the page may need it, and the two
 * are merged here: PostgreSQL reads and sorts all of a union where it believes that to be little.
 */

/** A page of messages, as engines give it. */
export interface StoredPage {
  /** JSON of an array of messages. */
  readonly messages: string;
  readonly has_more: boolean;
}

/** A part of a room's messages: so many of those after a place or a number, or before it. */
export interface Part {
  readonly room_id: string;
  readonly from: number;
  /** Of one more it is read whether it is there. */
  readonly limit: number;
}

/** How much of an answer messages may take. */
export interface Room {
  readonly limit: number;
  readonly bytes: number;
}

type Rows = readonly MessageRow[];
/** The answers about a part: of messages that were not changed, and of those that were. */
export type Halves = readonly [unchanged: Rows, changed: Rows];
type Questions<Answer> = [Query<Answer>, Query<Answer>];

const half = (changed: 0 | 1) => `SELECT ${MESSAGE_COLUMNS} FROM messages WHERE room_id = ? AND changed = ${changed}`;
const UNCHANGED_BEFORE = `${half(0)} AND rev < ? ORDER BY rev DESC LIMIT ?`;
const CHANGED_BEFORE = `${half(1)} AND seq < ? ORDER BY seq DESC LIMIT ?`;
/** Of these the place is the number. */
const UNCHANGED_AFTER = `${half(0)} AND rev > ? ORDER BY rev LIMIT ?`;
const CHANGED_AFTER = `${half(1)} AND seq > ? ORDER BY seq LIMIT ?`;
const CHANGES_AFTER = `${half(1)} AND rev > ? ORDER BY rev LIMIT ?`;

const values = ({ room_id, from, limit }: Part) => [room_id, from, limit + 1] as const;

/** Asks for the messages of a room before a place, for {@link shownBefore}. */
export const messagesBefore = (part: Part): Questions<MessageRow[]> => [
  sql<MessageRow>(UNCHANGED_BEFORE, ...values(part)),
  sql<MessageRow>(CHANGED_BEFORE, ...values(part)),
];

/** Asks for the messages of a room after a place, for {@link shownAfter}. */
export const messagesAfter = (part: Part): Questions<MessageRow[]> => [
  sql<MessageRow>(UNCHANGED_AFTER, ...values(part)),
  sql<MessageRow>(CHANGED_AFTER, ...values(part)),
];

/** Asks for the messages of rooms that took a number after one, for {@link mergeChanges} a room. */
export const changesAfter = (parts: readonly Part[]): Questions<MessageRow[][]> => [
  each<MessageRow>(UNCHANGED_AFTER, parts.map(values)),
  each<MessageRow>(CHANGES_AFTER, parts.map(values)),
];

/** Both halves in the order of their numbers: more than `limit` when there are more. */
export const mergeChanges = (halves: Halves): Rows => merge(halves, ({ rev }) => rev);

/** As many of the messages before a place as fit, those next to it, oldest first. */
export function shownBefore(halves: Halves, { limit, bytes }: Room): StoredPage {
  const rows = merge(halves, ({ seq }) => -seq);
  const { messages } = fitMessages(rows.slice(0, limit), bytes);
  return { messages: jsonArray(messages.reverse()), has_more: rows.length > messages.length };
}

/** As many of the messages after a place as fit, oldest first. */
export function shownAfter(halves: Halves, { limit, bytes }: Room): StoredPage {
  const rows = merge(halves, ({ seq }) => seq);
  const { messages } = fitMessages(rows.slice(0, limit), bytes);
  return { messages: jsonArray(messages), has_more: rows.length > messages.length };
}

/** Both halves in the order that each is in. */
function merge([unchanged, changed]: Halves, order: (row: MessageRow) => number): Rows {
  if (changed.length === 0) return unchanged;
  return [...unchanged, ...changed].sort((a, b) => order(a) - order(b));
}

/** The JSON of each message, in the order of the rows, as far as together they fit `bytes`; and how many they take. */
export function fitMessages(rows: Rows, bytes: number): { messages: string[]; bytes: number } {
  const messages: string[] = [];
  let used = 0;
  for (const row of rows) {
    const json = JSON.stringify(toMessage(row));
    const size = Buffer.byteLength(json) + 1;
    if (used + size > bytes) break;
    used += size;
    messages.push(json);
  }
  return { messages, bytes: used };
}

/** JSON of an array, of the JSON of its items. */
export const jsonArray = (items: readonly string[]): string => `[${items.join(',')}]`;

/** A page as callers get it. */
export function raw<P extends StoredPage>(page: P): Omit<P, 'messages'> & { messages: RawJson<Message[]> } {
  return { ...page, messages: new RawJson(page.messages) };
}
