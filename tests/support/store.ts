import { createLogger } from '../../app/core/logger.ts';
import { createMetrics, type Metrics } from '../../app/core/metrics.ts';
import { openPostgresStore } from '../../app/stores/postgres/store.ts';
import { openSqliteStore } from '../../app/stores/sqlite/store.ts';
import type { ToolStore } from '../../app/stores/store.ts';
import { databaseUrl, dataFolder, removeData, sqliteFile, testEngine } from './data.ts';

/** How a store of the tests is opened. */
interface StoreOptions {
  readonly queueMax?: number;
  readonly metrics?: Metrics;
}

/** A store of a test's own, on a new database. */
export interface OwnStore extends AsyncDisposable {
  readonly store: ToolStore;
  /** Of the database, as of a server's. */
  readonly folder: string;
  readonly metrics: Metrics;
}

/** Opens the database of a server as a tool does, to do a part of what one does. `close` it in the end. */
export function openStore(server: { readonly folder: string }): Promise<ToolStore> {
  return open(server.folder, 'tool', {});
}

/**
 * Opens a store as a server does, on a new database: `await using own = await openOwnStore()`.
 * @param where `memory` where the engine has that
 */
export async function openOwnStore(where: 'disk' | 'memory', options: StoreOptions = {}): Promise<OwnStore> {
  const { metrics = createMetrics() } = options;
  const folder = await dataFolder();
  const store = await open(folder, where === 'memory' ? 'memory' : 'server', { ...options, metrics });
  const dispose = async () => {
    await store.close();
    await removeData(folder);
  };
  return { store, folder, metrics, [Symbol.asyncDispose]: dispose };
}

function open(folder: string, role: 'server' | 'tool' | 'memory', options: StoreOptions): Promise<ToolStore> {
  const { queueMax = 10_000, metrics = createMetrics() } = options;
  const common = { queueMax, metrics, logger: createLogger({ level: 'silent', pretty: false }) };
  if (testEngine() === 'sqlite')
    return openSqliteStore({ ...common, path: role === 'memory' ? ':memory:' : sqliteFile(folder) });
  return openPostgresStore({ ...common, url: databaseUrl(folder), role: role === 'tool' ? 'tool' : 'server' });
}
