import { createHash } from 'node:crypto';
import type { Connection } from './connection.ts';

/**
 * What the history of a database goes by: the number that it was given, and where that stands. A failover to a standby and
 * a restore of a backup of the cluster begin a new timeline (not the checkpoint's, which comes late); a restore of a dump
 * writes the row anew, by another transaction (`xmin`, which no VACUUM changes); a copy of the database has another `oid`.
 * `given_in` is where the number was given if it holds as it is there.
 */
const EPOCH = `SELECT value, (SELECT value FROM meta WHERE key = 'epoch_place') AS given_in,
    concat_ws(' ', substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), xmin,
      (SELECT oid FROM pg_database WHERE datname = current_database()),
      (SELECT system_identifier FROM pg_control_system())) AS place
  FROM meta WHERE key = 'epoch'`;

interface Epoch {
  readonly value: string;
  readonly given_in: string | null;
  readonly place: string;
}

/** Gives the history of a database an epoch, which holds until the database becomes another. */
const GIVE = `INSERT INTO meta VALUES ('epoch', $1) ON CONFLICT (key) DO UPDATE SET value = excluded.value`;
const GIVE_PLACE = `INSERT INTO meta VALUES ('epoch_place', $1) ON CONFLICT (key) DO UPDATE SET value = excluded.value`;

/**
 * Identifies the history of a database that has its tables.
 * @throws what the database throws, such as when it is a standby, which has no history of its own
 */
export async function readEpoch(connection: Connection): Promise<string> {
  const { value, given_in, place } = await read(connection);
  if (given_in === place) return value;
  return createHash('sha256').update(`${value} ${place}`).digest('hex').slice(0, 32);
}

/**
 * Has the history of a database go by an epoch for as long as it stays the same, as when it goes on with that of another
 * database. Call within a transaction.
 */
export async function giveEpoch(connection: Connection, epoch: string): Promise<void> {
  await connection.rows({ name: '', text: GIVE }, [epoch]);
  const { place } = await read(connection);
  await connection.rows({ name: '', text: GIVE_PLACE }, [place]);
}

async function read(connection: Connection): Promise<Epoch> {
  const [row] = await connection.rows<Epoch>({ name: '', text: EPOCH }, []);
  if (row === undefined) throw new Error('The database has no epoch: it was not made by this program.');
  return row;
}
