import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { type App, createApp } from '../../app/app.ts';
import { type Config, readConfig } from '../../app/core/config.ts';
import type { Env } from '../../app/core/env.ts';
import type { Host, TestClient } from './client.ts';
import { databaseUrl, dataFolder, removeData } from './data.ts';

/** Keeps compiled code between the many starts: workers and child processes read this when they start. */
process.env['NODE_COMPILE_CACHE'] ??= join(tmpdir(), 'sohbet-test-compile-cache');

/** What a test server differs in. */
export interface ServerOptions {
  /** Environment variables over those that every test server has. */
  readonly env?: Env;
  /** What the environment cannot say, over what it says. */
  readonly config?: Partial<Config>;
}

/** The variables of a test server that keeps its data in the folder. */
export function testEnv(folder: string, env: Env = {}): Env {
  return {
    HOST: '127.0.0.1',
    PORT: '0',
    DATABASE_URL: databaseUrl(folder),
    TOKEN_SECRET: 'a secret that only the tests know, 32 bytes or more',
    PRESENCE_GRACE: '0.3',
    LOG_LEVEL: 'silent',
    RATE_LIMITS: 'off',
    ...env,
  };
}

/** Closes the clients and throws when any of them was told something that breaks the protocol. */
export function settle(clients: Set<TestClient>): void {
  const violations = [...clients].flatMap((client) => client.violations);
  for (const client of clients) client.close();
  clients.clear();
  if (violations.length > 0) throw new Error(`The protocol was broken:\n${violations.join('\n')}`);
}

/** A whole server in this process, with a data folder of its own that is removed with it. */
export class TestServer implements Host, AsyncDisposable {
  /** The data folder. */
  readonly folder: string;
  private readonly clients = new Set<TestClient>();
  private options: ServerOptions;
  private app: App | undefined;
  private address = { url: '', port: 0 };

  constructor(folder: string, options: ServerOptions) {
    this.folder = folder;
    this.options = options;
  }

  /** Where it listens, without a slash at the end. */
  get url(): string {
    return this.address.url.replace(/\/$/, '');
  }

  /** The port it listens on; another one after {@link restart}. */
  get port(): number {
    return this.address.port;
  }

  track(client: TestClient): void {
    this.clients.add(client);
  }

  /** Starts it. Throws what the server throws. */
  async start(): Promise<void> {
    const config = { ...readConfig(testEnv(this.folder, this.options.env)), ...this.options.config };
    this.app = await createApp(config);
    this.address = await this.app.listen();
  }

  /** Stops it; the data stays. */
  async stop(): Promise<void> {
    const app = this.app;
    this.app = undefined;
    await app?.close();
  }

  /** Stops it and starts it again on the same data, with other options where they are given. */
  async restart(options: ServerOptions = {}): Promise<void> {
    await this.stop();
    this.options = { ...this.options, ...options };
    await this.start();
  }

  /** Ends the connections. Throws when a client was told what breaks the protocol. */
  settle(): void {
    settle(this.clients);
  }

  /** Ends the connections, the server and its data. Throws when a client was told what breaks the protocol. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.settle();
    } finally {
      await this.stop();
      await removeData(this.folder);
    }
  }
}

/** Starts a server of the test's own: `await using server = await startServer()`. */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const server = new TestServer(await dataFolder(), options);
  await server.start();
  return server;
}

/**
 * A server that all tests of the file or of the `describe` share; it starts before the first and ends after the last.
 * The clients of a test are closed and judged with that test.
 */
export function sharedServer(options: ServerOptions = {}): Host {
  let server: TestServer | undefined;
  beforeAll(async () => {
    server = await startServer(options);
  });
  afterEach(() => server?.settle());
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
  });
  const running = () => {
    if (server === undefined) throw new Error('the shared server runs inside of tests only');
    return server;
  };
  return {
    get url() {
      return running().url;
    },
    track: (client) => running().track(client),
  };
}
