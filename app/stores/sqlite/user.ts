import { Refusal } from '../../models/refusal.ts';
import { foldCase } from '../../models/text.ts';
import { ERASED_USERNAME, mayTakeName, type NameHolder, SEEN_STEP_MS, type StoredUser } from '../../models/user.ts';
import type { LastSeen, SessionSnapshot, TokenIdentity } from '../store.ts';
import type { Database } from './database.ts';
import type { Written } from './message.ts';
import { retire, revokeAll } from './retirement.ts';
import type { RoomCache } from './room-cache.ts';
import { roomsAtSignIn } from './room-list.ts';
import { NAMED_COLUMNS, type NamedRow, toUser } from './rows.ts';

const USER_BY_ID = `SELECT ${NAMED_COLUMNS} FROM users u WHERE u.id = ?`;

/** Servers read notices within a second. */
const NOTICES_KEPT = 10_000;

/** What the writer does with users and their tokens. */
export function userWrites(db: Database, rooms: RoomCache) {
  function holder(name_key: string): NameHolder | undefined {
    const row = db.get<{ id: string; has_company: number }>(
      `SELECT u.id, EXISTS (SELECT 1 FROM members m JOIN rooms r ON r.id = m.room_id
                            WHERE m.user_id = u.id AND r.user_count > 1) AS has_company
       FROM users u WHERE u.name_key = ?`,
      name_key,
    );
    return row && { id: row.id, has_company: row.has_company === 1 };
  }

  return {
    createUser(input: {
      id: string;
      username: string;
      absent_holder: string | null;
      at: number;
      seen_at?: number;
    }): Written<StoredUser> {
      const { id, username, at, seen_at = at } = input;
      const name_key = foldCase(username);
      if (name_key === foldCase(ERASED_USERNAME) || !mayTakeName(holder(name_key), input.absent_holder))
        throw new Refusal('USERNAME_TAKEN', { field: 'username' });
      db.run('UPDATE users SET name_key = NULL WHERE name_key = ?', name_key);
      const columns = 'id, username, name_key, generation, created_at, connected_at, last_activity, seen_at';
      db.run(
        `INSERT INTO users (${columns}) VALUES (?, ?, ?, 0, ?, ?, ?, ?)`,
        id,
        username,
        name_key,
        at,
        at,
        at,
        seen_at,
      );
      return { value: toUser({ id, username, connected_at: at, last_activity: at }), entries: [] };
    },

    renameUser({ id, candidates }: { id: string; candidates: readonly string[] }): Written<StoredUser> {
      const row = db.get<NamedRow>(USER_BY_ID, id);
      if (row === undefined || row.retired_at !== null) throw new Refusal('INVALID_TOKEN', { field: 'token' });
      if (row.name_key !== null) return { value: toUser(row), entries: [] };
      const free = candidates.find((name) => holder(foldCase(name)) === undefined);
      if (free === undefined) throw new Refusal('USERNAME_TAKEN', { field: 'username' });
      db.run('UPDATE users SET username = ?, name_key = ? WHERE id = ?', free, foldCase(free), id);
      return { value: toUser({ ...row, username: free }), entries: [] };
    },

    /** Answers whether the user can never come back, as a guest: it has this one token and nothing else to sign in with. */
    revokeTokens(input: {
      user_id: string;
      token_id: string | null;
      expires_at: number;
      at: number;
    }): Written<{ retired: boolean }> {
      retire(db, rooms, input);
      if (input.token_id === null) revokeAll(db, input.user_id);
      else revokeOne(db, { ...input, token_id: input.token_id });
      db.run('DELETE FROM notices WHERE number <= (SELECT max(number) FROM notices) - ?', NOTICES_KEPT);
      return { value: { retired: true }, entries: [] };
    },

    /** Those that have expired mean nothing any more. */
    forgetRevoked({ expired_before }: { expired_before: number }): Written<null> {
      db.run('DELETE FROM revoked_tokens WHERE expires_at < ?', expired_before);
      return { value: null, entries: [] };
    },

    touchUsers({ users, at }: { users: readonly LastSeen[]; at: number }): Written<null> {
      for (const { id, connected_at, last_activity } of users) {
        db.run('UPDATE users SET connected_at = ?, last_activity = ? WHERE id = ?', connected_at, last_activity, id);
        // Seldom, since it stands in an index.
        db.run('UPDATE users SET seen_at = ? WHERE id = ? AND seen_at < ?', at, id, at - SEEN_STEP_MS);
      }
      return { value: null, entries: [] };
    },
  };
}

function revokeOne(db: Database, token: { user_id: string; token_id: string; expires_at: number }): void {
  const { user_id, token_id, expires_at } = token;
  db.run('INSERT OR IGNORE INTO revoked_tokens VALUES (?, ?)', token_id, expires_at);
  db.run("INSERT INTO notices (kind, subject, token_id) VALUES ('token_revoked', ?, ?)", user_id, token_id);
}

/** What the reader does with users and their tokens. */
export function userReads(db: Database) {
  const revoked = (token: TokenIdentity, generation: number) =>
    token.generation !== generation ||
    db.get('SELECT 1 FROM revoked_tokens WHERE token_id = ?', token.token_id) !== undefined;

  return {
    newestSeen(): number {
      return db.get<{ at: number | null }>('SELECT max(seen_at) AS at FROM users WHERE retired_at IS NULL')?.at ?? 0;
    },

    holderOf(username: string): string | undefined {
      return db.get<{ id: string }>('SELECT id FROM users WHERE name_key = ?', foldCase(username))?.id;
    },

    session({ user_id, token }: { user_id: string; token: TokenIdentity | undefined }): SessionSnapshot {
      const sql = `SELECT ${NAMED_COLUMNS}, u.generation FROM users u WHERE u.id = ?`;
      const row = db.get<NamedRow & { generation: number }>(sql, user_id);
      if (row?.retired_at !== null || (token !== undefined && revoked(token, row.generation))) {
        const none = { items: [], next: null };
        return { user: undefined, has_name: false, generation: 0, memberships: [], rooms: none, visible: none };
      }
      return {
        user: toUser(row),
        has_name: row.name_key !== null,
        generation: row.generation,
        ...roomsAtSignIn(db, user_id),
      };
    },
  };
}
