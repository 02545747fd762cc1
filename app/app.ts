import { once } from 'node:events';
import { mkdirSync, statSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { getHeapStatistics } from 'node:v8';
import manifest from '../package.json' with { type: 'json' };
import { RATE_NUMBERS, type RateNumbers } from '../protocol/rates.ts';
import { addressKey, createClientAddress, createUnnamedCheck } from './core/address.ts';
import { Clock } from './core/clock.ts';
import { type Config, ConfigError } from './core/config.ts';
import type { DatabaseConfig, SqliteConfig } from './core/config-kinds.ts';
import { watchDescriptors } from './core/descriptors.ts';
import { createIds } from './core/id.ts';
import { createLogger, type Logger } from './core/logger.ts';
import { createMetrics, type Metrics } from './core/metrics.ts';
import { createSecret, loadOrCreateSecret } from './core/secret.ts';
import { Gate } from './http/gate.ts';
import { createHttpServer } from './http/server.ts';
import { Admin } from './services/admin.ts';
import { StoreHealth } from './services/health.ts';
import { withNumbers } from './services/limits/limits.ts';
import { createServices } from './services/services.ts';
import { settleTimes, soundTimes } from './services/times.ts';
import { Fanout } from './sockets/fanout.ts';
import { createSocketServer } from './sockets/server.ts';
import { UnreadLedger } from './sockets/unread.ts';
import { type Copied, copyStore, refuseForeign } from './stores/copy.ts';
import { isServed as isServedOnPostgres } from './stores/postgres/served.ts';
import { openPostgresStore } from './stores/postgres/store.ts';
import { openWholePostgres } from './stores/postgres/whole.ts';
import { type BackupSummary, backupDatabase } from './stores/sqlite/backup.ts';
import { claimDatabase, findDatabase, isServed, refuseLostDatabase } from './stores/sqlite/claim.ts';
import { type Compacted, compactDatabase } from './stores/sqlite/compact.ts';
import type { DataLock } from './stores/sqlite/lock.ts';
import { restoreDatabase } from './stores/sqlite/restore.ts';
import { openSqliteStore } from './stores/sqlite/store.ts';
import { openWholeSqlite } from './stores/sqlite/whole.ts';
import type { Store, ToolStore } from './stores/store.ts';
import type { WholeDatabase } from './stores/whole.ts';

/** A whole server. */
export interface App {
  /** Opens the port. `url` is one that this machine can open. */
  listen(): Promise<{ url: string; port: number }>;
  /** Refuses new work, lets commands under way commit and answer, ends connections, closes the store. Once. */
  close(): Promise<void>;
  /** Calls back when the server cannot go on, such as when a worker of the store has died. */
  onFailure(listener: (error: Error) => void): void;
}

/** What may be given instead of what the configuration asks for. */
export interface Overrides {
  readonly logger?: Logger;
}

/** How much of the heap may be what waits for clients to read it: a character of it takes up to two bytes. */
const UNREAD_SHARE = 1 / 8;

/** How much of the time for a stop goes to sending connections away. */
const DRAIN_SHARE = 0.7;

/**
 * Puts a server together: the only place that chooses engines.
 * @throws Error when the data folder is in use, or the database cannot be opened
 */
export async function createApp(config: Config, overrides: Overrides = {}): Promise<App> {
  const logger = overrides.logger ?? createLogger({ level: config.logLevel, pretty: config.logPretty });
  const metrics = createMetrics();
  const numbers = limitNumbers(config);
  if (numbers === null)
    logger.warn('RATE_LIMITS is off: nothing is limited. Not for a server that strangers can reach');
  requireSecret(config);
  const { store, lock } = await openStore(config, logger, metrics);
  const clock = new Clock();
  const { now } = clock;
  const times = await soundTimes({ store, now, installedAt: installedAt(), logger });
  const secret = config.tokenSecret ?? (lock === null ? createSecret() : await loadOrCreateSecret(config.dataDir));

  const unread = new UnreadLedger({
    addressMax: numbers?.['unread_bytes_per_address'] ?? Number.POSITIVE_INFINITY,
    max: getHeapStatistics().heap_size_limit * UNREAD_SHARE,
    logger,
    metrics,
  });
  const delivery = new Fanout({ moreSoon: () => store.isCommitting, unread, logger, metrics });
  const { presenceGraceMs, presenceBroadcastMax, typingLapseMs } = config;
  const settings = { numbers, presenceGraceMs, presenceBroadcastMax, typingLapseMs, secret, newId: createIds() };
  const services = await createServices({ ...settings, ...times, store, delivery, now, logger, metrics });
  const { dispatcher, sessions, presence, limits } = services;

  const health = new StoreHealth(store, logger);
  const clientAddress = createClientAddress(config.trustProxy);
  const isUnnamed = createUnnamedCheck(config.trustProxy);
  const { corsOrigins, metricsToken } = config;
  const addressOf = (request: IncomingMessage) => addressKey(clientAddress(request));
  const gate = new Gate({ limits, addressOf, isUnnamed, timeoutMs: config.signInTimeoutMs, logger, metrics });
  const http = createHttpServer({
    gate,
    logger,
    metrics,
    metricsToken,
    corsOrigins,
    clientAddress,
    isUnnamed,
    health,
    version: manifest.version,
  });
  const { pingIntervalMs, pingTimeoutMs, signInTimeoutMs } = config;
  const peerKey = config.trustProxy === 0 ? addressKey : undefined;
  const waits = { pingIntervalMs, pingTimeoutMs, signInTimeoutMs, drainMs: config.shutdownTimeoutMs * DRAIN_SHARE };
  const sockets = { ...waits, corsOrigins, clientAddress, addressOf, peerKey, limits, logger, metrics };
  const socketServer = createSocketServer({ ...sockets, http: http.server, dispatcher, sessions, fanout: delivery });
  gate.protect(http.server, socketServer);
  const unsettle = settleTimes({ store, presence, clock, logger });
  const unwatchDescriptors = watchDescriptors(logger);

  return {
    async listen() {
      await health.start();
      await services.start();
      await http.ready();
      http.server.listen(config.port, config.host);
      await once(http.server, 'listening');
      const { port } = http.server.address() as AddressInfo;
      const host = ['0.0.0.0', '::'].includes(config.host) ? 'localhost' : config.host;
      return { url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`, port };
    },

    async close() {
      await socketServer.drain();
      http.server.close();
      await dispatcher.drain();
      delivery.flush();
      await socketServer.close();
      await http.close();
      unwatchDescriptors();
      unsettle();
      health.stop();
      await services.close();
      await store.close();
      lock?.release();
    },

    onFailure: (listener) => store.onFailure(listener),
  };
}

/** When this program came to this machine, in milliseconds since 1970. */
function installedAt(): number {
  return statSync(new URL('../package.json', import.meta.url)).mtimeMs;
}

/** All numbers of the limits; null when nothing is limited. @throws ConfigError when one is named that is none */
function limitNumbers({ rateLimits }: Config): RateNumbers | null {
  try {
    return rateLimits && withNumbers(rateLimits);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const mayHold = `on, off, or any of ${Object.keys(RATE_NUMBERS).join(', ')} with a number`;
    throw new ConfigError([{ name: 'RATE_LIMITS', holds: `wrong: ${error.message}`, mayHold }]);
  }
}

/** @throws ConfigError when there is neither a secret nor a folder to keep one in */
function requireSecret({ database, tokenSecret }: Config): void {
  if (database.engine === 'sqlite' || tokenSecret !== null) return;
  const mayHold = 'any text of at least 32 bytes, the same at each start: with PostgreSQL none is made';
  throw new ConfigError([{ name: 'TOKEN_SECRET', holds: 'not set', mayHold }]);
}

async function openStore(
  config: Config,
  logger: Logger,
  metrics: Metrics,
): Promise<{ store: Store; lock: DataLock | null }> {
  const { database } = config;
  const options = { queueMax: config.storeQueueMax, logger, metrics };
  if (database.engine === 'postgres') {
    return { store: await openPostgresStore({ ...options, ...database, role: 'server' }), lock: null };
  }
  const { path } = database;
  if (path === ':memory:') return { store: await openSqliteStore({ ...options, path }), lock: null };
  mkdirSync(config.dataDir, { recursive: true });
  const claim = claimDatabase(path);
  try {
    if (claim.settled === 'finished') logger.warn('a restore was interrupted, and is finished now');
    if (claim.settled === 'undone') logger.warn('a restore was interrupted, and is undone: the database is as before');
    refuseLostDatabase(claim.path);
    return { store: await openSqliteStore({ ...options, path: claim.path }), lock: claim };
  } catch (error) {
    claim.release();
    throw error;
  }
}

/**
 * Copies the database to a new file, beside a running server; see `backupDatabase`.
 * @throws Error when there is nothing to copy, the file exists, or the copy is not sound
 */
export function backup(config: Config, file: string): BackupSummary {
  return backupDatabase(findDatabase(databasePath(config, 'pg_dump')), file);
}

/**
 * Puts a backup in the place of the database; see `restoreDatabase`.
 * @throws Error when a server is running, or the backup is not sound; then nothing was changed
 */
export function restore(config: Config, file: string): ReturnType<typeof restoreDatabase> {
  mkdirSync(config.dataDir, { recursive: true });
  const claim = claimDatabase(databasePath(config, 'pg_restore'));
  try {
    return restoreDatabase(claim.path, file);
  } finally {
    claim.release();
  }
}

/**
 * Gives the room of what was deleted back to the disk; see `compactDatabase`.
 * @throws Error when a server is running, or there is no room to work in; then nothing was changed
 */
export function compact(config: Config): Compacted {
  const claim = claimDatabase(databasePath(config, 'VACUUM FULL'));
  try {
    return compactDatabase(findDatabase(claim.path));
  } finally {
    claim.release();
  }
}

/**
 * Copies all of a database into an empty one, of any engines; see `copyStore`.
 * @throws Error when a server runs on either, or the target is not empty; then the target is as before
 */
export async function migrateStore(
  { from, to }: Readonly<Record<'from' | 'to', DatabaseConfig>>,
  onProgress: (done: number, total: number) => void,
): Promise<Copied> {
  const source = await openWhole(from, true);
  try {
    await refuseForeign(source);
    const target = await openWhole(to, false);
    try {
      return await copyStore(source, target, onProgress);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

async function openWhole(database: DatabaseConfig, mustExist: boolean): Promise<WholeDatabase> {
  if (database.engine === 'postgres') return await openWholePostgres(database.url);
  const path = filePath(database);
  if (!mustExist) mkdirSync(dirname(path), { recursive: true });
  return openWholeSqlite(path, { mustExist });
}

/**
 * Opens the store for the command-line tools, beside a running server or without one, and closes it after `use`.
 * @throws Error when there is no database, or it cannot be opened
 */
export async function withAdmin(config: Config, use: (tools: { admin: Admin }) => Promise<void>): Promise<void> {
  const { store, isServed } = await openToolStore(config);
  try {
    await use({ admin: new Admin({ store, now: Date.now, newId: createIds(), isServed }) });
  } finally {
    await store.close();
  }
}

/** Opens the store beside a server or without one, with what tells whether there is one. */
async function openToolStore(config: Config): Promise<{ store: ToolStore; isServed: () => Promise<boolean> }> {
  const logger = createLogger({ level: 'error', pretty: false });
  const options = { queueMax: config.storeQueueMax, logger, metrics: createMetrics() };
  if (config.database.engine === 'postgres') {
    const { database } = config;
    const store = await openPostgresStore({ ...options, ...database, role: 'tool' });
    return { store, isServed: () => isServedOnPostgres(database.url) };
  }
  const path = findDatabase(filePath(config.database));
  return { store: await openSqliteStore({ ...options, path }), isServed: async () => isServed(path) };
}

/** @param instead what does the same for a PostgreSQL. @throws Error when the database is no file */
function databasePath({ database }: Config, instead: string): string {
  if (database.engine === 'sqlite') return filePath(database);
  throw new Error(`This is for SQLite: for a PostgreSQL use ${instead}, as docs/operating.md shows.`);
}

/** @throws Error when the database is no file */
function filePath({ path }: SqliteConfig): string {
  if (path === ':memory:') throw new Error('A database in memory has no file: set DATABASE_URL.');
  return path;
}
