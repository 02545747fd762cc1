import type { Logger } from '../../core/logger.ts';
import type { Metrics } from '../../core/metrics.ts';
import { createStore } from '../create-store.ts';
import type { ToolStore } from '../store.ts';
import { openPostgres, type PostgresOptions } from './engine.ts';

/** What the PostgreSQL store is opened with. */
export interface PostgresStoreOptions extends Omit<PostgresOptions, 'onFault' | 'onLeftOut'> {
  /** How many writes may wait before more are refused `OVERLOADED`. */
  readonly queueMax: number;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/**
 * Opens the store on a PostgreSQL database.
 * @throws Error with the reason when the database cannot be used
 */
export function openPostgresStore({ queueMax, logger, metrics, ...options }: PostgresStoreOptions): Promise<ToolStore> {
  const told = new Set<string>();
  const onLeftOut: PostgresOptions['onLeftOut'] = (write, [table, key]) => {
    metrics.rowsLeftOut.inc();
    const name = `${write} ${table} ${key}`;
    if (told.has(name)) return;
    told.add(name);
    logger.warn({ write, table, key }, 'a write reads a row that it does not declare, which costs a round trip');
  };
  return createStore({
    queueMax,
    logger,
    metrics,
    open: (onFault) => openPostgres({ ...options, onFault, onLeftOut }),
  });
}
