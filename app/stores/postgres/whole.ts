import { randomUUID } from 'node:crypto';
import { UnopenedError } from '../fault.ts';
import type { AnyRow, Query } from '../query.ts';
import { TABLES } from '../tables.ts';
import type { Change } from '../tx.ts';
import type { WholeDatabase } from '../whole.ts';
import { Connection, placeOf } from './connection.ts';
import { giveEpoch, readEpoch } from './epoch.ts';
import { explainFault, faultOf } from './faults.ts';
import { refusePooler } from './pooler.ts';
import { Statements } from './statements.ts';
import { claim, prepare } from './writer.ts';

/**
 * Of the session, so that pages are read by an index in its order, whatever the planner knows of tables that were just
 * filled.
 */
const PLANS = {
  enable_seqscan: 'off',
  enable_bitmapscan: 'off',
  enable_sort: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  max_parallel_workers_per_gather: 0,
  jit: 'off',
};

const CONNECT_MS = 5_000;
/** How long somebody else may take to let go of the database or a table, in milliseconds. */
const LOCK_MS = 5_000;
/** A statement over a whole table may take long. */
const SILENCE_MS = 86_400_000;

/** `EXCLUSIVE` lets others read, and not write. */
const HOLD = `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; LOCK TABLE ${Object.keys(TABLES).join(', ')}, meta IN EXCLUSIVE MODE`;

/**
 * Opens a database to be copied from or to.
 * @throws UnopenedError when a server uses it, or it cannot be opened
 */
export async function openWholePostgres(url: string): Promise<WholeDatabase> {
  const settings = { ...PLANS, lock_timeout: LOCK_MS, statement_timeout: 0, idle_in_transaction_session_timeout: 0 };
  const name = `sohbet copy ${randomUUID()}`;
  let connection: Connection | undefined;
  try {
    const times = { connectMs: CONNECT_MS, silenceMs: SILENCE_MS };
    await refusePooler({ url, ...times });
    connection = await Connection.open({ url, name, settings, ...times });
    await claim(connection, { isFirst: true, claimMs: LOCK_MS });
    return new WholePostgres(placeOf(url), connection);
  } catch (error) {
    await connection?.end();
    throw unopened(url, error);
  }
}

function unopened(url: string, error: unknown): UnopenedError {
  if (error instanceof UnopenedError) return error;
  return new UnopenedError(explainFault(placeOf(url), error), faultOf(error).kind);
}

class WholePostgres implements WholeDatabase {
  readonly name: string;
  readonly #connection: Connection;
  readonly #statements = new Statements();

  constructor(name: string, connection: Connection) {
    this.name = name;
    this.#connection = connection;
  }

  async tables() {
    const text = 'SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()';
    const rows = await this.#connection.rows<{ name: string }>(this.#statements.own(text), []);
    return new Set(rows.map(({ name }) => name));
  }

  async begin() {
    await prepare(this.#connection);
    await this.#connection.run(HOLD);
  }

  ask<Row>(query: Query<Row[]>) {
    const { statement, values } = this.#statements.query(query);
    return this.#connection.rows<Row>(statement, values);
  }

  async change(change: Change) {
    const { statement, values } = this.#statements.write(change);
    await this.#connection.rows<AnyRow>(statement, values);
  }

  epoch() {
    return readEpoch(this.#connection);
  }

  setEpoch(epoch: string) {
    return giveEpoch(this.#connection, epoch);
  }

  async commit() {
    const done = await this.#connection.run('COMMIT');
    if (done !== 'COMMIT') throw new Error(`${this.name} has rolled back instead of committing.`);
  }

  /** The end of the session undoes what was not committed. */
  close() {
    return this.#connection.end();
  }
}
