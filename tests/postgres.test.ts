import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { type Postgres, startPostgres } from './support/postgres.ts';
import { withClient } from './support/postgres-client.ts';
import { createDatabase, dropStaleDatabases } from './support/postgres-databases.ts';
import { findPostgres } from './support/postgres-programs.ts';
import { RunningProgram } from './support/process.ts';

/** What a query by the owner of the databases gives. */
async function query<Row>(url: string, text: string): Promise<Row[]> {
  return await withClient(url, async (client) => (await client.query(text)).rows);
}

async function names(postgres: Postgres): Promise<string[]> {
  const rows = await query<{ datname: string }>(postgres.url(), 'SELECT datname FROM pg_database');
  return rows.map(({ datname }) => datname);
}

describe.skipIf(findPostgres() === undefined)('the PostgreSQL of the tests', () => {
  it('keeps what was committed over a crash, and is no other user’s', async () => {
    await using postgres = await startPostgres();
    await using database = await createDatabase(postgres.url());
    expect(statSync(postgres.folder).mode & 0o077).toBe(0);
    await query(database.url, 'CREATE TABLE kept AS SELECT 1 AS a');
    await postgres.stop('immediate');
    await expect(query(database.url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
    await postgres.start();
    expect(await query(database.url, 'SELECT a FROM kept')).toEqual([{ a: 1 }]);
    const [role] = await query(postgres.url(), 'SELECT rolsuper FROM pg_roles WHERE rolname = current_user');
    expect(role).toEqual({ rolsuper: false });
    const wrong = postgres.url().replace(/:[^:@]*@/, ':wrong@');
    await expect(query(wrong, 'SELECT 1')).rejects.toThrow('password authentication failed');
  });

  it('drops what a database was made for, and in time what killed runs have left', async () => {
    await using postgres = await startPostgres({ inMemory: true });
    const database = await createDatabase(postgres.url());
    await createDatabase(postgres.url(), 'sohbet_test_1_1_1');
    await dropStaleDatabases(postgres.url());
    expect(await names(postgres)).toContain(database.name);
    await database[Symbol.asyncDispose]();
    expect(await names(postgres)).toEqual(['postgres', 'template1', 'template0']);
  });

  it.runIf(process.platform === 'linux')('stands still, and goes on', async () => {
    await using postgres = await startPostgres({ inMemory: true });
    postgres.pause();
    let answered = false;
    const rows = query(postgres.url(), 'SELECT 1 AS a').finally(() => {
      answered = true;
    });
    const states = execFileSync('sh', ['-c', `cut -d' ' -f3 /proc/${postgres.pid}/stat`], { encoding: 'utf8' });
    expect([states.trim(), answered]).toEqual(['T', false]);
    postgres.resume();
    expect(await rows).toEqual([{ a: 1 }]);
    expect(await postgres.terminateBackends()).toBe(0);
  });

  it('has a standby, which takes over', async () => {
    await using primary = await startPostgres({ inMemory: true });
    await using standby = await primary.standby();
    await using database = await createDatabase(primary.url());
    await query(database.url, 'CREATE TABLE kept AS SELECT 1 AS a');
    await primary.caughtUp(standby);
    await expect(query(standby.url(), 'CREATE DATABASE other')).rejects.toThrow('read-only');
    await primary.stop('immediate');
    await standby.promote();
    expect(await query(standby.url(database.name), 'SELECT a FROM kept')).toEqual([{ a: 1 }]);
    await query(standby.url(database.name), 'INSERT INTO kept VALUES (2)');
    await primary.start();
  });

  it('ends, and leaves nothing, when the run is killed', async () => {
    const file = join(import.meta.dirname, 'support/postgres.ts');
    const script = `const { startPostgres } = await import(${JSON.stringify(file)});
      const postgres = await startPostgres({ inMemory: true });
      process.stdout.write(postgres.folder + ' ' + postgres.pid + '\\n');
      setInterval(() => {}, 1000);`;
    const options = { cwd: import.meta.dirname, env: {} };
    await using program = new RunningProgram(process.execPath, ['--input-type=module', '-e', script], options);
    const [, folder = '', pid = ''] = await program.output(/(\S+) (\d+)\n/);
    expect(existsSync(join(folder, 'data'))).toBe(true);
    program.kill('SIGKILL');
    await vi.waitUntil(() => !existsSync(folder), 20_000);
    expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH');
  });
});
