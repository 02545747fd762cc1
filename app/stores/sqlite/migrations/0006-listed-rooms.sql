-- What is listed to all stands in an index of its own, with what a search looks at. `listed_at` is what the place in it
-- goes by: `listedAt` of models/room.ts. A column with a check cannot be added to a table, so the table is made anew.
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
