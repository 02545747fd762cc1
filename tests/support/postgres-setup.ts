import type { TestProject } from 'vitest/node';
import { startPostgres } from './postgres.ts';
import { dropStaleDatabases } from './postgres-databases.ts';

/**
 * Called before the first test on PostgreSQL: all of them share the server that `TEST_DATABASE_URL` names, or one that is
 * started here, in memory, and named so.
 */
export async function setup({ vitest }: TestProject): Promise<void> {
  const given = process.env['TEST_DATABASE_URL'];
  if (given) return await dropStaleDatabases(given);
  const postgres = await startPostgres({ inMemory: true });
  process.env['TEST_DATABASE_URL'] = postgres.url();
  vitest.onClose(() => postgres[Symbol.asyncDispose]());
}
