import type { Page } from '../../models/cursor.ts';
import { decodeCursor, encodeCursor } from '../../models/cursor.ts';
import type { StoredRoom } from '../../models/room.ts';
import { isoTime } from '../../models/time.ts';
import type { StaleUser } from '../admin-store.ts';
import type { Database } from './database.ts';
import type { Written } from './message.ts';
import { ROOM_COLUMNS, type RoomRow, toRoom } from './rows.ts';

interface Since {
  /** Milliseconds since 1970. */
  readonly before: number;
  readonly after: string | undefined;
  readonly limit: number;
}

interface StaleRow {
  id: string;
  username: string;
  seen_at: number;
  retired_at: number | null;
}

const STALE = `SELECT id, username, seen_at, retired_at FROM users
  WHERE id > $after AND seen_at < $before AND (retired_at IS NULL OR retired_at < $before) ORDER BY id LIMIT $limit`;

const DELETED = "SELECT subject AS room_id FROM erasures WHERE kind = 'room' ORDER BY begun_at, subject";

/**
 * `active_at` goes back with a clock that is behind when the server starts, the times of messages do not. That somebody is
 * gone may be pruning's own work.
 */
const UNUSED = `SELECT ${ROOM_COLUMNS} FROM rooms r WHERE r.id > $after AND r.active_at < $before
  AND NOT EXISTS (SELECT 1 FROM members m JOIN users u ON u.id = m.user_id
                  WHERE m.room_id = r.id AND u.retired_at IS NULL AND u.seen_at >= $before)
  AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.room_id = r.id AND m.rev = m.seq AND m.seq > r.seq - 100
                  AND m.timestamp >= $before AND (m.system IS NULL OR m.system NOT LIKE '%"user_left"%'))
  ORDER BY r.id LIMIT $limit`;

/** What the reader does to find what nobody uses any more. */
export function pruneReads(db: Database) {
  function page<Row extends { id: string }, T>(
    sql: string,
    { before, ...asked }: Since,
    convert: (row: Row) => T,
  ): Page<T> {
    const after = asked.after === undefined ? '' : String(decodeCursor(asked.after, ['string'])[0]);
    const rows = db.allNamed<Row>(sql, { after, before, limit: asked.limit + 1 });
    const items = rows.slice(0, asked.limit);
    const last = rows.length > asked.limit ? items.at(-1) : undefined;
    return { items: items.map(convert), next: last ? encodeCursor([last.id]) : null };
  }

  return {
    staleUsers: (input: Since): Page<StaleUser> =>
      page<StaleRow, StaleUser>(STALE, input, ({ id, username, seen_at, retired_at }) => ({
        id,
        username,
        last_seen: isoTime(seen_at),
        retired: retired_at !== null,
      })),

    unusedRooms: (input: Since): Page<StoredRoom> => page<RoomRow, StoredRoom>(UNUSED, input, toRoom),

    deletedRooms: (): string[] => db.all<{ room_id: string }>(DELETED).map(({ room_id }) => room_id),

    authors({ after, rows: limit }: { after: number; rows: number }): { user_ids: string[]; next: number | null } {
      const sql = 'SELECT rowid, user_id, system IS NULL AS said FROM messages WHERE rowid > ? ORDER BY rowid LIMIT ?';
      const rows = db.all<{ rowid: number; user_id: string; said: number }>(sql, after, limit);
      const authors = new Set(rows.filter(({ said }) => said === 1).map(({ user_id }) => user_id));
      return { user_ids: [...authors], next: rows.length < limit ? null : (rows.at(-1)?.rowid ?? null) };
    },
  };
}

/** What the writer does to remove it. */
export function pruneWrites(db: Database) {
  return {
    /** Nothing of a user is left but what rooms tell of it: only for who is retired and has left its rooms. */
    deleteUser({ user_id }: { user_id: string }): Written<boolean> {
      const sql = `DELETE FROM users WHERE id = ? AND retired_at IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM departures WHERE user_id = users.id)`;
      return { value: db.run(sql, user_id) > 0, entries: [] };
    },
  };
}
