/**
 * What people write by hand: one named INSERT a message over a pool, committed before it is delivered, in the database
 * that POSTGRES_URL names. The pool is as large as `pg` makes it by itself. The number of a message is its id.
 */
import { Pool } from 'pg';
import { serve } from './serve.ts';

const pool = new Pool({ connectionString: process.env['POSTGRES_URL'] });
await pool.query(`
  CREATE TABLE messages (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, room_id uuid NOT NULL, user_id uuid NOT NULL,
    username text NOT NULL, content text NOT NULL, timestamp timestamptz NOT NULL
  );
  CREATE INDEX messages_by_room ON messages (room_id, id);
`);
const insert = {
  name: 'insert message',
  text: `INSERT INTO messages (room_id, user_id, username, content, timestamp) VALUES ($1, $2, $3, $4, $5) RETURNING id`,
};

serve(async ({ room_id, user_id, username, content, timestamp }) => {
  const { rows } = await pool.query<{ id: string }>({
    ...insert,
    values: [room_id, user_id, username, content, timestamp],
  });
  const id = rows[0]?.id ?? '';
  return { id, seq: Number(id) };
});
