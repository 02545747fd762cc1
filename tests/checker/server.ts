import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { databaseUrl, dataFolder, removeData } from '../support/data.ts';
import { deadline } from '../support/deadline.ts';
import { undoAtExit } from './cleanup.ts';

/** The folder of the repository. */
const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/** How a server is started. */
export interface ServerOptions {
  /** The folder that holds `app/main.ts`; the repository itself by default. */
  readonly program?: string;
  /** Modules that are loaded into the process before the server. */
  readonly preload?: readonly URL[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where the data is kept; a folder of its own by default, removed at the end. */
  readonly folder?: string;
  /** The PostgreSQL database, where it is not that of the folder. */
  readonly databaseUrl?: string;
  /** A command line before that of Node, such as one that sets limits. */
  readonly launcher?: readonly string[];
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const START_MS = 30_000;
const END_MS = 20_000;

/** A server in a process of its own, which may be killed and started again on the same data and the same port. */
export class ServerUnderTest implements AsyncDisposable {
  readonly folder: string;
  readonly #options: ServerOptions;
  #child: ChildProcess | undefined;
  #exit: Promise<Exit> | undefined;
  #port = 0;
  #output = '';
  #starts = 0;
  readonly #forget: () => void;

  constructor(folder: string, options: ServerOptions) {
    this.folder = folder;
    this.#options = options;
    this.#forget = undoAtExit(() => {
      this.#child?.kill('SIGKILL');
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
    });
  }

  /** The port it listens on, the same after each start; 0 before the first. */
  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get databaseUrl(): string {
    return this.#options.databaseUrl ?? databaseUrl(this.folder);
  }

  /** The end of what it wrote, of all starts. */
  get output(): string {
    return this.#output;
  }

  /** How often it was started. */
  get starts(): number {
    return this.#starts;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Whether it runs. */
  get alive(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Starts it, with these variables beside the usual ones, and waits until it listens. Throws when it ends instead. */
  async start(more: Readonly<Record<string, string>> = {}): Promise<void> {
    const { preload = [], program = REPOSITORY, env = {}, launcher = [] } = this.#options;
    const imports = preload.flatMap((url) => ['--import', url.href]);
    const [file = process.execPath, ...args] = [
      ...launcher,
      process.execPath,
      ...imports,
      join(program, 'app/main.ts'),
    ];
    this.#starts++;
    const child = spawn(file, args, {
      cwd: this.folder,
      env: { ...environment(this.databaseUrl, this.#port), ...env, ...more },
      stdio: 'pipe',
    });
    this.#child = child;
    this.#exit = once(child, 'exit').then(([code, signal]) => ({ code, signal }) as Exit);
    child.stdin?.on('error', () => {});
    const listening = Promise.withResolvers<number>();
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-8_000);
        const port = /listening on http:\/\/[\w.]+:(\d+)/.exec(text)?.[1];
        if (port !== undefined) listening.resolve(Number(port));
      });
    }
    const gone = this.#exit.then((exit): never => {
      throw new Error(`the server ended with ${JSON.stringify(exit)} instead of starting:\n${this.#output}`);
    });
    gone.catch(() => {});
    this.#port = await deadline(Promise.race([listening.promise, gone]), 'the start of the server', START_MS);
  }

  /** Writes a line to its standard input, where a module loaded before it may listen. */
  tell(line: string): void {
    this.#child?.stdin?.write(`${line}\n`);
  }

  /** How it ends, waiting for it. */
  async ended(): Promise<Exit> {
    if (this.#exit === undefined) throw new Error('the server was not started');
    return deadline(this.#exit, 'the end of the server', END_MS);
  }

  /** Sends a signal and waits for the end. */
  async kill(signal: NodeJS.Signals): Promise<Exit> {
    this.#child?.kill(signal);
    return this.ended();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.alive) await this.kill('SIGKILL');
    this.#forget();
    if (this.#options.folder === undefined) await removeData(this.folder);
  }
}

function environment(database: string, port: number): Record<string, string> {
  const { PATH = '', HOME = '' } = process.env;
  return {
    PATH,
    HOME,
    HOST: '127.0.0.1',
    PORT: String(port),
    DATABASE_URL: database,
    TOKEN_SECRET: 'a secret that only the checker knows, 32 bytes or more',
    LOG_LEVEL: 'error',
    PRESENCE_GRACE: '0.5',
    RATE_LIMITS: 'off',
    // A connection that has gone silent is noticed soon.
    SOCKET_PING_INTERVAL: '1',
    SOCKET_PING_TIMEOUT: '2',
  };
}

/** Starts a server, on data of its own unless the options say otherwise. */
export async function startServer(options: ServerOptions = {}): Promise<ServerUnderTest> {
  const folder = options.folder ?? (await dataFolder());
  const server = new ServerUnderTest(folder, options);
  try {
    await server.start();
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  return server;
}
