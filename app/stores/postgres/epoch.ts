import { createHash } from 'node:crypto';
import type { Connection } from './connection.ts';

/**
 * What the history of a database goes by: the number that its first start gave it, its timeline, which a failover to a
 * standby and a restore of a backup of the cluster begin anew, and the table and the cluster that it lies in, which a
 * restore of a dump makes anew. Not the checkpoint's timeline, which comes late.
 */
const EPOCH = `SELECT value, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS timeline,
    'meta'::regclass::oid::bigint AS place, (SELECT system_identifier::text FROM pg_control_system()) AS cluster
  FROM meta WHERE key = 'epoch'`;

/**
 * Identifies the history of a database that has its tables.
 * @throws what the database throws, such as when it is a standby, which has no history of its own
 */
export async function readEpoch(connection: Connection): Promise<string> {
  const [row] = await connection.rows<Record<string, unknown>>({ name: '', text: EPOCH }, []);
  if (row === undefined) throw new Error('The database has no epoch: it was not made by this program.');
  return createHash('sha256').update(JSON.stringify(row)).digest('hex').slice(0, 32);
}
