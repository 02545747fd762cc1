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
