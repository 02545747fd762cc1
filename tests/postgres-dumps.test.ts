import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createLogger } from '../app/core/logger.ts';
import { createMetrics } from '../app/core/metrics.ts';
import { openPostgresStore } from '../app/stores/postgres/store.ts';
import { openSqliteStore } from '../app/stores/sqlite/store.ts';
import { databaseUrl, dataFolder, removeData, sqliteFile } from './support/data.ts';
import { withClient } from './support/postgres-client.ts';
import { createDatabase, newName, urlOf } from './support/postgres-databases.ts';
import { findProgram } from './support/postgres-programs.ts';
import { tool } from './support/tool.ts';

const run = promisify(execFile);

const dumps = findProgram('pg_dump');
const restores = findProgram('pg_restore');
const common = { queueMax: 10, logger: createLogger({ level: 'silent', pretty: false }), metrics: createMetrics() };

/** What a server that is started on a database tells its clients. */
async function epochOf(url: string): Promise<string> {
  const store = await openPostgresStore({ ...common, url, role: 'server' });
  await store.close();
  return store.epoch;
}

/** As the owner of the databases. */
async function query(url: string, ...texts: string[]): Promise<void> {
  await withClient(url, async (client) => {
    for (const text of texts) await client.query(text);
  });
}

/** A database that was made by the first start on it, or by a copy from SQLite, in the folder of a server. */
async function newDatabase(origin: 'made' | 'copied') {
  const folder = await dataFolder();
  const url = databaseUrl(folder);
  let told = '';
  if (origin === 'copied') {
    const sqlite = await openSqliteStore({ ...common, path: sqliteFile(folder) });
    told = sqlite.epoch;
    await sqlite.close();
    await tool({ folder }, 'migrate-store', '--from', `sqlite:${sqliteFile(folder)}`, '--to', url);
  }
  const epoch = await epochOf(url);
  if (origin === 'copied') expect(epoch).toBe(told);
  return { folder, url, epoch, [Symbol.asyncDispose]: () => removeData(folder) };
}

describe('the epoch of a PostgreSQL', () => {
  it.each(['made', 'copied'] as const)(
    'stays over what keeps the history, and can be given by hand: %s here',
    async (origin) => {
      await using database = await newDatabase(origin);
      await query(
        database.url,
        'VACUUM (FULL, FREEZE) meta',
        'VACUUM (FREEZE)',
        'REINDEX TABLE meta',
        'CLUSTER meta USING meta_pkey',
      );
      expect(await epochOf(database.url)).toBe(database.epoch);
      // As docs/operating.md shows, for what nobody can see.
      await query(database.url, "UPDATE meta SET value = gen_random_uuid() WHERE key = 'epoch'");
      const given = await epochOf(database.url);
      expect(given).not.toBe(database.epoch);
      expect(await epochOf(database.url)).toBe(given);
    },
  );

  it.each(['made', 'copied'] as const)('is another in a copy of the database: %s here', async (origin) => {
    await using database = await newDatabase(origin);
    const server = process.env['TEST_DATABASE_URL'] ?? '';
    const name = newName();
    await using other = {
      name,
      url: urlOf(server, name),
      [Symbol.asyncDispose]: () => query(server, `DROP DATABASE ${name}`),
    };
    await query(server, `CREATE DATABASE ${name} TEMPLATE ${new URL(database.url).pathname.slice(1)}`);
    expect(await epochOf(other.url)).not.toBe(database.epoch);
    expect(await epochOf(database.url)).toBe(database.epoch);
  });

  it.runIf(dumps && restores).each(['made', 'copied'] as const)(
    'is another after a dump is restored: %s here',
    async (origin) => {
      await using database = await newDatabase(origin);
      await using fresh = await createDatabase(process.env['TEST_DATABASE_URL'] ?? '');
      const dump = join(database.folder, 'sohbet.dump');
      await run(dumps ?? '', ['--format=custom', '--file', dump, database.url]);
      const restore = (url: string, ...args: string[]) =>
        run(restores ?? '', ['--exit-on-error', '--no-owner', ...args, '--dbname', url, dump]);

      await restore(fresh.url);
      const epochs = [database.epoch, await epochOf(fresh.url)];
      await restore(database.url, '--clean', '--if-exists', '--single-transaction');
      epochs.push(await epochOf(database.url));
      await query(database.url, 'TRUNCATE meta, counters');
      await restore(database.url, '--data-only');
      epochs.push(await epochOf(database.url));
      expect(new Set(epochs).size).toBe(4);
      expect(await epochOf(database.url)).toBe(epochs[3]);
    },
  );
});

it('backup, restore and compact of a PostgreSQL say what to use instead', async () => {
  await using database = await newDatabase('made');
  for (const [name, argument, instead] of [
    ['backup', 'copy.db', 'pg_dump'],
    ['restore', 'copy.db', 'pg_restore'],
    ['admin', 'compact', 'VACUUM FULL'],
  ] as const) {
    const stderr = `This is for SQLite: for a PostgreSQL use ${instead}, as docs/operating.md shows.\n`;
    await expect(tool(database, name, argument)).rejects.toMatchObject({ code: 1, stderr });
  }
});
