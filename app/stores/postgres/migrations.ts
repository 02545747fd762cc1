import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { readSteps, refuseNewer, type Step } from '../steps.ts';
import type { Connection } from './connection.ts';

/** Not `to_regclass`, which may remember that there was none before the lock was had. */
const HAS_META = `SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = current_schema() AND c.relname = 'meta'`;

/**
 * Brings the schema that the connection works in to the newest, or to the one of a program that knows only so many steps,
 * in one transaction. Any number of programs may do it at once: one does it, and the others find it done. `schema` of
 * `meta` holds how many steps are done.
 * @throws Error when a newer version of this program made it so that this one cannot use it
 */
export async function migrate(connection: Connection, known = Number.POSITIVE_INFINITY): Promise<void> {
  const steps = readSteps(join(import.meta.dirname, 'migrations')).slice(0, known);
  // Nothing is locked or written where nothing has to be: that needs no right to make tables.
  if (await isDone(connection, steps)) return;
  // Of the transaction, not of the session, which a pooler would give to others.
  await connection.run(`BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = 0;
    SELECT pg_advisory_xact_lock(hashtext('sohbet migrations'), hashtext(current_schema()))`);
  try {
    if (!(await isDone(connection, steps))) await run(connection, steps);
    await connection.run('COMMIT');
  } catch (error) {
    if (connection.lost === null) await connection.run('ROLLBACK');
    throw error;
  }
}

/** @throws Error when the database is too new */
async function isDone(connection: Connection, steps: readonly Step[]): Promise<boolean> {
  const { schema, compatible_from } = await meta(connection);
  if (schema < steps.length) return false;
  refuseNewer({ done: schema, known: steps.length, compatibleFrom: compatible_from });
  return true;
}

async function run(connection: Connection, steps: readonly Step[]): Promise<void> {
  const { schema, compatible_from } = await meta(connection);
  if (schema === 0) {
    await connection.run('CREATE TABLE meta (key TEXT COLLATE "C" PRIMARY KEY, value TEXT COLLATE "C" NOT NULL)');
    await put(connection, 'epoch', randomBytes(16).toString('hex'));
  }
  const left = steps.slice(schema);
  for (const { sql } of left) if (sql !== null) await connection.run(sql);
  await put(connection, 'schema', String(steps.length));
  await put(
    connection,
    'compatible_from',
    String(Math.max(compatible_from ?? 0, ...left.map((step) => step.compatibleFrom))),
  );
}

/** How many steps are done, and the oldest schema whose program may run on it. */
async function meta(connection: Connection): Promise<{ schema: number; compatible_from: number | null }> {
  const found = await connection.rows({ name: '', text: HAS_META }, []);
  if (found.length === 0) return { schema: 0, compatible_from: null };
  const rows = await connection.rows<{ key: string; value: string }>(
    { name: '', text: 'SELECT key, value FROM meta' },
    [],
  );
  const values = new Map(rows.map(({ key, value }) => [key, value]));
  const compatible = values.get('compatible_from');
  return {
    schema: Number(values.get('schema')),
    compatible_from: compatible === undefined ? null : Number(compatible),
  };
}

async function put(connection: Connection, key: string, value: string): Promise<void> {
  const text = 'INSERT INTO meta VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value';
  await connection.rows({ name: '', text }, [key, value]);
}
