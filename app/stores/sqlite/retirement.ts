import type { Database } from './database.ts';
import { memberships } from './membership.ts';
import type { Written } from './message.ts';
import type { RoomCache } from './room-cache.ts';

/**
 * Retires a user: from here on it can never come back, its name is free, and it is a member of nothing as far as any
 * rule looks. Its rooms are left one by one, each in a transaction of its own. Who is retired stays so.
 */
export function retire(db: Database, rooms: RoomCache, { user_id, at }: { user_id: string; at: number }): void {
  const sql = 'UPDATE users SET retired_at = ?, name_key = NULL WHERE id = ? AND retired_at IS NULL';
  if (db.run(sql, at, user_id) === 0) return;
  db.run('INSERT OR IGNORE INTO departures (user_id) VALUES (?)', user_id);
  rooms.forgetUser(user_id);
}

/** Revokes every token of a user so far, by raising its generation. */
export function revokeAll(db: Database, user_id: string): void {
  db.run('UPDATE users SET generation = generation + 1 WHERE id = ?', user_id);
  db.run(
    `INSERT INTO notices (kind, subject, generation)
     SELECT 'tokens_revoked', id, generation - 1 FROM users WHERE id = ?`,
    user_id,
  );
}

/** What the writer does with users who are retired. */
export function retirementWrites(db: Database, rooms: RoomCache) {
  const { depart } = memberships(db, rooms);

  /** The next room that the user must leave. */
  function next(user_id: string): string | undefined {
    const sql = `SELECT m.room_id FROM departures d JOIN members m ON m.user_id = d.user_id
      WHERE d.user_id = ? ORDER BY m.room_id LIMIT 1`;
    return db.get<{ room_id: string }>(sql, user_id)?.room_id;
  }

  return {
    /** Retires a guest whom nobody has seen since then; false when somebody has, or it is retired already. */
    retireUnseen({
      user_id,
      unseen_since,
      at,
    }: {
      user_id: string;
      unseen_since: number;
      at: number;
    }): Written<boolean> {
      const sql = 'SELECT 1 FROM users WHERE id = ? AND seen_at < ? AND retired_at IS NULL';
      if (db.get(sql, user_id, unseen_since) === undefined) return { value: false, entries: [] };
      retire(db, rooms, { user_id, at });
      revokeAll(db, user_id);
      return { value: true, entries: [] };
    },

    /** Leaves one room; false when there was none left. */
    depart({ user_id, message_id, at }: { user_id: string; message_id: string; at: number }): Written<boolean> {
      const room_id = next(user_id);
      if (room_id === undefined) {
        db.run('DELETE FROM departures WHERE user_id = ?', user_id);
        return { value: false, entries: [] };
      }
      const room = rooms.room(room_id);
      if (room !== undefined) return { value: true, entries: [depart(room, { room_id, user_id, message_id, at })] };
      // What is left of a room that was deleted.
      db.run('DELETE FROM members WHERE room_id = ? AND user_id = ?', room_id, user_id);
      return { value: true, entries: [] };
    },
  };
}

/** What the reader does with users who are retired, or are to be. */
export function retirementReads(db: Database) {
  return {
    unseen({ before, limit }: { before: number; limit: number }): { id: string; username: string }[] {
      const sql = 'SELECT id, username FROM users WHERE retired_at IS NULL AND seen_at < ? ORDER BY seen_at LIMIT ?';
      return db.all<{ id: string; username: string }>(sql, before, limit);
    },

    departing({ after, limit }: { after: string; limit: number }): string[] {
      const sql = 'SELECT user_id FROM departures WHERE user_id > ? ORDER BY user_id LIMIT ?';
      return db.all<{ user_id: string }>(sql, after, limit).map(({ user_id }) => user_id);
    },
  };
}
