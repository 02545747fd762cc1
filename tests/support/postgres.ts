import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { appendFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { deadline } from './deadline.ts';
import { withClient } from './postgres-client.ts';
import { copyData, keep, makePlace, type Place, runAt, sweepPlaces } from './postgres-place.ts';

const START_MS = 60_000;
const END_MS = 60_000;
const LOG_MAX = 64_000;

/** Settings by name, as in postgresql.conf. */
export type PostgresSettings = Readonly<Record<string, string | number>>;

/** How a PostgreSQL differs from the usual one of the tests, which waits for the disk as any does. */
export interface PostgresOptions {
  readonly settings?: PostgresSettings;
  /** An empty folder for everything, such as a small disk's; it is not removed. */
  readonly folder?: string;
  /** In memory where there is room, and not waiting for the disk elsewhere: for tests that only need a database soon. */
  readonly inMemory?: boolean;
}

/** How to end it: without its clients, with all that was committed written; or as a crash does. */
export type StopMode = 'fast' | 'immediate';

const STOP_SIGNALS = { fast: 'SIGINT', immediate: 'SIGQUIT' } as const;

const DEFAULTS: PostgresSettings = {
  listen_addresses: '127.0.0.1',
  max_connections: 300,
  shared_buffers: '64MB',
  // A standby that is away for a while finds what it has missed.
  wal_keep_size: '256MB',
  log_min_messages: 'warning',
  log_timezone: 'UTC',
  timezone: 'UTC',
};

const IN_MEMORY: PostgresSettings = {
  fsync: 'off',
  full_page_writes: 'off',
  max_wal_size: '128MB',
  min_wal_size: '32MB',
  wal_keep_size: 0,
};

/** Who may come in: the superuser through the socket, which stands in a folder that is ours alone; others by password. */
const ACCESS = `local all postgres trust
local replication postgres trust
local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
`;

/** A PostgreSQL of the tests' own, in a temporary folder and on a free port. It ends when this process does. */
export class Postgres implements AsyncDisposable {
  readonly #place: Place;
  readonly #keeper: ChildProcess;
  #server: ChildProcess | undefined;
  #exit: Promise<void> = Promise.resolve();
  #isPaused = false;
  #log = '';

  constructor(place: Place) {
    this.#place = place;
    this.#keeper = keep(place.folder);
  }

  /** The folder that holds its data, in `data`, and its socket. */
  get folder(): string {
    return this.#place.folder;
  }

  /** Where it listens on 127.0.0.1, the same after each start. */
  get port(): number {
    return this.#place.port;
  }

  /** The end of what it wrote, of all starts. */
  get log(): string {
    return this.#log;
  }

  /** The process that all its others come from. Throws when it does not run. */
  get pid(): number {
    if (this.#server?.pid === undefined) throw new Error('PostgreSQL does not run');
    return this.#server.pid;
  }

  /** How the role `sohbet` connects, which may make databases and nothing more. */
  url(database = 'postgres'): string {
    return `postgres://sohbet:${this.#place.password}@127.0.0.1:${this.port}/${database}`;
  }

  /** How the superuser connects: through the socket. */
  adminUrl(database = 'postgres'): string {
    return `postgres:///${database}?host=${encodeURIComponent(this.folder)}&port=${this.port}&user=postgres`;
  }

  /** Does something as the superuser, on a connection of its own. */
  async admin<T>(use: (client: Client) => Promise<T>, database?: string): Promise<T> {
    return await withClient(this.adminUrl(database), use);
  }

  /** Makes its files and its role, and starts it. */
  async create(settings: PostgresSettings): Promise<void> {
    const data = join(this.folder, 'data');
    await runAt(this.#place, 'initdb', ['-D', data, '-U', 'postgres', '-E', 'UTF8', '--locale=C', '--no-sync']);
    await writeFile(join(data, 'pg_hba.conf'), ACCESS);
    await this.configure({ ...DEFAULTS, ...settings });
    await this.start();
    await this.admin((client) => client.query(`CREATE ROLE sohbet LOGIN CREATEDB PASSWORD '${this.#place.password}'`));
  }

  /** Changes settings: from the next start on, or from `SELECT pg_reload_conf()` on where they need no start. */
  async configure(settings: PostgresSettings): Promise<void> {
    const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`);
    await appendFile(join(this.folder, 'data/postgresql.conf'), lines.join(''));
  }

  /** Starts it, and waits until it lets connections in. Throws with what it wrote when it ends instead. */
  async start(): Promise<void> {
    const { bin, runner, folder, port } = this.#place;
    const args = ['-D', join(folder, 'data'), '-p', String(port), '-k', folder];
    // In a group of its own, so that Ctrl-C reaches us alone.
    const options = { ...runner, cwd: folder, env: {}, detached: true } as const;
    const server = spawn(join(bin, 'postgres'), args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
    server.unref();
    this.#server = server;
    this.#isPaused = false;
    server.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#log = (this.#log + text).slice(-LOG_MAX);
    });
    this.#exit = once(server, 'close').then(() => {
      if (this.#server === server) this.#server = undefined;
    });
    await deadline(this.#ready(), 'the start of PostgreSQL', START_MS).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.#log}`, { cause: error });
    });
  }

  async #ready(): Promise<void> {
    while (this.#server !== undefined) {
      if (await this.admin(async () => true).catch(() => false)) return;
      await Promise.race([this.#exit, delay(20)]);
    }
    throw new Error('PostgreSQL ended instead of starting');
  }

  /** Ends it and waits until it is gone; the data stays. */
  async stop(mode: StopMode = 'fast'): Promise<void> {
    this.#server?.kill(STOP_SIGNALS[mode]);
    if (this.#isPaused) this.resume();
    await deadline(this.#exit, 'the end of PostgreSQL', END_MS);
  }

  /** Has all its processes stand still, as on a machine that hangs. On Linux only. */
  pause(): void {
    this.#isPaused = true;
    // It first: then no other comes.
    process.kill(this.pid, 'SIGSTOP');
    for (const pid of this.#children()) process.kill(pid, 'SIGSTOP');
  }

  /** Lets them go on after {@link pause}. */
  resume(): void {
    this.#isPaused = false;
    for (const pid of [...this.#children(), this.pid]) process.kill(pid, 'SIGCONT');
  }

  #children(): number[] {
    const text = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8');
    return text.split(' ').flatMap((pid) => (pid.trim() === '' ? [] : [Number(pid)]));
  }

  /** Ends the connections of clients, to one database or to all; says how many there were. */
  async terminateBackends(database?: string): Promise<number> {
    const text = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND datname = coalesce($1, datname)`;
    const { rowCount } = await this.admin((client) => client.query(text, [database ?? null]));
    return rowCount ?? 0;
  }

  /** A standby, which follows what this one commits. This one ends and starts again, to be copied. */
  async standby(settings: PostgresSettings = {}): Promise<Postgres> {
    await this.stop();
    const place = await makePlace({ password: this.#place.password });
    const standby = new Postgres(place);
    try {
      await copyData(this.#place, place);
      await this.start();
      const primary_conninfo = `host=${this.folder} port=${this.port} user=postgres`;
      await standby.configure({ primary_conninfo, ...settings });
      await standby.start();
    } catch (error) {
      await standby[Symbol.asyncDispose]();
      throw error;
    }
    return standby;
  }

  /** Waits until a standby shows what this one has committed so far. */
  async caughtUp(standby: Postgres): Promise<void> {
    const { rows } = await this.admin((client) => client.query('SELECT pg_current_wal_flush_lsn()::text AS lsn'));
    const isThere = 'SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS there';
    const waiting = standby.admin(async (client) => {
      while (!(await client.query(isThere, [rows[0].lsn])).rows[0].there) await delay(10);
    });
    await deadline(waiting, 'a standby to catch up', START_MS);
  }

  /** Makes a standby the primary, and waits until it takes writes. */
  async promote(): Promise<void> {
    await this.admin((client) => client.query('SELECT pg_promote(true)'));
  }

  /** Ends it and removes what it kept. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('immediate');
    const gone = once(this.#keeper, 'exit');
    this.#keeper.ref();
    this.#keeper.kill('SIGKILL');
    await gone;
    if (this.#place.isOurs) await rm(this.folder, { recursive: true, force: true });
  }
}

/**
 * Starts a PostgreSQL of the caller's own: `await using postgres = await startPostgres()`. Throws where there is none.
 * Tests that need just a database share one server: see `createDatabase`.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  sweepPlaces();
  const postgres = new Postgres(await makePlace(options));
  try {
    await postgres.create({ ...(options.inMemory && IN_MEMORY), ...options.settings });
  } catch (error) {
    await postgres[Symbol.asyncDispose]();
    throw error;
  }
  return postgres;
}
