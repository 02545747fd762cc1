import type { Logger } from '../../core/logger.ts';
import type { Metrics } from '../../core/metrics.ts';
import { createStore } from '../create-store.ts';
import type { ToolStore } from '../store.ts';
import { openSqlite } from './engine.ts';

/** What the SQLite store is opened with. */
export interface SqliteStoreOptions {
  /** The database file, or `:memory:`. Its folder must exist. */
  readonly path: string;
  /** How many writes may wait before more are refused `OVERLOADED`. */
  readonly queueMax: number;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/**
 * Opens the embedded store.
 * @throws Error with the reason when the database cannot be opened
 */
export function openSqliteStore({ path, ...options }: SqliteStoreOptions): Promise<ToolStore> {
  return createStore({ ...options, open: (onFault) => openSqlite({ path, logger: options.logger, onFault }) });
}
