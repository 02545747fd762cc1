import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import type { Env } from '../../app/core/env.ts';
import type { Host, TestClient } from './client.ts';
import { dataFolder, removeData } from './data.ts';
import { deadline } from './deadline.ts';
import { settle, testEnv } from './server.ts';

/** The program of the server. */
export const PROGRAM = join(import.meta.dirname, '../../app/main.ts');

/** What still runs when the tests end early, so that it does not outlive them. */
const children = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** How a program is started. */
export interface ProgramOptions {
  readonly cwd: string;
  readonly env: Env;
  /** Another user, which only root may take. */
  readonly uid?: number;
  readonly gid?: number;
  /** In a process group of its own, which is killed as a whole when the program is disposed of. */
  readonly detached?: boolean;
}

/** A program that runs beside the test; its output is kept. */
export class RunningProgram implements AsyncDisposable {
  /** Everything it wrote to standard output so far. */
  stdout = '';
  /** Everything it wrote to standard error so far. */
  stderr = '';
  /** Settles when it has ended and all output is read. */
  readonly exit: Promise<Exit>;
  private readonly child: ChildProcess;
  private readonly isGroup: boolean;
  private readonly watchers = new Set<() => void>();

  constructor(file: string, args: readonly string[], options: ProgramOptions) {
    this.isGroup = options.detached === true;
    const { PATH, HOME, NODE_COMPILE_CACHE } = process.env;
    const env = { PATH, HOME, NODE_COMPILE_CACHE, ...options.env };
    this.child = spawn(file, args, { ...options, env, stdio: 'pipe' });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      for (const look of this.watchers) look();
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    children.add(this.child);
    this.exit = once(this.child, 'close').then(([code, signal]) => {
      children.delete(this.child);
      return { code, signal } as Exit;
    });
  }

  /** Its process id. Throws when it could not be started. */
  get pid(): number {
    if (this.child.pid === undefined) throw new Error('the program could not be started');
    return this.child.pid;
  }

  /** Reads its standard output no more, until {@link listen}. */
  ignore(): void {
    this.child.stdout?.pause();
  }

  /** Reads its standard output again. */
  listen(): void {
    this.child.stdout?.resume();
  }

  /** Types something into it. */
  write(text: string): void {
    this.child.stdin?.write(text);
  }

  /** Ends its standard input. */
  end(): void {
    this.child.stdin?.end();
  }

  /** Sends a signal. */
  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Kills what still runs of it, and waits until it is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      process.kill(this.isGroup ? -this.pid : this.pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
    await this.ended();
  }

  /** How it ended, waiting for it. */
  ended(ms?: number): Promise<Exit> {
    return deadline(this.exit, 'the end of the process', ms);
  }

  /** The first match in standard output, waiting for it. Throws with the output when the process ends before. */
  output(pattern: RegExp): Promise<RegExpExecArray> {
    return this.until(() => pattern.exec(this.stdout) ?? undefined, `${pattern} in the output`);
  }

  /** The first value of `probe` that is not undefined; it is tried again after each output. Throws as `output` does. */
  until<T>(probe: () => T | undefined, what: string): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const look = () => {
      const found = probe();
      if (found !== undefined) resolve(found);
    };
    this.watchers.add(look);
    look();
    const gone = this.exit.then((exit) => {
      look();
      reject(new Error(`ended with ${JSON.stringify(exit)}:\n${this.stdout}\n${this.stderr}`));
    });
    gone.catch(() => {});
    return deadline(promise, what, 20_000).finally(() => this.watchers.delete(look));
  }
}

/** A server in a process of its own, to be killed; its data folder is removed with it. */
export class ServerProcess implements Host, AsyncDisposable {
  /** The data folder, which is the working directory too. */
  readonly folder: string;
  /** The address it printed, without a slash at the end. */
  url = '';
  private readonly env: Env;
  private readonly clients = new Set<TestClient>();
  private running: RunningProgram | undefined;

  constructor(folder: string, env: Env) {
    this.folder = folder;
    this.env = env;
  }

  /** The process that was started last. */
  get program(): RunningProgram {
    if (this.running === undefined) throw new Error('the server was not started');
    return this.running;
  }

  track(client: TestClient): void {
    this.clients.add(client);
  }

  /** Starts the program, as {@link launch} does, and waits until it has printed its address. */
  async start(openFiles?: number): Promise<void> {
    this.launch(openFiles);
    const [address] = await this.program.output(/https?:\/\/[\w.:[\]-]+:\d+/);
    this.url = address;
  }

  /** Starts the program and waits for nothing; it may have no more than so many files open. */
  launch(openFiles?: number): void {
    const options = { cwd: this.folder, env: testEnv(this.folder, this.env) };
    if (openFiles === undefined) this.running = new RunningProgram(process.execPath, [PROGRAM], options);
    else {
      const script = `ulimit -n ${openFiles}; exec "$0" "$1"`;
      this.running = new RunningProgram('/bin/sh', ['-c', script, process.execPath, PROGRAM], options);
    }
  }

  /** Kills it with a signal and waits until it is gone. */
  async kill(signal: NodeJS.Signals): Promise<Exit> {
    this.program.kill(signal);
    return this.program.ended(15_000);
  }

  /** Kills what still runs and removes the data. Throws when a client was told what breaks the protocol. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      settle(this.clients);
    } finally {
      if (this.running !== undefined) await this.kill('SIGKILL');
      await removeData(this.folder);
    }
  }
}

/** Starts the program `app/main.ts` in a process of its own: `await using server = await spawnServer()`. */
export async function spawnServer(env: Env = {}): Promise<ServerProcess> {
  const server = new ServerProcess(await dataFolder(), env);
  try {
    await server.start();
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  return server;
}

/** The program as it would be started, not started yet: for starts that fail. */
export async function prepareServer(env: Env = {}): Promise<ServerProcess> {
  return new ServerProcess(await dataFolder(), env);
}

/** A port that nothing listens on just now, for a server that is to come back at the same address. */
export async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return String(port);
}
