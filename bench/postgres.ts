import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { type Postgres, startPostgres } from '../tests/support/postgres.ts';
import { createDatabase, type TestDatabase } from '../tests/support/postgres-databases.ts';
import { cpuSeconds, startNode, stopChild, treeCpuSeconds } from './processes.ts';
import { median } from './report.ts';

const DELAY = fileURLToPath(new URL('./delay.ts', import.meta.url));
/** What PostgreSQL takes by itself; the tests' one has less. */
const SETTINGS = { shared_buffers: '128MB' };
const ROUND_TRIPS = 300;

/** A PostgreSQL and a line to it, which is as long as is asked for. */
export class Line {
  /** How much longer than loopback a round trip was to take, in milliseconds. */
  readonly addedMs: number;
  /** What `SELECT 1` takes over it at the median, in milliseconds. */
  selectMs = Number.NaN;
  readonly #postgres: Postgres;
  readonly #delay: ChildProcess | null;
  readonly #port: number;

  private constructor(postgres: Postgres, addedMs: number, place: { delay: ChildProcess | null; port: number }) {
    this.#postgres = postgres;
    this.addedMs = addedMs;
    this.#delay = place.delay;
    this.#port = place.port;
  }

  /** Lays a line, and measures it. */
  static async to(postgres: Postgres, addedMs: number): Promise<Line> {
    const place: { delay: ChildProcess | null; port: number } = { delay: null, port: postgres.port };
    if (addedMs > 0) {
      const args = [DELAY, String(postgres.port), String(addedMs)];
      place.delay = startNode('neither', args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
      [place.port] = (await once(place.delay, 'message')) as [number];
    }
    const line = new Line(postgres, addedMs, place);
    line.selectMs = await line.#measure();
    return line;
  }

  /** As titles have it. */
  get title(): string {
    return `PostgreSQL, +${this.addedMs} ms (SELECT 1: ${this.selectMs.toFixed(2)} ms)`;
  }

  /** The processor time of PostgreSQL so far, all its processes, in seconds. */
  get postgresCpu(): number {
    return treeCpuSeconds(this.#postgres.pid);
  }

  /** The processor time of what delays, in seconds. */
  get delayCpu(): number {
    return this.#delay ? cpuSeconds(this.#delay.pid ?? 0) : 0;
  }

  /** Makes an empty database; its URL leads over the line. */
  async createDatabase(): Promise<TestDatabase> {
    const database = await createDatabase(this.#postgres.url());
    const url = this.#over(database.url);
    return { name: database.name, url, [Symbol.asyncDispose]: () => database[Symbol.asyncDispose]() };
  }

  /** Ends it; PostgreSQL stays. */
  async close(): Promise<void> {
    if (this.#delay) await stopChild(this.#delay, 0);
  }

  #over(url: string): string {
    const over = new URL(url);
    over.port = String(this.#port);
    return over.href;
  }

  async #measure(): Promise<number> {
    const client = new Client(this.#over(this.#postgres.url()));
    await client.connect();
    try {
      const times: number[] = [];
      for (let i = 0; i < ROUND_TRIPS; i++) {
        const begin = performance.now();
        await client.query('SELECT 1');
        times.push(performance.now() - begin);
      }
      return median(times);
    } finally {
      await client.end();
    }
  }
}

/** Hands each line to `use`, in turn: one PostgreSQL, made for it, with each of the round trips. */
export async function overLines(roundTrips: readonly number[], use: (line: Line) => Promise<void>): Promise<void> {
  await using postgres = await startPostgres({ settings: SETTINGS });
  for (const addedMs of roundTrips) {
    const line = await Line.to(postgres, addedMs);
    try {
      await use(line);
    } finally {
      await line.close();
    }
  }
}
