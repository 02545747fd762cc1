import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPostgres } from '../app/stores/postgres/engine.ts';
import { hasPgBouncer, startPgBouncer } from './support/pgbouncer.ts';
import { type Postgres, startPostgres } from './support/postgres.ts';
import { createDatabase } from './support/postgres-databases.ts';

let postgres: Postgres;
const stack = new AsyncDisposableStack();

beforeAll(async () => {
  if (hasPgBouncer) postgres = stack.use(await startPostgres({ inMemory: true }));
});
afterAll(() => stack.disposeAsync());

const open = (url: string) => openPostgres({ url, role: 'server', onLeftOut: () => {}, onFault: () => {} });

describe.skipIf(!hasPgBouncer)('a pooler before the database', () => {
  it.each([1, 10])('is refused when a transaction is all that it keeps a session for, of %i', async (size) => {
    await using database = await createDatabase(postgres.url());
    await using pooler = await startPgBouncer(database.url, 'transaction', size);
    await expect(open(pooler.url)).rejects.toThrow(/pooler.*DATABASE_DIRECT_URL/);
    // Nothing of what was tried holds the database.
    await (await open(database.url)).close();
  });

  it('is as good as the database when it keeps a session for each client', async () => {
    await using database = await createDatabase(postgres.url());
    await using pooler = await startPgBouncer(database.url, 'session', 10);
    const engine = await open(pooler.url);
    await engine.close();
    await (await open(database.url)).close();
  });
});
