import { randomBytes } from 'node:crypto';
import { foldCase } from '../../models/text.ts';
import type { Database } from './database.ts';
import { giveNames } from './user.ts';

/** One step of the schema: statements, or what runs them. */
type Step = string | ((db: Database) => void);

/**
 * The schema, one step a version; a step that has shipped never changes. `PRAGMA user_version` holds how many are done.
 * Times are milliseconds since 1970.
 */
export const MIGRATIONS: readonly Step[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE users (
    id TEXT PRIMARY KEY,
    username TEXT NOT NULL,
    name_key TEXT UNIQUE,              -- null when someone else has taken the name
    generation INTEGER NOT NULL,       -- tokens of an older one are revoked
    created_at INTEGER NOT NULL,
    connected_at INTEGER NOT NULL,
    last_activity INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE revoked_tokens (
    token_id TEXT PRIMARY KEY,
    expires_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX revoked_tokens_by_expiry ON revoked_tokens (expires_at);

  CREATE TABLE notices (               -- what servers must hear of that is in no room's log
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('token_revoked', 'tokens_revoked', 'room_deleted')),
    subject TEXT NOT NULL,             -- the id of the user or the room
    token_id TEXT,                     -- of token_revoked
    generation INTEGER                 -- of tokens_revoked: tokens up to this one
  ) STRICT;

  CREATE TABLE rooms (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    type TEXT NOT NULL CHECK (type IN ('public', 'private')),
    password_hash TEXT,
    created_by TEXT NOT NULL,
    owner_id TEXT,
    created_at INTEGER NOT NULL,
    active_at INTEGER NOT NULL,
    seq INTEGER NOT NULL,              -- the number of the newest entry of the log
    user_count INTEGER NOT NULL,
    client_id TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX rooms_by_activity ON rooms (active_at DESC, id DESC);
  CREATE UNIQUE INDEX rooms_by_client_id ON rooms (created_by, client_id) WHERE client_id IS NOT NULL;

  CREATE TABLE members (
    room_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    joined_seq INTEGER NOT NULL,       -- the entry that made the user a member
    PRIMARY KEY (room_id, user_id)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX members_by_seniority ON members (room_id, joined_seq);
  CREATE INDEX members_by_user ON members (user_id, room_id);

  CREATE TABLE messages (
    id TEXT NOT NULL UNIQUE,
    room_id TEXT NOT NULL,
    seq INTEGER NOT NULL,              -- its place
    rev INTEGER NOT NULL,              -- the number of its newest change
    user_id TEXT NOT NULL,
    username TEXT NOT NULL,
    content TEXT NOT NULL,
    timestamp INTEGER NOT NULL,
    system TEXT,                       -- JSON
    edited_at INTEGER,
    deleted_at INTEGER,
    client_id TEXT
  ) STRICT;
  CREATE UNIQUE INDEX messages_by_seq ON messages (room_id, seq);
  CREATE UNIQUE INDEX messages_by_change ON messages (room_id, rev) WHERE rev <> seq;
  CREATE UNIQUE INDEX messages_by_client_id ON messages (room_id, user_id, client_id) WHERE client_id IS NOT NULL;
  `,
  // A room with members has an owner: those without one pass to their longest-standing member, by an entry of their log.
  `
  CREATE TEMP TABLE heirs AS
    SELECT r.id AS room_id, r.seq + 1 AS seq, CAST(unixepoch('subsec') * 1000 AS INTEGER) AS at, u.id AS user_id, u.username,
           lower(hex(randomblob(16))) AS random
    FROM rooms r JOIN members m ON m.room_id = r.id JOIN users u ON u.id = m.user_id
    WHERE r.owner_id IS NULL AND m.joined_seq = (SELECT min(joined_seq) FROM members WHERE room_id = r.id);
  INSERT INTO messages (id, room_id, seq, rev, user_id, username, content, timestamp, system)
    SELECT printf('%s-%s-7%s-8%s-%s', substr(printf('%012x', at), 1, 8), substr(printf('%012x', at), 9),
                  substr(random, 1, 3), substr(random, 4, 3), substr(random, 7, 12)),
           room_id, seq, seq, user_id, username, username || ' owns the room now', at,
           json_object('type', 'role_changed', 'role', 'owner', 'user_id', user_id, 'username', username, 'by', NULL)
    FROM heirs;
  UPDATE rooms SET owner_id = heirs.user_id, seq = heirs.seq FROM heirs WHERE rooms.id = heirs.room_id;
  DROP TABLE heirs;
  `,
  // Names are compared without what is not shown. Of names that have become the same, one has the key; all stay valid.
  `
  UPDATE OR IGNORE users SET name_key = fold_case(username) WHERE name_key <> fold_case(username);
  UPDATE rooms SET name_key = fold_case(name) WHERE name_key <> fold_case(name);
  `,
  // Who signed out before this has left a ghost: a guest has one token, so it can never come back.
  `
  ALTER TABLE users ADD COLUMN retired_at INTEGER;   -- since then the user can never come back
  CREATE TABLE departures (            -- retired users who have not left all of their rooms yet
    user_id TEXT PRIMARY KEY
  ) STRICT, WITHOUT ROWID;
  UPDATE users SET retired_at = last_activity, name_key = NULL
    WHERE generation > 0 OR id IN (SELECT subject FROM notices WHERE kind = 'token_revoked');
  INSERT INTO departures SELECT id FROM users WHERE retired_at IS NOT NULL;
  `,
  // What changed is read from indexes that hold nothing else: of a room whose messages have all been edited, the one by
  // place was walked from end to end in search of one that had not.
  `
  DROP INDEX messages_by_seq;
  CREATE UNIQUE INDEX messages_unchanged ON messages (room_id, seq) WHERE rev = seq;
  CREATE UNIQUE INDEX messages_changed ON messages (room_id, seq) WHERE rev <> seq;
  `,
  // What is listed to all stands in an index of its own, with what a search looks at. `listed_at` is what the place in it
  // goes by: `listedAt` of models/room.ts. A column with a check cannot be added to a table, so the table is made anew.
  `
  CREATE TABLE rooms_anew (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    type TEXT NOT NULL CHECK (type IN ('public', 'private')),
    password_hash TEXT,
    created_by TEXT NOT NULL,
    owner_id TEXT,
    created_at INTEGER NOT NULL,
    active_at INTEGER NOT NULL,
    seq INTEGER NOT NULL,              -- the number of the newest entry of the log
    user_count INTEGER NOT NULL,
    client_id TEXT,
    listed_at INTEGER CHECK (listed_at IS
      CASE WHEN type = 'public' THEN active_at WHEN password_hash IS NOT NULL THEN active_at - active_at % 86400000 END)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO rooms_anew
    SELECT id, name, name_key, type, password_hash, created_by, owner_id, created_at, active_at, seq, user_count, client_id,
      CASE WHEN type = 'public' THEN active_at WHEN password_hash IS NOT NULL THEN active_at - active_at % 86400000 END
    FROM rooms;
  DROP TABLE rooms;
  ALTER TABLE rooms_anew RENAME TO rooms;
  CREATE UNIQUE INDEX rooms_by_client_id ON rooms (created_by, client_id) WHERE client_id IS NOT NULL;
  CREATE INDEX rooms_listed ON rooms (listed_at DESC, id DESC, name_key) WHERE listed_at IS NOT NULL;
  `,
  // Guests who are not seen for long are retired.
  `
  ALTER TABLE users ADD COLUMN seen_at INTEGER NOT NULL DEFAULT 0; -- when the user was last online, to some hours
  UPDATE users SET seen_at = max(connected_at, last_activity);
  CREATE INDEX users_by_last_seen ON users (seen_at) WHERE retired_at IS NULL;
  `,
  // Rooms and users are erased step by step. Deletions of rooms that were interrupted before this are taken up.
  `
  CREATE TABLE erasures (              -- rooms that were deleted and users who were erased, until all of it is done
    kind TEXT NOT NULL CHECK (kind IN ('room', 'user')),
    subject TEXT NOT NULL,             -- the id of the room or the user
    begun_at INTEGER NOT NULL,
    reached INTEGER NOT NULL,          -- of a room: rows removed; of a user: messages up to this row are done
    total INTEGER NOT NULL,            -- about as much as \`reached\` has to become
    PRIMARY KEY (kind, subject)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX erasures_by_age ON erasures (begun_at, subject);
  INSERT INTO erasures
    SELECT 'room', room_id, 0, 0, 0
    FROM (SELECT room_id FROM messages WHERE rev = seq UNION SELECT room_id FROM messages WHERE rev <> seq)
    WHERE room_id NOT IN (SELECT id FROM rooms);
  `,
  // Before this a guest's name could be taken by others while the guest was away.
  giveNames,
];

/**
 * Brings the database to the newest schema, or to an older one that has only so many `steps`; a new one gets its epoch.
 * @returns the epoch
 * @throws Error when the file was written by a newer version of this program
 */
export function migrate(db: Database, steps = MIGRATIONS): string {
  const done = db.get<{ user_version: number }>('PRAGMA user_version')?.user_version ?? 0;
  if (done > steps.length) {
    const known = `this one knows ${steps.length}: start the newer one, or restore a backup of before`;
    throw new Error(`It has schema ${done}, made by a newer version; ${known}`);
  }
  db.addFunction('fold_case', foldCase);
  for (const [i, step] of steps.entries()) {
    if (i < done) continue;
    db.transaction('IMMEDIATE', () => {
      if (typeof step === 'string') db.exec(step);
      else step(db);
      db.exec(`PRAGMA user_version = ${i + 1}`);
    });
  }
  const epoch = db.get<{ value: string }>("SELECT value FROM meta WHERE key = 'epoch'")?.value;
  // Nothing is written where nothing has to be: a full disk can still be read.
  return epoch ?? newEpoch(db);
}

function newEpoch(db: Database): string {
  const epoch = randomBytes(16).toString('hex');
  db.run("INSERT INTO meta (key, value) VALUES ('epoch', ?)", epoch);
  return epoch;
}
