-- Rows for a database that has been used for long, as far as plans go: more than LIMITS.search_rooms in each table that
-- grows. What the calls of every-call.ts name is there: ada is in the garden, where everybody talks.
INSERT INTO users (id, username, name_key, generation, created_at, connected_at, last_activity, seen_at, retired_at)
  SELECT id, id, CASE WHEN n % 100 = 0 THEN NULL ELSE id END, 0, 1, 1, 1, n, CASE WHEN n % 100 = 0 THEN 1 END
  FROM (SELECT n, CASE n WHEN 1 THEN 'ada' ELSE 'u' || n END AS id FROM generate_series(1, 8000) n) u;
INSERT INTO departures SELECT 'u' || n * 100 FROM generate_series(1, 10) n;
INSERT INTO revoked_tokens SELECT 't' || n, n FROM generate_series(1, 8000) n;
INSERT INTO notices SELECT n, 'tokens_revoked', 'u' || n, NULL, 1 FROM generate_series(1, 100) n;
UPDATE counters SET value = 100 WHERE name = 'notices';
INSERT INTO rooms (id, name, name_key, type, created_by, owner_id, created_at, active_at, seq, user_count, client_id, listed_at)
  SELECT CASE n WHEN 1 THEN 'garden' ELSE 'r' || n END, 'room ' || n, 'room ' || n, 'public', 'u' || n, 'u' || n, 1, n,
         CASE n WHEN 1 THEN 27000 ELSE 1 END, 1, 'c' || n, n
  FROM generate_series(1, 8000) n;
INSERT INTO members SELECT 'garden', CASE n WHEN 1 THEN 'ada' ELSE 'u' || n END, n FROM generate_series(1, 6000) n;
INSERT INTO members SELECT 'r' || n, CASE WHEN n <= 100 THEN 'ada' ELSE 'u' || n END, 1 FROM generate_series(2, 8000) n;
INSERT INTO messages (id, room_id, changed, seq, rev, user_id, username, content, timestamp, client_id)
  SELECT 'm' || n, 'garden', CASE n % 3 WHEN 0 THEN 1 ELSE 0 END, n, CASE n % 3 WHEN 0 THEN 20000 + n / 3 ELSE n END,
         'u' || n % 1000, 'u', 'hello', n, 'c' || n
  FROM generate_series(1, 20000) n;
INSERT INTO messages (id, room_id, changed, seq, rev, user_id, username, content, timestamp)
  SELECT 'n' || n, 'r' || n, 0, 1, 1, 'u' || n, 'u', 'hello', n FROM generate_series(2, 8000) n;
INSERT INTO erasures SELECT 'room', 'gone' || n, 1, 0, 1, '' FROM generate_series(1, 10) n;
