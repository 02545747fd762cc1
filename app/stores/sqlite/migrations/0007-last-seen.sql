-- Guests who are not seen for long are retired.
ALTER TABLE users ADD COLUMN seen_at INTEGER NOT NULL DEFAULT 0; -- when the user was last online, to some hours
UPDATE users SET seen_at = max(connected_at, last_activity);
CREATE INDEX users_by_last_seen ON users (seen_at) WHERE retired_at IS NULL;
