import type { Message, System } from '../../../protocol/models.ts';
import { decodeCursor, encodeCursor } from '../../models/cursor.ts';
import { systemContent } from '../../models/message.ts';
import { Refusal } from '../../models/refusal.ts';
import type { StoredRoom } from '../../models/room.ts';
import { foldCase } from '../../models/text.ts';
import { ERASED_USERNAME, type StoredUser } from '../../models/user.ts';
import type { LogEntry, Membership, Page } from '../store.ts';
import type { Database } from './database.ts';
import { memberships } from './membership.ts';
import type { Written } from './message.ts';
import { retire, revokeAll } from './retirement.ts';
import type { RoomState } from './room-state.ts';
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
export function adminWrites(db: Database, rooms: RoomState) {
  const { promote } = memberships(db, rooms);

  return {
    setOwner(input: Membership): Written<null> {
      const { room, member } = rooms.facts(input.room_id, input.user_id);
      if (room === undefined) throw new Refusal('ROOM_NOT_FOUND');
      if (!member) throw new Refusal('USER_NOT_FOUND');
      return { value: null, entries: room.owner_id === input.user_id ? [] : [promote(room, input)] };
    },

    deleteRoom({ room_id, unused_since }: { room_id: string; unused_since?: number }): Written<null> {
      const room = rooms.room(room_id);
      const used = unused_since !== undefined && room && (room.user_count > 0 || room.active_at >= unused_since);
      if (room === undefined || used) throw new Refusal('ROOM_NOT_FOUND');
      db.run('DELETE FROM rooms WHERE id = ?', room_id);
      db.run('DELETE FROM members WHERE room_id = ?', room_id);
      db.run("INSERT INTO notices (kind, subject) VALUES ('room_deleted', ?)", room_id);
      rooms.forgetRoom(room_id);
      return { value: null, entries: [] };
    },

    purge({ room_id, rows }: { room_id: string; rows: number }): Written<number> {
      const sql = `DELETE FROM messages WHERE rowid IN (
          SELECT rowid FROM messages WHERE room_id = ? AND rev = seq
          UNION ALL SELECT rowid FROM messages WHERE room_id = ? AND rev <> seq LIMIT ?)
        AND NOT EXISTS (SELECT 1 FROM rooms WHERE id = room_id)`;
      return { value: db.run(sql, room_id, room_id, rows), entries: [] };
    },

    eraseUser({ user_id, at }: { user_id: string; at: number }): Written<null> {
      const known = db.run('UPDATE users SET username = ? WHERE id = ?', ERASED_USERNAME, user_id);
      if (known === 0) throw new Refusal('USER_NOT_FOUND');
      retire(db, rooms, { user_id, at });
      revokeAll(db, user_id);
      return { value: null, entries: [] };
    },

    eraseMessages(input: { user_id: string; after: number; rows: number; at: number }): Written<{
      erased: number;
      next: number | null;
    }> {
      const { rows, next } = scan(db, input);
      const entries: LogEntry[] = [];
      let erased = 0;
      for (const row of rows) {
        if (row.user_id !== input.user_id) continue;
        const room = rooms.room(row.room_id);
        const entry = room && eraseRow(db, rooms, { room, row, at: input.at });
        if (entry !== undefined) entries.push(entry);
        // What is left of a room whose deletion was interrupted.
        if (room === undefined) erased += db.run('DELETE FROM messages WHERE id = ?', row.id);
      }
      return { value: { erased: erased + entries.length, next }, entries };
    },
  };
}

/** The next rows of `messages` in the order they were stored; `next` is the last one's number, null at the end. */
function scan(db: Database, { after, rows: limit }: { after: number; rows: number }) {
  const sql = `SELECT rowid, ${MESSAGE_COLUMNS} FROM messages WHERE rowid > ? ORDER BY rowid LIMIT ?`;
  const rows = db.all<MessageRow & { rowid: number }>(sql, after, limit);
  return { rows, next: rows.length < limit ? null : (rows.at(-1)?.rowid ?? null) };
}

/**
 * A message of the user becomes a tombstone; a system message about the user loses the name. Each takes a number.
 * @returns undefined when that was done before
 */
function eraseRow(
  db: Database,
  rooms: RoomState,
  { room, row, at }: { room: RoomRow; row: MessageRow; at: number },
): LogEntry | undefined {
  if (row.username === ERASED_USERNAME && (row.system !== null || row.deleted_at !== null)) return undefined;
  row.username = ERASED_USERNAME;
  if (row.system === null) {
    row.content = '';
    row.deleted_at ??= at;
  } else {
    const system: System = { ...(JSON.parse(row.system) as System), username: ERASED_USERNAME };
    row.system = JSON.stringify(system);
    row.content = systemContent(system);
    row.edited_at = at;
  }
  row.rev = rooms.next(room, at);
  const sql =
    'UPDATE messages SET rev = ?, username = ?, content = ?, system = ?, edited_at = ?, deleted_at = ? WHERE id = ?';
  db.run(sql, row.rev, row.username, row.content, row.system, row.edited_at, row.deleted_at, row.id);
  return { message: toMessage(row) };
}
