import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { Database } from '../app/stores/sqlite/database.ts';
import { migrate } from '../app/stores/sqlite/migrations.ts';
import { guest } from './support/client.ts';
import { dataFolder } from './support/data.ts';
import { until } from './support/deadline.ts';
import { contents, everything, goOver, onPostgres, type Pair, pairOf } from './support/pair.ts';
import { RunningProgram } from './support/process.ts';
import { TestServer } from './support/server.ts';

describe('migrate-store refuses, and changes nothing,', () => {
  it('where a server runs, where the target is not empty, and where there is no source', async () => {
    const pair = pairOf(await dataFolder());
    await using server = new TestServer(pair.folder, { env: { DATABASE_URL: pair.sqlite } });
    await expect(goOver(pair, pair.sqlite, pair.postgres)).rejects.toMatchObject({ stderr: /There is no database / });
    await expect(goOver(pair, pair.postgres, pair.sqlite)).rejects.toMatchObject({ stderr: /There is no database / });
    expect(existsSync(pair.file)).toBe(false);
    await server.start();
    await guest(server, 'ada');
    const taken = { code: 1, stderr: expect.stringContaining('Another server is using the database') };
    await expect(goOver(pair, pair.sqlite, pair.postgres)).rejects.toMatchObject(taken);
    expect(await onPostgres(pair.postgres, "SELECT 1 FROM pg_tables WHERE schemaname = 'public'")).toEqual([]);

    await server.restart({ env: { DATABASE_URL: pair.postgres } });
    await guest(server, 'can');
    await expect(goOver(pair, pair.sqlite, pair.postgres)).rejects.toMatchObject(taken);
    await server.stop();
    const before = [await everything(pair.sqlite), await everything(pair.postgres)];
    for (const [from, to] of [
      [pair.sqlite, pair.postgres],
      [pair.postgres, pair.sqlite],
    ] as const)
      await expect(goOver(pair, from, to)).rejects.toMatchObject({ code: 1, stderr: /is not empty/ });
    expect([await everything(pair.sqlite), await everything(pair.postgres)]).toEqual(before);
  });
});

describe('migrate-store with a database of before', () => {
  it('leaves it alone where it is not empty, and brings it up to date where it is copied', async () => {
    await using server = new TestServer(await dataFolder(), {});
    const pair = pairOf(server.folder);
    await server.start();
    await server.stop();
    const old = new Database(pair.file);
    migrate(old, 9);
    old.run("INSERT INTO users VALUES ('u', 'ada', 'ada', 0, 1, 2, 3, NULL, 4)");
    const schema = () => old.get('PRAGMA user_version');
    await expect(goOver(pair, pair.postgres, pair.sqlite)).rejects.toMatchObject({ code: 1, stderr: /is not empty/ });
    expect(schema()).toEqual({ user_version: 9 });
    await goOver(pair, pair.sqlite, pair.postgres);
    old.close();
    expect(await contents(pair.postgres)).toEqual(await contents(pair.sqlite));
    expect(await onPostgres(pair.postgres, 'SELECT username, seen_at FROM users')).toEqual([
      { username: 'ada', seen_at: 4 },
    ]);
  });
});

describe('migrate-store that is killed, or does not copy what is there,', () => {
  it('leaves both databases as they were, and can be run again', async () => {
    const pair = pairOf(await dataFolder());
    await using server = new TestServer(pair.folder, { env: { DATABASE_URL: pair.postgres } });
    // It has been started on, and nothing more.
    await server.start();
    await server.restart({ env: { DATABASE_URL: pair.sqlite } });
    const ada = await guest(server, 'ada');
    await ada.say(await ada.createRoom(), 'hello');
    await server.stop();
    const before = [await everything(pair.sqlite), await everything(pair.postgres)];
    {
      await using stopped = await atMessages(pair.postgres, 'PERFORM pg_advisory_xact_lock_shared(42); RETURN NEW;');
      await using copying = startCopy(pair);
      await stopped.isWaiting();
      using beside = new DatabaseSync(pair.file, { timeout: 0 });
      expect(() => beside.exec('BEGIN IMMEDIATE')).toThrow('database is locked');
      copying.kill('SIGKILL');
      await copying.ended();
    }
    await until('the end of its session', async () => (await copiers(pair.postgres)) === 0);
    expect([await everything(pair.sqlite), await everything(pair.postgres)]).toEqual(before);

    for (const [does, how] of [
      ["NEW.content := 'other'; RETURN NEW;", 'its table messages has as many rows, but other ones.'],
      [
        "IF NEW.content <> 'hello' THEN RETURN NEW; END IF; RETURN NULL;",
        /its table messages has \d rows instead of \d/,
      ],
    ] as const) {
      await using _ = await atMessages(pair.postgres, does);
      const stderr = expect.stringMatching(how);
      await expect(goOver(pair, pair.sqlite, pair.postgres)).rejects.toMatchObject({ stderr });
      expect([await everything(pair.sqlite), await everything(pair.postgres)]).toEqual(before);
    }

    const secret = 'a secret of the old server, 32 bytes or more';
    await writeFile(join(pair.folder, 'token-secret'), secret);
    await using copying = startCopy(pair);
    expect(await copying.ended()).toMatchObject({ code: 0 });
    expect(copying.stdout).toContain(`what the file ${join(pair.folder, 'token-secret')} holds`);
    expect(copying.stdout).not.toContain(secret);
    expect(await contents(pair.postgres)).toEqual(await contents(pair.sqlite));
  });
});

const TOOL = join(import.meta.dirname, '../app/cli/migrate-store.ts');

function startCopy({ folder, sqlite, postgres }: Pair): RunningProgram {
  return new RunningProgram(process.execPath, [TOOL, '--from', sqlite, '--to', postgres], { cwd: folder, env: {} });
}

/** How many sessions copy. */
async function copiers(url: string): Promise<number> {
  const text = `SELECT 1 FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'sohbet copy%'`;
  return (await onPostgres(url, text)).length;
}

/** Does something to each message that is added, until it is disposed of. */
async function atMessages(url: string, does: string) {
  const client = new Client(url);
  await client.connect();
  await client.query(`SELECT pg_advisory_lock(42);
    CREATE FUNCTION at_message() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${does} END $$;
    CREATE TRIGGER at_message BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION at_message()`);
  const waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 42";
  return {
    isWaiting: () => until('the first message', async () => (await client.query(waiting)).rowCount === 1),
    async [Symbol.asyncDispose]() {
      await client.query(
        'SELECT pg_advisory_unlock(42); DROP TRIGGER at_message ON messages; DROP FUNCTION at_message()',
      );
      await client.end();
    },
  };
}
