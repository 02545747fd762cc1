/**
 * What people write by hand: one prepared INSERT a message, committed before it is delivered, in the file that
 * SQLITE_FILE names. WAL and `synchronous=FULL`, as Sohbet has them. The number of a message is its id.
 */
import { DatabaseSync } from 'node:sqlite';
import { serve } from './serve.ts';

const database = new DatabaseSync(process.env['SQLITE_FILE'] ?? ':memory:');
database.exec(`
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE messages (
    id INTEGER PRIMARY KEY, room_id TEXT NOT NULL, user_id TEXT NOT NULL, username TEXT NOT NULL, content TEXT NOT NULL,
    timestamp TEXT NOT NULL
  );
  CREATE INDEX messages_by_room ON messages (room_id, id);
`);
const insert = database.prepare(
  'INSERT INTO messages (room_id, user_id, username, content, timestamp) VALUES (?, ?, ?, ?, ?)',
);

serve(({ room_id, user_id, username, content, timestamp }) => {
  const { lastInsertRowid } = insert.run(room_id, user_id, username, content, timestamp);
  return { id: String(lastInsertRowid), seq: Number(lastInsertRowid) };
});
