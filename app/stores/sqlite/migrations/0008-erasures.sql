-- Rooms and users are erased step by step. Deletions of rooms that were interrupted before this are taken up.
CREATE TABLE erasures (              -- rooms that were deleted and users who were erased, until all of it is done
  kind TEXT NOT NULL CHECK (kind IN ('room', 'user')),
  subject TEXT NOT NULL,             -- the id of the room or the user
  begun_at INTEGER NOT NULL,
  reached INTEGER NOT NULL,          -- of a room: rows removed; of a user: messages up to this row are done
  total INTEGER NOT NULL,            -- about as much as `reached` has to become
  PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX erasures_by_age ON erasures (begun_at, subject);
INSERT INTO erasures
  SELECT 'room', room_id, 0, 0, 0
  FROM (SELECT room_id FROM messages WHERE rev = seq UNION SELECT room_id FROM messages WHERE rev <> seq)
  WHERE room_id NOT IN (SELECT id FROM rooms);
