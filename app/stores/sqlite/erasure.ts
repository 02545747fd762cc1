import type { System } from '../../../protocol/message.ts';
import { systemContent } from '../../models/message.ts';
import { Refusal } from '../../models/refusal.ts';
import { ERASED_USERNAME } from '../../models/user.ts';
import type { Erased, LogEntry } from '../store.ts';
import type { Database } from './database.ts';
import type { Written } from './message.ts';
import { retire, revokeAll } from './retirement.ts';
import type { RoomCache } from './room-cache.ts';
import { MESSAGE_COLUMNS, type MessageRow, type RoomRow, toMessage } from './rows.ts';

/** A row of `erasures`: how far something is. */
interface ErasureRow {
  kind: Erased['kind'];
  subject: string;
  reached: number;
  total: number;
}

/** So many rows are removed in one step. */
const ROWS_REMOVED = 500;
/** So many messages are changed in one step: each is told to the members of its room. */
const ROWS_CHANGED = 100;
/** So many are looked through in one step. */
const ROWS_SCANNED = 4_000;

const UNDER_WAY = 'SELECT kind, subject, reached, total FROM erasures';
/** The oldest; a user who has not left all rooms yet may still say something. */
const NEXT = `${UNDER_WAY} e WHERE kind = 'room' OR NOT EXISTS (SELECT 1 FROM departures d WHERE d.user_id = e.subject)
  ORDER BY begun_at, subject LIMIT 1`;

/** A message of a user, or about it, among those that are next to look at. */
const NEXT_OF_USER = `SELECT rowid, ${MESSAGE_COLUMNS} FROM messages
  WHERE rowid > ? AND rowid <= ? AND user_id = ? ORDER BY rowid LIMIT ?`;

/** What the writer does to erase a room or a user: at once what everybody sees, and then step by step what is stored. */
export function erasureWrites(db: Database, rooms: RoomCache) {
  const first = (sql: string, ...parameters: (string | number)[]): number | null =>
    db.get<{ row: number | null }>(sql, ...parameters)?.row ?? null;

  function begin({ kind, subject, total }: Omit<ErasureRow, 'reached'>, at: number): void {
    const sql = 'INSERT OR IGNORE INTO erasures (kind, subject, begun_at, reached, total) VALUES (?, ?, ?, 0, ?)';
    db.run(sql, kind, subject, at, total);
  }

  function proceed({ kind, subject }: ErasureRow, reached: number): void {
    db.run('UPDATE erasures SET reached = ? WHERE kind = ? AND subject = ?', reached, kind, subject);
  }

  const end = ({ kind, subject }: ErasureRow) =>
    db.run('DELETE FROM erasures WHERE kind = ? AND subject = ?', kind, subject);

  function eraseRoom(erasure: ErasureRow): LogEntry[] {
    const { subject: room_id, reached } = erasure;
    // Of a room that is there nothing is removed, whatever led here.
    const gone = 'NOT EXISTS (SELECT 1 FROM rooms WHERE id = room_id)';
    const messages = `DELETE FROM messages WHERE rowid IN (
        SELECT rowid FROM messages WHERE room_id = ? AND rev = seq
        UNION ALL SELECT rowid FROM messages WHERE room_id = ? AND rev <> seq LIMIT ?) AND ${gone}`;
    const members = `DELETE FROM members WHERE room_id = ? AND user_id IN (
        SELECT user_id FROM members WHERE room_id = ? LIMIT ?) AND ${gone}`;
    const removed = db.run(messages, room_id, room_id, ROWS_REMOVED) || db.run(members, room_id, room_id, ROWS_REMOVED);
    if (removed === 0) end(erasure);
    else proceed(erasure, reached + removed);
    return [];
  }

  function eraseUser(erasure: ErasureRow, at: number): LogEntry[] {
    const { subject: user_id, reached } = erasure;
    const next = first('SELECT min(rowid) AS row FROM messages WHERE rowid > ?', reached);
    if (next === null) {
      end(erasure);
      return [];
    }
    const last = next + ROWS_SCANNED - 1;
    const rows = db.all<MessageRow & { rowid: number }>(NEXT_OF_USER, next - 1, last, user_id, ROWS_CHANGED);
    proceed(erasure, rows.length < ROWS_CHANGED ? last : (rows.at(-1)?.rowid ?? last));
    return rows.flatMap((row) => {
      const room = rooms.room(row.room_id);
      if (room !== undefined) return eraseRow(db, rooms, { room, row, at });
      db.run('DELETE FROM messages WHERE id = ?', row.id);
      return [];
    });
  }

  return {
    deleteRoom({ room_id, at, unused_since }: { room_id: string; at: number; unused_since?: number }): Written<null> {
      const room = rooms.room(room_id);
      const used = unused_since !== undefined && room && (room.user_count > 0 || room.active_at >= unused_since);
      if (room === undefined || used) throw new Refusal('ROOM_NOT_FOUND');
      db.run('DELETE FROM rooms WHERE id = ?', room_id);
      begin({ kind: 'room', subject: room_id, total: room.seq + room.user_count }, at);
      db.run("INSERT INTO notices (kind, subject) VALUES ('room_deleted', ?)", room_id);
      rooms.forgetRoom(room_id);
      return { value: null, entries: [] };
    },

    eraseUser({ user_id, at }: { user_id: string; at: number }): Written<null> {
      db.run('UPDATE users SET username = ? WHERE id = ?', ERASED_USERNAME, user_id);
      retire(db, rooms, { user_id, at });
      revokeAll(db, user_id);
      begin({ kind: 'user', subject: user_id, total: first('SELECT max(rowid) AS row FROM messages') ?? 0 }, at);
      return { value: null, entries: [] };
    },

    eraseSome({ at }: { at: number }): Written<boolean> {
      const erasure = db.get<ErasureRow>(NEXT);
      if (erasure === undefined) return { value: false, entries: [] };
      return { value: true, entries: erasure.kind === 'room' ? eraseRoom(erasure) : eraseUser(erasure, at) };
    },
  };
}

/** What the reader does about erasures. */
export function erasureReads(db: Database) {
  return {
    erasure({ kind, id }: Erased): { reached: number; total: number } | undefined {
      const row = db.get<ErasureRow>(`${UNDER_WAY} WHERE kind = ? AND subject = ?`, kind, id);
      return row && { reached: Math.min(row.reached, row.total), total: row.total };
    },

    tellsOf({ user_id }: { user_id: string }): boolean {
      const known = 'SELECT 1 FROM users WHERE id = ? UNION ALL SELECT 1 FROM messages WHERE user_id = ? LIMIT 1';
      return db.get(known, user_id, user_id) !== undefined;
    },
  };
}

/**
 * A message of the user becomes a tombstone; a system message about the user loses the name. Each takes a number.
 * @returns nothing when that was done before
 */
function eraseRow(
  db: Database,
  rooms: RoomCache,
  { room, row, at }: { room: RoomRow; row: MessageRow; at: number },
): LogEntry[] {
  if (row.username === ERASED_USERNAME && (row.system !== null || row.deleted_at !== null)) return [];
  row.username = ERASED_USERNAME;
  row.client_id = null;
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
  const sql = `UPDATE messages SET rev = ?, username = ?, content = ?, system = ?, edited_at = ?, deleted_at = ?,
    client_id = ? WHERE id = ?`;
  const { rev, username, content, system, edited_at, deleted_at, client_id } = row;
  db.run(sql, rev, username, content, system, edited_at, deleted_at, client_id, row.id);
  return [{ message: toMessage(row) }];
}
