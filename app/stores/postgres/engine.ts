import { type Call, type Engine, failed, type Reply } from '../engine.ts';
import { EngineFault, type Fault, UnopenedError } from '../fault.ts';
import type { Wanted } from '../known-rows.ts';
import { Connection, type ConnectionOptions, placeOf } from './connection.ts';
import { engineFault, explainFault, faultOf, stateOf } from './faults.ts';
import { OTHERS_WRITES } from './lanes.ts';
import { Link } from './link.ts';
import { refusePooler } from './pooler.ts';
import { Reads } from './read.ts';
import { Statements } from './statements.ts';
import { Writer } from './writer.ts';

/** What the PostgreSQL engine is opened with. */
export interface PostgresOptions {
  /** What `pg` takes as a connection string, to the database itself or a pooler that keeps a session for each client. */
  readonly url: string;
  /** `server`: no other may run beside this one; `tool`: it runs beside a server or without one, and may take long. */
  readonly role: 'server' | 'tool';
  /** Lets servers run beside each other, for tests of what they do to each other. */
  readonly together?: boolean;
  /** How long things may take, in milliseconds. */
  readonly times?: Partial<Times>;
  /** Told of a row that `reads` of a write left out, which has cost a round trip. */
  readonly onLeftOut: (write: string, wanted: Wanted) => void;
  /** Told of a fault that no call met. */
  readonly onFault: (what: string, fault: Fault) => void;
}

/** How long things may take, in milliseconds; 0: without end. */
export interface Times {
  readonly connectMs: number;
  readonly statementMs: number;
  readonly lockMs: number;
  /** How long the database may say nothing. */
  readonly silenceMs: number;
  /** How long another server may take to end. */
  readonly claimMs: number;
  /** How often it is looked whether another process has written, should its word not come through. */
  readonly watchMs: number;
}

const TIMES: Times = {
  connectMs: 5_000,
  statementMs: 10_000,
  lockMs: 1_000,
  silenceMs: 15_000,
  claimMs: 3_000,
  watchMs: 5_000,
};
const DAY_MS = 86_400_000;

/** How long a read waits for a lock for which others have waited in vain, in milliseconds. */
const BRIEFLY_MS = 100;

/** So many connections read: a tool asks one thing after the other. */
const READERS = { server: 3, tool: 1 };

/**
 * Of the session, so that no plan depends on what the planner knows of a table, which of a new one is nothing: an index
 * serves each of our statements. `jit` would compile what is forced to scan.
 */
const PLANS = {
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  enable_seqscan: 'off',
  // What is wanted in order stands so in an index, and is read as far as it is wanted.
  enable_bitmapscan: 'off',
  enable_sort: 'off',
  plan_cache_mode: 'force_generic_plan',
  max_parallel_workers_per_gather: 0,
  jit: 'off',
};

/** So that the database soon learns that a client is gone, and frees what it held: in seconds. */
const KEEPALIVE = { tcp_keepalives_idle: 10, tcp_keepalives_interval: 5, tcp_keepalives_count: 3 };

/**
 * Opens the engine on a PostgreSQL database: one connection that writes, and some that read.
 * @throws UnopenedError with the reason when the database cannot be used
 */
export async function openPostgres(options: PostgresOptions): Promise<Engine> {
  const times = { ...TIMES, ...(options.role === 'tool' && { statementMs: 0, silenceMs: DAY_MS }), ...options.times };
  const engine = new PostgresEngine(options, times);
  try {
    await engine.start();
  } catch (error) {
    await engine.close();
    if (error instanceof UnopenedError) throw error;
    throw new UnopenedError(explainFault(placeOf(options.url), error), faultOf(error).kind);
  }
  return engine;
}

class PostgresEngine implements Engine {
  readonly readers: number;
  epoch = '';
  readonly #writer: Writer;
  readonly #readers: readonly Reader[];
  readonly #times: Times;
  readonly #options: PostgresOptions;
  #watch: NodeJS.Timeout | undefined;
  #onOutsideWrite: () => void = () => {};
  #onFailure: (error: Error) => void = () => {};

  constructor(options: PostgresOptions, times: Times) {
    this.#options = options;
    this.#times = times;
    const statements = new Statements();
    const { url, role, together = false, onLeftOut } = options;
    const connection = connectionOptions(times);
    this.#writer = new Writer({
      connection: { ...connection, url },
      statements,
      claimMs: role === 'server' && !together ? times.claimMs : null,
      notifies: role === 'tool' || together,
      onLeftOut,
      onOutsideWrite: () => this.#onOutsideWrite(),
      onEnd: (error) => this.#onFailure(error),
    });
    const many = new Set<string>();
    this.readers = READERS[role];
    this.#readers = Array.from({ length: this.readers }, () => new Reader({ ...connection, url }, statements, many));
  }

  async start(): Promise<void> {
    await refusePooler({ ...connectionOptions(this.#times), url: this.#options.url });
    this.epoch = await this.#writer.start();
    await Promise.all(this.#readers.map((reader) => reader.start()));
    if (this.#options.role === 'server') this.#startWatch();
  }

  write(calls: readonly Call[]) {
    return this.#writer.write(calls);
  }

  read(calls: readonly Call[]): Promise<readonly Reply[]> {
    const [first, ...others] = this.#readers as [Reader, ...Reader[]];
    const free = others.reduce((best, reader) => (reader.waiting < best.waiting ? reader : best), first);
    return free.read(calls);
  }

  onOutsideWrite(listener: () => void): void {
    this.#onOutsideWrite = listener;
  }

  onFailure(listener: (error: Error) => void): void {
    this.#onFailure = listener;
  }

  async close(): Promise<void> {
    clearInterval(this.#watch);
    await Promise.all(this.#readers.map((reader) => reader.close()));
    await this.#writer.close();
  }

  /** What a tool tells of its commits may be lost with a connection. */
  #startWatch(): void {
    let seen: number | undefined;
    const look = async () => {
      const batches = await this.#readers[0]?.othersWrites(this.#writer.id);
      if (seen !== undefined && batches !== seen) this.#onOutsideWrite();
      seen = batches;
    };
    this.#watch = setInterval(() => {
      look().catch((error: unknown) => this.#options.onFault('watch', faultOf(error)));
    }, this.#times.watchMs).unref();
  }
}

function connectionOptions({
  connectMs,
  statementMs,
  lockMs,
  silenceMs,
}: Times): Omit<ConnectionOptions, 'name' | 'url'> {
  const settings = {
    statement_timeout: statementMs,
    lock_timeout: lockMs,
    idle_in_transaction_session_timeout: silenceMs,
    idle_session_timeout: 0,
    ...PLANS,
    ...KEEPALIVE,
  };
  return { settings, connectMs, silenceMs };
}

/** A connection that reads: one batch after the other. */
class Reader {
  readonly #link: Link;
  readonly #statements: Statements;
  readonly #many: Set<string>;
  readonly #lockMs: number;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(connection: Omit<ConnectionOptions, 'name'>, statements: Statements, many: Set<string>) {
    this.#statements = statements;
    this.#many = many;
    this.#lockMs = Number(connection.settings['lock_timeout']);
    this.#link = new Link({ open: () => Connection.open({ ...connection, name: 'sohbet reader' }), onEnd: () => {} });
  }

  /** How many batches it has; a connection that is not there counts as very busy. */
  get waiting(): number {
    return this.#link.connection === null ? Number.POSITIVE_INFINITY : this.#waiting;
  }

  start(): Promise<void> {
    return this.#link.start();
  }

  /** Carries out reads after those that came before. @throws EngineFault when none could be carried out */
  async read(calls: readonly Call[]): Promise<readonly Reply[]> {
    this.#waiting++;
    const replies = this.#last.then(() => this.#read(calls));
    this.#last = replies.catch(() => {});
    try {
      return await replies;
    } finally {
      this.#waiting--;
    }
  }

  async #read(calls: readonly Call[]): Promise<readonly Reply[]> {
    try {
      return await this.#carryOut(calls);
    } catch (error) {
      if (calls.length === 1 || this.#link.connection === null) throw engineFault(error);
      // They have waited together: each alone shall not wait as long once more.
      if (stateOf(error) === '55P03') this.#waitForLocks(BRIEFLY_MS);
    }
    // A read that fails takes the others of its transaction with it.
    const replies: Reply[] = [];
    for (const call of calls) {
      const [reply] = await this.#carryOut([call]).catch((error: unknown) => [failed(engineFault(error))]);
      if (reply !== undefined) replies.push(reply);
    }
    this.#waitForLocks(this.#lockMs);
    return replies;
  }

  /** Has what is asked next wait so many milliseconds for a lock. */
  #waitForLocks(ms: number): void {
    // Nobody waits for it: when the connection is lost, the next has its own settings.
    this.#link.connection?.run(`SET lock_timeout = ${ms}`).catch(() => {});
  }

  async #carryOut(calls: readonly Call[]): Promise<Reply[]> {
    const connection = this.#link.need();
    try {
      return await new Reads(connection, this.#statements, this.#many).carryOut(calls);
    } catch (error) {
      if (connection.lost === null) throw error;
      throw new EngineFault({ kind: 'away', text: String(error) }, { cause: error });
    }
  }

  /** Grows whenever another process has written. */
  async othersWrites(lane: string): Promise<number | undefined> {
    const rows = await this.#link.need().rows<{ batches: number }>(this.#statements.own(OTHERS_WRITES), [lane]);
    return rows[0]?.batches;
  }

  close(): Promise<void> {
    return this.#link.close();
  }
}
