import { LIMITS } from '../../../protocol/limits.ts';
import type { Message } from '../../../protocol/message.ts';
import { type Allowed, allowDelete, allowEdit, type MessageFacts, membershipChange } from '../../models/message.ts';
import { orRefusal, Refusal } from '../../models/refusal.ts';
import { requireMember } from '../../models/room.ts';
import type { LogEntry, RoomSync, SendInput } from '../store.ts';
import type { Database } from './database.ts';
import { type RoomCache, roomFacts } from './room-cache.ts';
import {
  MESSAGE_COLUMNS,
  type MessageRow,
  ROOM_COLUMNS,
  type RoomRow,
  toMessage,
  toRoom,
  toUser,
  USER_COLUMNS,
  type UserRow,
} from './rows.ts';

/** A change that was stored, and the entries it made. */
export interface Written<T> {
  readonly value: T;
  readonly entries: LogEntry[];
}

const INSERT_MESSAGE = `INSERT INTO messages (${MESSAGE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, ?)`;
const MESSAGE_BY_ID = `SELECT ${MESSAGE_COLUMNS} FROM messages WHERE id = ?`;
/** A message of a room that was deleted may still be there. */
const MESSAGE_BY_CLIENT_ID = `SELECT ${MESSAGE_COLUMNS} FROM messages m WHERE room_id = ? AND user_id = ? AND client_id = ?
  AND EXISTS (SELECT 1 FROM rooms WHERE id = m.room_id)`;

/** Stores a system message as the room's next entry. */
export function appendSystemMessage(
  db: Database,
  rooms: RoomCache,
  {
    room,
    id,
    system,
    content,
    at,
    active_at,
  }: {
    room: RoomRow;
    id: string;
    system: NonNullable<Message['system']>;
    content: string;
    at: number;
    /** Null when nothing was done that counts as activity. */
    active_at: number | null;
  },
): Message {
  const seq = rooms.next(room, active_at);
  const json = JSON.stringify(system);
  db.run(INSERT_MESSAGE, id, room.id, seq, seq, system.user_id, system.username, content, at, json, null);
  return toMessage({
    id,
    room_id: room.id,
    seq,
    rev: seq,
    user_id: system.user_id,
    username: system.username,
    content,
    timestamp: at,
    system: json,
    edited_at: null,
    deleted_at: null,
    client_id: null,
  });
}

/** What the writer does with messages. */
export function messageWrites(db: Database, rooms: RoomCache) {
  function change(
    { message_id, user_id, at }: { message_id: string; user_id: string; at: number },
    allow: (facts: MessageFacts<RoomRow>) => Allowed<RoomRow>,
    apply: (row: MessageRow) => void,
  ): Written<Message> {
    const row = db.get<MessageRow>(MESSAGE_BY_ID, message_id);
    if (row === undefined) throw new Refusal('MESSAGE_NOT_FOUND');
    const { room, changes } = allow({ ...rooms.facts(row.room_id, user_id), message: toMessage(row) });
    if (!changes) return { value: toMessage(row), entries: [] };
    apply(row);
    row.rev = rooms.next(room, at);
    const sql = 'UPDATE messages SET rev = ?, content = ?, edited_at = ?, deleted_at = ? WHERE id = ?';
    db.run(sql, row.rev, row.content, row.edited_at, row.deleted_at, row.id);
    const message = toMessage(row);
    return { value: message, entries: [{ message }] };
  }

  return {
    /** Answers the number that the message took, or the message that this key made before. */
    send(input: SendInput): number | Message {
      const { room_id, user_id, client_id } = input;
      if (client_id !== null) {
        const before = db.get<MessageRow>(MESSAGE_BY_CLIENT_ID, room_id, user_id, client_id);
        if (before !== undefined) return toMessage(before);
      }
      const seq = rooms.next(requireMember(rooms.facts(room_id, user_id)), input.at);
      const { id, username, content, at } = input;
      db.run(INSERT_MESSAGE, id, room_id, seq, seq, user_id, username, content, at, null, client_id);
      return seq;
    },

    edit(input: { message_id: string; user_id: string; content: string; at: number }): Written<Message> {
      return change(
        input,
        (facts) => allowEdit(facts, input.user_id, input.content),
        (row) => {
          row.content = input.content;
          row.edited_at = input.at;
        },
      );
    },

    delete(input: { message_id: string; user_id: string; at: number }): Written<Message> {
      return change(
        input,
        (facts) => allowDelete(facts, input.user_id),
        (row) => {
          row.content = '';
          row.deleted_at = input.at;
        },
      );
    },
  };
}

/** The JSON of each message, in the order of the rows, as far as together they fit `bytes`; and how many they take. */
function fitMessages(rows: readonly MessageRow[], bytes: number): { messages: string[]; bytes: number } {
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

/** Messages as they cross to the main thread. */
export interface MessagesPage {
  /** JSON of an array of messages. */
  readonly messages: string;
  readonly has_more: boolean;
}

const jsonArray = (items: readonly string[]): string => `[${items.join(',')}]`;

/**
 * The messages of a room on one side of a place. Those that were changed and those that were not stand in indexes of
 * their own, so that {@link CHANGES} passes over nothing; here the two are merged.
 */
const byPlace = (side: '<' | '>', order: 'ASC' | 'DESC') => `
  SELECT ${MESSAGE_COLUMNS} FROM messages WHERE room_id = $room_id AND seq ${side} $place AND rev = seq
  UNION ALL
  SELECT ${MESSAGE_COLUMNS} FROM messages WHERE room_id = $room_id AND seq ${side} $place AND rev <> seq
  ORDER BY seq ${order} LIMIT $limit`;
const BEFORE_PLACE = byPlace('<', 'DESC');
const AFTER_PLACE = byPlace('>', 'ASC');

/** The newest messages of a room (those before the place `before`), as many as fit, oldest first. */
export function newestMessages(
  db: Database,
  { room_id, before, limit, bytes }: { room_id: string; before: number; limit: number; bytes: number },
): MessagesPage {
  const rows = db.allNamed<MessageRow>(BEFORE_PLACE, { room_id, place: before, limit: limit + 1 });
  const { messages } = fitMessages(rows.slice(0, limit), bytes);
  return { messages: jsonArray(messages.reverse()), has_more: rows.length > messages.length };
}

/** Room for what an answer holds beside its messages. */
const ENVELOPE_BYTES = 1_024;
/**
 * The changes of a room after a number, in order: two index scans that are merged as far as is needed. Few messages are
 * ever changed, so only those stand in an index by `rev`: one of all would cost each send a second index entry.
 */
const CHANGES = `
  SELECT seq AS number, ${MESSAGE_COLUMNS} FROM messages WHERE room_id = $room_id AND seq > $after AND rev = seq
  UNION ALL
  SELECT rev AS number, ${MESSAGE_COLUMNS} FROM messages WHERE room_id = $room_id AND rev > $after AND rev <> seq
  ORDER BY number LIMIT $limit`;

/** What the reader does with messages. */
export function messageReads(db: Database) {
  return {
    messageByClientId(input: { room_id: string; user_id: string; client_id: string }): Message | undefined {
      const row = db.get<MessageRow>(MESSAGE_BY_CLIENT_ID, input.room_id, input.user_id, input.client_id);
      return row && toMessage(row);
    },

    page(input: {
      room_id: string;
      user_id: string;
      before: number | undefined;
      after: number | undefined;
      limit: number;
    }): MessagesPage {
      const { room_id, limit } = input;
      requireMember(roomFacts(db, room_id, input.user_id));
      const bytes = LIMITS.answer_bytes - ENVELOPE_BYTES;
      if (input.after === undefined) {
        return newestMessages(db, { room_id, before: input.before ?? Number.MAX_SAFE_INTEGER, limit, bytes });
      }
      const rows = db.allNamed<MessageRow>(AFTER_PLACE, { room_id, place: input.after, limit: limit + 1 });
      const { messages } = fitMessages(rows.slice(0, limit), bytes);
      return { messages: jsonArray(messages), has_more: rows.length > messages.length };
    },

    /** JSON of an array of {@link RoomSync}. */
    sync(input: { user_id: string; rooms: readonly { room_id: string; seq: number }[] }): string {
      const perRoom = 160;
      let bytes = LIMITS.answer_bytes - ENVELOPE_BYTES - input.rooms.length * perRoom;
      const answers = input.rooms.map(({ room_id, seq }): string => {
        const room = orRefusal(() => requireMember(roomFacts(db, room_id, input.user_id)));
        if (room instanceof Refusal) return syncJson({ room_id, error: room.code });
        const head = room.seq;
        if (seq > head) return syncJson({ room_id, head, has_more: false, reset: true });
        if (seq === head) return syncJson({ room_id, head, has_more: false, reset: false });
        if (bytes <= 0) return syncJson({ room_id, head, has_more: true, reset: false });
        const rows = db.allNamed<MessageRow>(CHANGES, { room_id, after: seq, limit: LIMITS.sync_messages + 1 });
        const page = fitMessages(rows.slice(0, LIMITS.sync_messages), bytes);
        const has_more = rows.length > page.messages.length;
        bytes = has_more && page.messages.length < LIMITS.sync_messages ? 0 : bytes - page.bytes;
        return syncJson({ room_id, head, has_more, reset: false }, page.messages);
      });
      return jsonArray(answers);
    },

    log({ room_id, after }: { room_id: string; after: number }): {
      entries: LogEntry[];
      head: number;
      has_more: boolean;
    } {
      const limit = 1_000;
      const room = db.get<RoomRow>(`SELECT ${ROOM_COLUMNS} FROM rooms r WHERE r.id = ?`, room_id);
      if (room === undefined) return { entries: [], head: after, has_more: false };
      const rows = db.allNamed<MessageRow>(CHANGES, { room_id, after, limit: limit + 1 });
      const entries = rows.slice(0, limit).map((row) => entryOf(db, room, toMessage(row)));
      return { entries, head: room.seq, has_more: rows.length > limit };
    },
  };
}

type SyncedRoom = Extract<RoomSync, { head: number }>;
type RefusedRoom = Exclude<RoomSync, SyncedRoom>;

/** JSON of a {@link RoomSync}, with the messages put in as they are. */
function syncJson(room: RefusedRoom | Omit<SyncedRoom, 'messages'>, messages: readonly string[] = []): string {
  const json = JSON.stringify(room);
  return 'error' in room ? json : `${json.slice(0, -1)},"messages":${jsonArray(messages)}}`;
}

function entryOf(db: Database, room: RoomRow, message: Message): LogEntry {
  const change = membershipChange(message);
  if (change === undefined || !('joined' in change)) return { message };
  const user = db.get<UserRow>(`SELECT ${USER_COLUMNS} FROM users u WHERE u.id = ?`, change.joined);
  return user === undefined ? { message } : { message, joined: { user: toUser(user), room: toRoom(room) } };
}
