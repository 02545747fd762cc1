import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { TestDatabase } from '../tests/support/postgres-databases.ts';
import type { Line } from './postgres.ts';
import { cpuSeconds, makeFolder, removeFolder, residentBytes, startNode, stopChild } from './processes.ts';

/** The servers that are compared, in the order of the tables; see `rivals/` for the first two. */
export const SERVERS = ['stock', 'by-hand', 'sohbet'] as const;

/** One of {@link SERVERS}. */
export type ServerName = (typeof SERVERS)[number];

/** What differs between starts of a server. */
export interface ServerOptions {
  /** Of Sohbet: SQLite in a file in a temporary folder (the default), or in memory. */
  storage?: 'disk' | 'memory';
  /** A line to the PostgreSQL that it stores in, instead of SQLite: in a database of its own. */
  line?: Line | undefined;
  /** Of Sohbet: the data folder of an earlier start, instead of a new one. */
  folder?: string;
  /** Of Sohbet: what `RATE_LIMITS` says; off by default, which turns admission off too. */
  limits?: string;
  /** Of Sohbet: what `npm run build` made, instead of the source. */
  built?: boolean;
  /** Of Sohbet: a folder for Node's compile cache, instead of the one that it has by itself. */
  cache?: string;
  /** Flags for Node, beside those of `npm start`. */
  flags?: string[];
  /** Loads the hook for forced collections, for {@link Server.collect}. */
  collectable?: boolean;
  /** Where to put a CPU profile when the server stops. */
  profile?: string;
}

/** Memory after two forced collections, in bytes. */
export interface Memory {
  rss: number;
  heapUsed: number;
  external: number;
}

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const RIVALS = {
  stock: fileURLToPath(new URL('./rivals/stock.ts', import.meta.url)),
  'by-hand': fileURLToPath(new URL('./rivals/by-hand-sqlite.ts', import.meta.url)),
};
const BY_HAND_POSTGRES = fileURLToPath(new URL('./rivals/by-hand-postgres.ts', import.meta.url));
const COLLECT = new URL('./collect.ts', import.meta.url).href;
const START_LIMIT_MS = 120_000;
const STOP_LIMIT_MS = 15_000;
const COLLECT_LIMIT_MS = 60_000;
const OUTPUT_KEPT = 4_000;

/** The flags that `npm start` gives to Node. Throws when that script is not `exec node [flags] app/start.js`. */
export function productionFlags(): string[] {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: { start: string } };
  const words = scripts.start
    .trim()
    .replace(/^exec /, '')
    .split(/\s+/);
  if (words[0] !== 'node' || words.at(-1) !== 'app/start.js') throw new Error(`"start" is ${scripts.start}`);
  return words.slice(1, -1);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}

function programOf(name: ServerName, { built, line }: ServerOptions): string {
  if (name === 'sohbet') return join(ROOT, built ? 'dist/app/main.js' : 'app/start.js');
  return name === 'by-hand' && line ? BY_HAND_POSTGRES : RIVALS[name];
}

/** Where a server listens and keeps its data. */
interface Place {
  port: number;
  folder: string;
  database: TestDatabase | undefined;
}

/** A server under test, in a process of its own. */
export class Server {
  readonly name: ServerName;
  readonly port: number;
  /** Where it keeps its data. */
  readonly folder: string;
  /** From the start of the process to the first answer to `GET /health/live`. */
  readyMs = 0;
  readonly #child: ChildProcess;
  readonly #options: ServerOptions;
  readonly #database: TestDatabase | undefined;
  #output = '';

  private constructor(name: ServerName, options: ServerOptions, place: Place) {
    this.name = name;
    this.#options = options;
    this.port = place.port;
    this.folder = place.folder;
    this.#database = place.database;
    const flags = [...(options.flags ?? []), ...(name === 'sohbet' ? productionFlags() : [])];
    if (options.collectable) flags.push('--expose-gc', '--import', COLLECT);
    if (options.profile) flags.push('--cpu-prof', `--cpu-prof-dir=${options.profile}`);
    this.#child = startNode('server', [...flags, programOf(name, options)], {
      // Away from the repository, so that a developer's own .env does not take part.
      cwd: place.folder,
      env: { ...process.env, ...this.#environment() },
      stdio: ['ignore', 'pipe', 'pipe', options.collectable ? 'ipc' : 'ignore'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (data: Buffer) => {
        this.#output = (this.#output + data.toString()).slice(-OUTPUT_KEPT);
      });
    }
  }

  /** Starts a server and waits until it answers. Throws, with what it printed, when it ends or takes too long. */
  static async start(name: ServerName, options: ServerOptions = {}): Promise<Server> {
    const begin = performance.now();
    const folder = options.folder ?? makeFolder();
    const database = await options.line?.createDatabase();
    const server = new Server(name, options, { port: await freePort(), folder, database });
    while (!(await server.#answers())) {
      if (server.#ended()) throw new Error(`${name} ended at its start:\n${server.#output}`);
      if (performance.now() - begin > START_LIMIT_MS) {
        await server.stop();
        throw new Error(`${name} does not answer after ${START_LIMIT_MS / 1000} s:\n${server.#output}`);
      }
      await sleep(5);
    }
    server.readyMs = performance.now() - begin;
    return server;
  }

  /** The last of what it printed. */
  get output(): string {
    return this.#output;
  }

  /** Resident memory in bytes; NaN where there is no /proc. */
  get rss(): number {
    return residentBytes(this.#pid);
  }

  /** Processor time so far, workers included, in seconds; NaN where there is no /proc. */
  get cpu(): number {
    return cpuSeconds(this.#pid);
  }

  /** Processor time of the PostgreSQL that it stores in, in seconds; 0 without one. */
  get postgresCpu(): number {
    return this.#options.line?.postgresCpu ?? 0;
  }

  /** Processor time of what makes the line to it longer, in seconds. */
  get delayCpu(): number {
    return this.#options.line?.delayCpu ?? 0;
  }

  /** Forces two collections and reads the memory. Needs `collectable`. */
  async collect(): Promise<Memory> {
    const child = this.#child;
    const answer = new Promise<Memory>((resolve, reject) => {
      child.once('message', (memory) => resolve(memory as Memory));
      setTimeout(() => reject(new Error(`${this.name}: no collection`)), COLLECT_LIMIT_MS).unref();
    });
    child.send('collect');
    return { ...(await answer), rss: this.rss };
  }

  /** The samples of `GET /metrics`, by name with labels; empty when the server has none. */
  async metrics(): Promise<Map<string, number>> {
    const response = await fetch(`http://127.0.0.1:${this.port}/metrics`, { signal: AbortSignal.timeout(10_000) });
    const samples = new Map<string, number>();
    if (!response.ok) return samples;
    for (const line of (await response.text()).split('\n')) {
      const at = line.lastIndexOf(' ');
      if (at > 0 && !line.startsWith('#')) samples.set(line.slice(0, at), Number(line.slice(at + 1)));
    }
    return samples;
  }

  /** Ends it; politely when asked to, or when a profile is to be written. Removes its folder unless it is to be kept. */
  async stop(how: { politely?: boolean; keepFolder?: boolean } = {}): Promise<void> {
    await stopChild(this.#child, how.politely || this.#options.profile ? STOP_LIMIT_MS : 0);
    if (!how.keepFolder) removeFolder(this.folder);
    await this.#database?.[Symbol.asyncDispose]();
  }

  /** Throws when the server is no longer there. */
  assertAlive(): void {
    if (this.#ended()) throw new Error(`${this.name} ended under load:\n${this.#output}`);
  }

  get #pid(): number {
    return this.#child.pid ?? 0;
  }

  #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async #answers(): Promise<boolean> {
    try {
      const url = `http://127.0.0.1:${this.port}/health/live`;
      return (await fetch(url, { signal: AbortSignal.timeout(1_000) })).ok;
    } catch {
      return false;
    }
  }

  #environment(): Record<string, string> {
    const file = join(this.folder, 'bench.db');
    return {
      HOST: '127.0.0.1',
      PORT: String(this.port),
      DATABASE_URL: this.#database?.url ?? (this.#options.storage === 'memory' ? 'sqlite::memory:' : `sqlite:${file}`),
      SQLITE_FILE: file,
      POSTGRES_URL: this.#database?.url ?? '',
      TOKEN_SECRET: randomBytes(32).toString('hex'),
      LOG_LEVEL: 'error',
      RATE_LIMITS: this.#options.limits ?? 'off',
      ...(this.#options.cache && { NODE_COMPILE_CACHE: this.#options.cache }),
    };
  }
}
