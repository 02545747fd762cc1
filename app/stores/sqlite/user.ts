import { Refusal } from '../../models/refusal.ts';
import { foldCase } from '../../models/text.ts';
import { freeNameLike, isReserved, SEEN_STEP_MS, type StoredUser } from '../../models/user.ts';
import type { LastSeen, NewUser, SessionInput, SessionSnapshot, TokenIdentity } from '../user-store.ts';
import type { Database } from './database.ts';
import type { Written } from './message.ts';
import { retire, revokeAll } from './retirement.ts';
import type { RoomCache } from './room-cache.ts';
import { roomsAtSignIn } from './room-list.ts';
import { ACCOUNT_COLUMNS, type AccountRow, toUser } from './rows.ts';

/** Servers read notices within a second. */
const NOTICES_KEPT = 10_000;

/** What the writer does with users and their tokens. */
export function userWrites(db: Database, rooms: RoomCache) {
  return {
    createUser({ id, username, at, seen_at = at }: NewUser): Written<StoredUser> {
      const name_key = foldCase(username);
      const columns = 'id, username, name_key, generation, created_at, connected_at, last_activity, seen_at';
      const sql = `INSERT INTO users (${columns}) VALUES (?, ?, ?, 0, ?, ?, ?, ?) ON CONFLICT (name_key) DO NOTHING`;
      if (isReserved(name_key) || db.run(sql, id, username, name_key, at, at, at, seen_at) === 0)
        throw new Refusal('USERNAME_TAKEN', { field: 'username' });
      return { value: toUser({ id, username, connected_at: at, last_activity: at }), entries: [] };
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

    freeNameLike(username: string): string | undefined {
      const sql = 'SELECT 1 FROM users WHERE name_key = ?';
      return freeNameLike(username, (name_key) => db.get(sql, name_key) === undefined);
    },

    session({ user_id, token, mine }: SessionInput): SessionSnapshot {
      const sql = `SELECT ${ACCOUNT_COLUMNS}, u.generation FROM users u WHERE u.id = ?`;
      const row = db.get<AccountRow & { generation: number }>(sql, user_id);
      if (row?.retired_at !== null || (token !== undefined && revoked(token, row.generation))) {
        return { user: undefined, generation: 0, memberships: [], rooms: { items: [], next: null }, visible: null };
      }
      return {
        user: toUser(row),
        generation: row.generation,
        ...roomsAtSignIn(db, user_id, mine),
      };
    },
  };
}
