-- compatible from 10
-- What two engines can share: messages are found by their number among those that were changed or those that were not,
-- by a column instead of by indexes with conditions of their own; numbers are counted in rows; walks go by ids.
ALTER TABLE messages ADD COLUMN changed INTEGER NOT NULL DEFAULT 0 CHECK (changed IN (0, 1)); -- 0 while rev is seq
UPDATE messages SET changed = 1 WHERE rev <> seq;
DROP INDEX messages_unchanged;
DROP INDEX messages_by_change;
DROP INDEX messages_changed;
CREATE UNIQUE INDEX messages_by_rev ON messages (room_id, changed, rev);
CREATE UNIQUE INDEX messages_changed ON messages (room_id, seq) WHERE changed = 1;

CREATE TABLE counters (                -- numbers that are counted up, and names for what one call at a time may do
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counters
  SELECT 'notices', max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'notices'), 0),
                        coalesce((SELECT max(number) FROM notices), 0));
INSERT INTO counters VALUES
  ('erasures', 0),
  ('probe', coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'probed_at'), 0));
DELETE FROM meta WHERE key = 'probed_at';

CREATE TABLE notices_anew (            -- what servers must hear of that is in no room's log
  number INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('token_revoked', 'tokens_revoked', 'room_deleted')),
  subject TEXT NOT NULL,               -- the id of the user or the room
  token_id TEXT,                       -- of token_revoked
  generation INTEGER                   -- of tokens_revoked: tokens up to this one
) STRICT;
INSERT INTO notices_anew SELECT number, kind, subject, token_id, generation FROM notices;
DROP TABLE notices;
ALTER TABLE notices_anew RENAME TO notices;

CREATE TABLE erasures_anew (           -- rooms that were deleted and users who were erased, until all of it is done
  kind TEXT NOT NULL CHECK (kind IN ('room', 'user')),
  subject TEXT NOT NULL,               -- the id of the room or the user
  begun_at INTEGER NOT NULL,
  reached INTEGER NOT NULL,            -- how many rows are done
  total INTEGER NOT NULL,              -- about as much as `reached` has to become
  position TEXT NOT NULL,              -- of a user: the id of the last message that was looked at
  PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;
-- Users were erased in another order: what is under way begins again, and finds done what is.
INSERT INTO erasures_anew
  SELECT kind, subject, begun_at, CASE kind WHEN 'room' THEN reached ELSE 0 END,
         CASE kind WHEN 'room' THEN total ELSE (SELECT count(*) FROM messages) END, ''
  FROM erasures;
DROP TABLE erasures;
ALTER TABLE erasures_anew RENAME TO erasures;
CREATE INDEX erasures_by_age ON erasures (begun_at, subject);
