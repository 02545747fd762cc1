-- What changed is read from indexes that hold nothing else: of a room whose messages have all been edited, the one by
-- place was walked from end to end in search of one that had not.
DROP INDEX messages_by_seq;
CREATE UNIQUE INDEX messages_unchanged ON messages (room_id, seq) WHERE rev = seq;
CREATE UNIQUE INDEX messages_changed ON messages (room_id, seq) WHERE rev <> seq;
