import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { Activity } from '../activity.ts';
import type { Call, Written } from '../engine.ts';
import { EngineFault, type StoreFault, UnheardFault, UnopenedError } from '../fault.ts';
import type { Wanted } from '../known-rows.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { readEpoch } from './epoch.ts';
import { engineFault, isRace, stateOf } from './faults.ts';
import { CHANNEL, END_OTHERS, FORGET_LANES, SETTLE_LANE } from './lanes.ts';
import { Link, Superseded } from './link.ts';
import { migrate } from './migrations.ts';
import type { Statements } from './statements.ts';
import { transact, Unheard } from './transact.ts';

/** What a writer is made with. */
export interface WriterOptions {
  readonly connection: Omit<ConnectionOptions, 'name'>;
  readonly statements: Statements;
  /** How long another server may take to end, in milliseconds; null: it may run on the database meanwhile. */
  readonly claimMs: number | null;
  /** Whether to tell a server of what is written, as what runs beside one does. */
  readonly notifies: boolean;
  readonly onLeftOut: (write: string, wanted: Wanted) => void;
  /** Told when another process may have written. */
  readonly onOutsideWrite: () => void;
  /** Told when the writer cannot go on for good. */
  readonly onEnd: (error: Error) => void;
}

/** A transaction of which is not known whether it was committed. */
interface Unsettled {
  readonly batch: number;
  readonly settle: (wasCommitted: boolean) => void;
  readonly giveUp: (error: Error) => void;
}

/** COMMIT returns when it is on disk, whatever the database is set to; what it is set to beyond that (standbys) stays. */
const DURABLE =
  "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/** As in `server_version_num`. */
const OLDEST = 140_000;

/** So often is a batch tried again that has lost a race. */
const TRIES = 2;

/** So long after one has waited for a lock in vain do batches take only what is free, in milliseconds. */
const HELD_MS = 5_000;

/** One server at a time has it, in one schema of a database. */
const CLAIM = `SELECT pg_try_advisory_lock(hashtext('sohbet server'), hashtext(current_schema())) AS got,
  current_database() AS name`;
/** How many servers have it: the view shows the two halves of its name as numbers without a sign. */
export const HAS_SERVER = `SELECT count(*) AS servers FROM pg_locks
  WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid::bigint = hashtext('sohbet server')::bigint & 4294967295
    AND objid::bigint = hashtext(current_schema())::bigint & 4294967295`;

/**
 * The connection that writes. It is one session, so that what guards the database (the claim of it, and what an earlier
 * connection has left undone) stands or falls with the writing itself.
 */
export class Writer {
  /** What the row in `lanes` and the connection go by. */
  readonly id = randomUUID();
  readonly #activity = new Activity();
  readonly #options: WriterOptions;
  readonly #link: Link;
  #batch = 0;
  /** Until when batches do not wait for what others have locked, by `performance.now()`. */
  #skipsUntil = 0;
  #epoch: string | null = null;
  #unsettled: Unsettled | null = null;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#link = new Link({
      open: () => this.#connect(),
      onEnd: (error) => {
        this.#unsettled?.giveUp(error);
        options.onEnd(error);
      },
    });
  }

  /** Connects, and brings the schema to the newest. @returns the epoch. @throws what the database throws, or why it may not */
  async start(): Promise<string> {
    await this.#link.start();
    return this.#epoch ?? '';
  }

  /** @throws EngineFault when nothing was stored, or is not known to be yet */
  async write(calls: readonly Call[]): Promise<Written> {
    const { statements, notifies, onLeftOut } = this.#options;
    let skipsLocked = performance.now() < this.#skipsUntil;
    for (let tries = 1; ; tries++) {
      const connection = this.#link.need();
      const lane = { id: this.id, batch: ++this.#batch };
      try {
        const activity = this.#activity;
        return await transact(connection, calls, { statements, lane, skipsLocked, notifies, activity, onLeftOut });
      } catch (error) {
        if (error instanceof Unheard) {
          const fault = this.#unheard(lane.batch, error);
          connection.destroy(error);
          throw fault;
        }
        if (connection.lost !== null) throw new EngineFault({ kind: 'away', text: String(error) }, { cause: error });
        const isLocked = stateOf(error) === '55P03';
        if (tries > TRIES || skipsLocked || !(isLocked || isRace(error))) throw engineFault(error);
        // One row that somebody holds shall not fail all, nor each batch that comes wait for it.
        skipsLocked = isLocked;
        if (isLocked) this.#skipsUntil = performance.now() + HELD_MS;
      }
    }
  }

  /** Gives the database up. */
  async close(): Promise<void> {
    this.#unsettled?.giveUp(new Error('The store was closed.'));
    await this.#link.close();
  }

  /** What is known of a transaction when the next connection is made. */
  #unheard(batch: number, { written, message }: Unheard): UnheardFault<Written> {
    const { promise, resolve, reject } = Promise.withResolvers<Written | null>();
    this.#unsettled = { batch, settle: (wasCommitted) => resolve(wasCommitted ? written : null), giveUp: reject };
    return new UnheardFault({ kind: 'away', text: message }, promise);
  }

  async #connect(): Promise<Connection> {
    const { connection: options, claimMs, onOutsideWrite } = this.#options;
    const connection = await Connection.open({ ...options, name: `sohbet writer ${this.id}` });
    try {
      await connection.run(DURABLE);
      const isFirst = this.#epoch === null;
      if (!isFirst) await this.#settle(connection);
      if (claimMs !== null) await claim(connection, { isFirst, claimMs });
      if (isFirst) await prepare(connection);
      const epoch = await readEpoch(connection);
      if (!isFirst && epoch !== this.#epoch)
        throw new Superseded('The database has gone over to another history (a failover, or a restore): start again.');
      this.#epoch = epoch;
      if (claimMs !== null) {
        connection.onNotification(onOutsideWrite);
        await connection.run(`LISTEN ${CHANNEL}`);
        if (!isFirst) onOutsideWrite();
      }
      return connection;
    } catch (error) {
      connection.destroy(error as Error);
      throw error;
    }
  }

  /** Learns what became of the last transaction of the connection before. */
  async #settle(connection: Connection): Promise<void> {
    const ask = () => connection.rows<{ batch: number }>({ name: '', text: SETTLE_LANE }, [this.id]);
    let rows: { batch: number }[];
    try {
      rows = await ask();
    } catch (error) {
      // It is under way still: a COMMIT that waits, or a backend that has not heard that its client is gone.
      if (stateOf(error) !== '55P03') throw error;
      await connection.run(END_OTHERS);
      rows = await ask();
    }
    // A lane whose first transaction did not come through has no row.
    this.#unsettled?.settle(rows[0]?.batch === this.#unsettled.batch);
    this.#unsettled = null;
  }
}

/** What is done once, when the database is opened. */
export async function prepare(connection: Connection): Promise<void> {
  const [row] = await connection.rows<{ version: number; encoding: string; is_standby: boolean }>(
    {
      name: '',
      text: `SELECT current_setting('server_version_num')::bigint AS version,
        current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS is_standby`,
    },
    [],
  );
  if (row === undefined) throw new Error('The database did not answer.');
  if (row.version < OLDEST)
    refuse(`PostgreSQL 14 or newer is needed, and this is ${Math.floor(row.version / 10_000)}.`);
  if (row.encoding !== 'UTF8')
    refuse(`Its encoding is ${row.encoding}: make one with \`createdb -T template0 -E UTF8\`.`);
  if (row.is_standby) refuse('It is a standby: DATABASE_URL must name the primary.', 'read_only');
  await migrate(connection);
  await connection.run(FORGET_LANES);
}

function refuse(why: string, kind: StoreFault = 'unopened'): never {
  throw new UnopenedError(`The database cannot be used. ${why}`, kind);
}

/** Takes the database for this server alone, for as long as the session lasts. */
export async function claim(
  connection: Connection,
  { isFirst, claimMs }: { readonly isFirst: boolean; readonly claimMs: number },
): Promise<void> {
  const until = performance.now() + claimMs;
  let name = '';
  for (;;) {
    const [row] = await connection.rows<{ got: boolean; name: string }>({ name: '', text: CLAIM }, []);
    if (row?.got === true) return;
    name = row?.name ?? '';
    if (performance.now() > until) break;
    // What is left of this server's own connection of before.
    await connection.run(END_OTHERS);
    await wait(100);
  }
  if (!isFirst) throw new Superseded('Another server has taken the database while this one had no connection to it.');
  const remedy = 'stop it first, or give this one its own DATABASE_URL';
  throw new UnopenedError(`Another server is using the database ${name}: ${remedy}.`, 'locked');
}
