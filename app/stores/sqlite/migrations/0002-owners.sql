-- A room with members has an owner: those without one pass to their longest-standing member, by an entry of their log.
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
