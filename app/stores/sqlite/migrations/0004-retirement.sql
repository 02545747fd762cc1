-- Who signed out before this has left a ghost: a guest has one token, so it can never come back.
ALTER TABLE users ADD COLUMN retired_at INTEGER;   -- since then the user can never come back
CREATE TABLE departures (            -- retired users who have not left all of their rooms yet
  user_id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
UPDATE users SET retired_at = last_activity, name_key = NULL
  WHERE generation > 0 OR id IN (SELECT subject FROM notices WHERE kind = 'token_revoked');
INSERT INTO departures SELECT id FROM users WHERE retired_at IS NOT NULL;
