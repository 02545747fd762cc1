-- compatible from 1
-- Ids and keys are compared byte by byte ("C"), as JavaScript and SQLite do. Times are milliseconds since 1970.

CREATE TABLE users (
  id TEXT COLLATE "C" PRIMARY KEY,
  username TEXT COLLATE "C" NOT NULL,
  name_key TEXT COLLATE "C" UNIQUE,      -- null when the user holds no name
  generation BIGINT NOT NULL,            -- tokens of an older one are revoked
  created_at BIGINT NOT NULL,
  connected_at BIGINT NOT NULL,
  last_activity BIGINT NOT NULL,
  retired_at BIGINT,                     -- since then the user can never come back
  seen_at BIGINT NOT NULL                -- when the user was last online, to some hours
) WITH (fillfactor = 80);
CREATE INDEX users_by_last_seen ON users (seen_at) WHERE retired_at IS NULL;

CREATE TABLE revoked_tokens (
  token_id TEXT COLLATE "C" PRIMARY KEY,
  expires_at BIGINT NOT NULL
);
CREATE INDEX revoked_tokens_by_expiry ON revoked_tokens (expires_at);

CREATE TABLE departures (                -- retired users who have not left all of their rooms yet
  user_id TEXT COLLATE "C" PRIMARY KEY
);

CREATE TABLE counters (                  -- numbers that are counted up, and names for what one call at a time may do
  name TEXT COLLATE "C" PRIMARY KEY,
  value BIGINT NOT NULL
) WITH (fillfactor = 10);
INSERT INTO counters VALUES ('notices', 0), ('erasures', 0), ('probe', 0);

CREATE TABLE notices (                   -- what servers must hear of that is in no room's log
  number BIGINT PRIMARY KEY,
  kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('token_revoked', 'tokens_revoked', 'room_deleted')),
  subject TEXT COLLATE "C" NOT NULL,     -- the id of the user or the room
  token_id TEXT COLLATE "C",             -- of token_revoked
  generation BIGINT                      -- of tokens_revoked: tokens up to this one
);

-- Each message raises `seq`, which stands in no index: the row is changed in its own page, which has room for that.
CREATE TABLE rooms (
  id TEXT COLLATE "C" PRIMARY KEY,
  name TEXT COLLATE "C" NOT NULL,
  name_key TEXT COLLATE "C" NOT NULL,
  type TEXT COLLATE "C" NOT NULL CHECK (type IN ('public', 'private')),
  password_hash TEXT COLLATE "C",
  created_by TEXT COLLATE "C" NOT NULL,
  owner_id TEXT COLLATE "C",
  created_at BIGINT NOT NULL,
  active_at BIGINT NOT NULL,
  seq BIGINT NOT NULL,                   -- the number of the newest entry of the log
  user_count BIGINT NOT NULL,
  client_id TEXT COLLATE "C",
  listed_at BIGINT CHECK (listed_at IS NOT DISTINCT FROM
    CASE WHEN type = 'public' THEN active_at WHEN password_hash IS NOT NULL THEN active_at - active_at % 86400000 END)
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX rooms_by_client_id ON rooms (created_by, client_id) WHERE client_id IS NOT NULL;
CREATE INDEX rooms_listed ON rooms (listed_at DESC, id DESC, name_key) WHERE listed_at IS NOT NULL;

CREATE TABLE members (
  room_id TEXT COLLATE "C" NOT NULL,
  user_id TEXT COLLATE "C" NOT NULL,
  joined_seq BIGINT NOT NULL,            -- the entry that made the user a member
  PRIMARY KEY (room_id, user_id)
);
CREATE UNIQUE INDEX members_by_seniority ON members (room_id, joined_seq);
CREATE INDEX members_by_user ON members (user_id, room_id);

-- Those that were changed stand apart from the others, so that a read passes over nothing.
CREATE TABLE messages (
  id TEXT COLLATE "C" NOT NULL UNIQUE,
  room_id TEXT COLLATE "C" NOT NULL,
  changed BIGINT NOT NULL CHECK (changed = CASE WHEN rev = seq THEN 0 ELSE 1 END),
  seq BIGINT NOT NULL,                   -- its place
  rev BIGINT NOT NULL,                   -- the number of its newest change
  user_id TEXT COLLATE "C" NOT NULL,
  username TEXT COLLATE "C" NOT NULL,
  content TEXT COLLATE "C" NOT NULL,
  timestamp BIGINT NOT NULL,
  system TEXT COLLATE "C",               -- JSON
  edited_at BIGINT,
  deleted_at BIGINT,
  client_id TEXT COLLATE "C",
  PRIMARY KEY (room_id, changed, rev)
);
CREATE UNIQUE INDEX messages_changed ON messages (room_id, seq) WHERE changed = 1;
CREATE UNIQUE INDEX messages_by_client_id ON messages (room_id, user_id, client_id) WHERE client_id IS NOT NULL;

CREATE TABLE erasures (                  -- rooms that were deleted and users who were erased, until all of it is done
  kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('room', 'user')),
  subject TEXT COLLATE "C" NOT NULL,     -- the id of the room or the user
  begun_at BIGINT NOT NULL,
  reached BIGINT NOT NULL,               -- how many rows are done
  total BIGINT NOT NULL,                 -- about as much as `reached` has to become
  position TEXT COLLATE "C" NOT NULL,    -- of a user: the id of the last message that was looked at
  PRIMARY KEY (kind, subject)
);
CREATE INDEX erasures_by_age ON erasures (begun_at, subject);

-- One row for each process that writes, raised in each of its transactions: after a lost connection it tells whether the
-- last one was committed.
CREATE TABLE lanes (
  id TEXT COLLATE "C" PRIMARY KEY,
  batch BIGINT NOT NULL,
  raised_at TIMESTAMPTZ NOT NULL DEFAULT now()
) WITH (fillfactor = 10);
