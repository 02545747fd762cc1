/** What a server listens to, and tools tell it of their commits. */
export const CHANNEL = 'sohbet';

/** Raises the row of a process to the number of its transaction. */
export const RAISE_LANE = `INSERT INTO lanes (id, batch) VALUES ($1::text, $2::bigint)
  ON CONFLICT (id) DO UPDATE SET batch = excluded.batch, raised_at = excluded.raised_at`;

/**
 * The newest transaction of a process that was committed. Waits for the end of one that is under way on a connection that
 * was lost, so the answer is never too early.
 */
export const SETTLE_LANE = 'SELECT batch FROM lanes WHERE id = $1::text FOR UPDATE';

/** Ends what else goes by the name of this connection: what is left of one that was lost. */
export const END_OTHERS = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid() AND datname = current_database()`;

/** Forgets processes that have written nothing for a day. A lost connection is settled in less. */
export const FORGET_LANES = "DELETE FROM lanes WHERE raised_at < now() - interval '1 day'";

/** Grows whenever another process has written. */
export const OTHERS_WRITES = 'SELECT COALESCE(sum(batch), 0) AS batches FROM lanes WHERE id <> $1::text';
