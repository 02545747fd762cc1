import type { LogEntry } from '../store.ts';
import type { Database } from './database.ts';
import { memberships } from './membership.ts';
import type { Written } from './message.ts';
import type { RoomState } from './room-state.ts';

/**
 * Retires a user: from here on it can never come back, its name is free, and it is a member of nothing as far as any
 * rule looks. Its rooms are left one by one, each in a transaction of its own. Who is retired stays so.
 */
export function retire(db: Database, rooms: RoomState, { user_id, at }: { user_id: string; at: number }): void {
  const sql = 'UPDATE users SET retired_at = ?, name_key = NULL WHERE id = ? AND retired_at IS NULL';
  if (db.run(sql, at, user_id) === 0) return;
  db.run('INSERT OR IGNORE INTO departures (user_id) VALUES (?)', user_id);
  rooms.forgetUser(user_id);
}

/** What the writer does with users who are retired. */
export function retirementWrites(db: Database, rooms: RoomState) {
  const { depart } = memberships(db, rooms);

  /** The next room that the user must leave. */
  function next(user_id: string): string | undefined {
    const sql = `SELECT m.room_id FROM departures d JOIN members m ON m.user_id = d.user_id
      WHERE d.user_id = ? ORDER BY m.room_id LIMIT 1`;
    return db.get<{ room_id: string }>(sql, user_id)?.room_id;
  }

  return {
    /** Leaves one room; false when there was none left. */
    depart({ user_id, message_id, at }: { user_id: string; message_id: string; at: number }): Written<boolean> {
      const room_id = next(user_id);
      if (room_id === undefined) {
        db.run('DELETE FROM departures WHERE user_id = ?', user_id);
        return { value: false, entries: [] };
      }
      const room = rooms.room(room_id);
      if (room === undefined) throw new Error(`There are members of a room that there is none of: ${room_id}`);
      const entries: LogEntry[] = [depart(room, { room_id, user_id, message_id, at })];
      return { value: true, entries };
    },
  };
}

/** What the reader does with users who are retired. */
export function retirementReads(db: Database) {
  return {
    departing({ limit }: { limit: number }): string[] {
      return db
        .all<{ user_id: string }>('SELECT user_id FROM departures ORDER BY user_id LIMIT ?', limit)
        .map(({ user_id }) => user_id);
    },
  };
}
