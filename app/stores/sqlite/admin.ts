import type { Message } from '../../../protocol/message.ts';
import type { Page } from '../../models/cursor.ts';
import { decodeCursor, encodeCursor } from '../../models/cursor.ts';
import { Refusal } from '../../models/refusal.ts';
import type { StoredRoom } from '../../models/room.ts';
import { foldCase } from '../../models/text.ts';
import type { StoredUser } from '../../models/user.ts';
import type { Membership } from '../store.ts';
import type { Database } from './database.ts';
import { memberships } from './membership.ts';
import type { Written } from './message.ts';
import type { RoomCache } from './room-cache.ts';
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

interface ListInput {
  query: string | undefined;
  after: string | undefined;
  limit: number;
}

/** What the reader does for the command-line tools. */
export function adminReads(db: Database) {
  function page<Row extends { id: string }, T>(sql: string, input: ListInput, convert: (row: Row) => T): Page<T> {
    const after = input.after === undefined ? '' : String(decodeCursor(input.after, ['string'])[0]);
    const query = input.query === undefined ? null : foldCase(input.query);
    const rows = db.allNamed<Row>(sql, { after, query, limit: input.limit + 1 });
    const items = rows.slice(0, input.limit);
    const last = rows.length > input.limit ? items.at(-1) : undefined;
    return { items: items.map(convert), next: last ? encodeCursor([last.id]) : null };
  }

  return {
    allRooms(input: ListInput): Page<StoredRoom> {
      const sql = `SELECT ${ROOM_COLUMNS} FROM rooms r WHERE r.id > $after
        AND ($query IS NULL OR instr(r.name_key, $query) > 0) ORDER BY r.id LIMIT $limit`;
      return page<RoomRow, StoredRoom>(sql, input, toRoom);
    },

    allUsers(input: ListInput): Page<StoredUser> {
      // Who has no name_key has a name all the same, which nothing holds for them any more.
      const sql = `SELECT ${USER_COLUMNS} FROM users u WHERE u.id > $after
        AND ($query IS NULL OR u.name_key IS NULL OR instr(u.name_key, $query) > 0) ORDER BY u.id LIMIT $limit`;
      const { items, next } = page<UserRow, StoredUser>(sql, input, toUser);
      const query = foldCase(input.query ?? '');
      return { items: items.filter(({ username }) => foldCase(username).includes(query)), next };
    },

    user({ user_id }: { user_id: string }): StoredUser | undefined {
      const row = db.get<UserRow>(`SELECT ${USER_COLUMNS} FROM users u WHERE u.id = ?`, user_id);
      return row && toUser(row);
    },

    memberships({ user_id }: { user_id: string }): { room_id: string; name: string; joined_seq: number }[] {
      const sql = `SELECT r.id AS room_id, r.name, m.joined_seq FROM members m JOIN rooms r ON r.id = m.room_id
        WHERE m.user_id = ? ORDER BY r.id`;
      return db.all<{ room_id: string; name: string; joined_seq: number }>(sql, user_id).map((row) => ({ ...row }));
    },

    countMessages(): number {
      return db.get<{ count: number }>('SELECT count(*) AS count FROM messages')?.count ?? 0;
    },

    messagesOf(input: { user_id: string; after: number; rows: number }): { messages: Message[]; next: number | null } {
      const { rows, next } = scan(db, input);
      const own = rows.filter((row) => row.user_id === input.user_id && row.system === null);
      return { messages: own.map(toMessage), next };
    },
  };
}

/** What the writer does for the command-line tools. */
export function adminWrites(db: Database, rooms: RoomCache) {
  const { promote } = memberships(db, rooms);

  return {
    setOwner(input: Membership): Written<null> {
      const { room, member } = rooms.facts(input.room_id, input.user_id);
      if (room === undefined) throw new Refusal('ROOM_NOT_FOUND');
      if (!member) throw new Refusal('USER_NOT_FOUND');
      return { value: null, entries: room.owner_id === input.user_id ? [] : [promote(room, input)] };
    },
  };
}

/** The next rows of `messages` in the order they were stored; `next` is the last one's number, null at the end. */
function scan(db: Database, { after, rows: limit }: { after: number; rows: number }) {
  const sql = `SELECT rowid, ${MESSAGE_COLUMNS} FROM messages WHERE rowid > ? ORDER BY rowid LIMIT ?`;
  const rows = db.all<MessageRow & { rowid: number }>(sql, after, limit);
  return { rows, next: rows.length < limit ? null : (rows.at(-1)?.rowid ?? null) };
}
