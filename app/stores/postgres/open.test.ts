import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DatabaseProxy } from '../../../tests/support/database-proxy.ts';
import { deadline, until } from '../../../tests/support/deadline.ts';
import { type Postgres, startPostgres } from '../../../tests/support/postgres.ts';
import { createDatabase } from '../../../tests/support/postgres-databases.ts';
import { UnopenedError } from '../fault.ts';
import { openPostgres, type PostgresOptions } from './engine.ts';

/** What a server says of a database that it cannot use, and what it does about others that use it. */

let postgres: Postgres;
const stack = new AsyncDisposableStack();

beforeAll(async () => {
  postgres = stack.use(await startPostgres({ inMemory: true, settings: { wal_level: 'replica' } }));
});
afterAll(() => stack.disposeAsync());

const TIMES = { connectMs: 1_000, lockMs: 200, silenceMs: 2_000, claimMs: 300 };

/** An engine that is closed with its scope. */
async function open(url: string, more: Partial<PostgresOptions> = {}) {
  const onLeftOut = () => {};
  const engine = await openPostgres({ url, role: 'server', times: TIMES, onLeftOut, onFault: () => {}, ...more });
  return Object.assign(engine, { [Symbol.asyncDispose]: () => engine.close() });
}

/** Why a database cannot be opened. */
async function refusal(url: string, more: Partial<PostgresOptions> = {}): Promise<string> {
  try {
    await using _ = await open(url, more);
    return 'was opened';
  } catch (error) {
    if (!(error instanceof UnopenedError)) throw error;
    expect(error.message).not.toMatch(/\n|postgres:/);
    return `${error.kind}: ${error.message}`;
  }
}

const newUser = () => ({
  name: 'users.create',
  input: { id: randomUUID(), username: randomUUID().slice(0, 20), at: 1 },
});

/** Statements of the superuser in a database. */
const run = (database: string, ...texts: string[]) =>
  postgres.admin(async (client) => {
    for (const text of texts) await client.query(text);
  }, database);

it('says in one line why a database cannot be used, and what to do', async () => {
  await using database = await createDatabase(postgres.url());
  const { url, name } = database;
  const changed = (change: (url: URL) => void) => {
    const other = new URL(url);
    change(other);
    return other.href;
  };
  const silent = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as { port: number };
  expect(await refusal(changed((to) => (to.port = String(port))))).toMatch(
    /^away: .* at 127\.0\.0\.1:\d+: .*No server answers/,
  );
  silent.close();
  await once(silent, 'close');
  expect(await refusal(changed((to) => (to.port = String(port))))).toMatch(/ECONNREFUSED.*No server answers/);
  expect(await refusal(changed((to) => (to.hostname = 'nowhere.invalid')))).toMatch(/^away: .*No server answers/);
  expect(await refusal(changed((to) => (to.password = 'wrong')))).toMatch(/^unopened: .*password/);
  expect(await refusal(changed((to) => (to.password = '')))).toMatch(/password/);
  expect(await refusal(changed((to) => (to.username = 'nobody')))).toMatch(/^unopened: .*password or the name/);
  expect(await refusal(changed((to) => (to.pathname = '/nothing')))).toMatch(/^unopened: .*nothing.*createdb/);
  expect(await refusal(changed((to) => to.searchParams.set('sslmode', 'verify-full')))).toMatch(/SSL.*sslmode/);
  await run(name, 'ALTER SCHEMA public OWNER TO postgres', 'REVOKE CREATE ON SCHEMA public FROM public');
  expect(await refusal(url)).toMatch(/^read_only: .*permission denied.*must own the schema/);
  await run(
    'postgres',
    `ALTER DATABASE ${name} OWNER TO sohbet`,
    `ALTER DATABASE ${name} SET default_transaction_read_only = on`,
  );
  await run(name, 'SET default_transaction_read_only = off', 'ALTER SCHEMA public OWNER TO sohbet');
  expect(await refusal(url)).toMatch(/^read_only: .*primary/);
  await run('postgres', `ALTER DATABASE ${name} RESET ALL`);
  await run(name, 'REVOKE EXECUTE ON FUNCTION pg_control_system() FROM public');
  expect(await refusal(url)).toMatch(/denied for function pg_control_system.*GRANT EXECUTE/);
  await run('postgres', `ALTER DATABASE ${name} CONNECTION LIMIT 0`);
  expect(await refusal(url)).toMatch(/^unopened: .*too many connections.*max_connections/);
});

it('wants UTF-8', async () => {
  await run(
    'postgres',
    "CREATE DATABASE latin TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' OWNER sohbet",
  );
  expect(await refusal(postgres.url('latin'))).toMatch(/^unopened: .*SQL_ASCII.*-E UTF8/);
});

it('needs no right but the owner of its schema has, and none to make tables when they are there', async () => {
  await run(
    'postgres',
    'CREATE DATABASE mine',
    "CREATE ROLE owner LOGIN PASSWORD 'p'",
    "CREATE ROLE user1 LOGIN PASSWORD 'p'",
  );
  await run(
    'mine',
    'REVOKE ALL ON SCHEMA public FROM public',
    'CREATE SCHEMA chat AUTHORIZATION owner',
    'ALTER ROLE ALL IN DATABASE mine SET search_path = chat',
  );
  const as = (role: string) => postgres.url('mine').replace(/\/\/.*@/, `//${role}:p@`);
  {
    await using engine = await open(as('owner'));
    expect((await engine.write([newUser()])).replies).toMatchObject([{ ok: true }]);
  }
  await run(
    'mine',
    'GRANT USAGE ON SCHEMA chat TO user1',
    'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA chat TO user1',
  );
  await using engine = await open(as('user1'));
  expect((await engine.write([newUser()])).replies).toMatchObject([{ ok: true }]);
});

it('is made by one of six that are started at once', async () => {
  await using database = await createDatabase(postgres.url());
  const engines = await Promise.all(Array.from({ length: 6 }, () => open(database.url, { together: true })));
  expect(new Set(engines.map(({ epoch }) => epoch)).size).toBe(1);
  for (const engine of engines) await engine.close();
});

it('is refused when a newer version made it that this one does not know, and used when that may be', async () => {
  await using database = await createDatabase(postgres.url());
  await (await open(database.url)).close();
  await run(database.name, "UPDATE meta SET value = '999' WHERE key = 'schema'");
  expect(await refusal(database.url)).toBe('was opened');
  await run(database.name, "UPDATE meta SET value = '998' WHERE key = 'compatible_from'");
  expect(await refusal(database.url)).toMatch(/newer version/);
});

it('writes again once it may, though it has connected while it might not, and lives through long silence', async () => {
  await using database = await createDatabase(postgres.url());
  const { name, url } = database;
  await run('postgres', `ALTER DATABASE ${name} SET idle_session_timeout = 100`);
  await using engine = await open(url, { times: { ...TIMES, watchMs: 60_000 } });
  const sessions = () =>
    postgres.admin(async (client) => {
      const text =
        "SELECT pid FROM pg_stat_activity WHERE datname = $1 AND application_name LIKE 'sohbet %' ORDER BY pid";
      return (await client.query(text, [name])).rows;
    });
  const first = await sessions();
  const other = new Client(url).on('error', () => {});
  await other.connect();
  await new Promise<void>((resolve) => other.on('end', resolve));
  expect(await sessions()).toEqual(first);
  await run('postgres', `ALTER DATABASE ${name} SET default_transaction_read_only = on`);
  await postgres.terminateBackends(name);
  const answer = () =>
    engine.write([newUser()]).then(
      () => 'ok',
      (error) => error.fault.kind,
    );
  await until('it to say why it does not write', async () => (await answer()) === 'read_only');
  await run('postgres', `ALTER DATABASE ${name} RESET default_transaction_read_only`);
  await until('it to write again', async () => (await answer()) === 'ok');
});

it('is one server’s at a time, and free as soon as that is gone', async () => {
  await using database = await createDatabase(postgres.url());
  await using proxy = await DatabaseProxy.start(postgres.port);
  const first = await open(proxy.url(database.url));
  expect(await refusal(database.url)).toMatch(/^locked: Another server/);
  await using tool = await open(database.url, { role: 'tool' });
  expect((await tool.write([newUser()])).replies).toMatchObject([{ ok: true }]);
  // As when its process is killed.
  proxy.cut();
  await using second = await open(database.url);
  expect((await second.write([newUser()])).replies).toMatchObject([{ ok: true }]);
  await first.close();
});

it('is given up by a server that another has taken it from while it had no connection', async () => {
  await using database = await createDatabase(postgres.url());
  await using proxy = await DatabaseProxy.start(postgres.port);
  await using first = await open(proxy.url(database.url));
  const failed = new Promise<Error>((resolve) => first.onFailure(resolve));
  proxy.cut();
  await using second = await open(database.url);
  proxy.mend();
  expect((await deadline(failed, 'the first to give up')).message).toMatch(/Another server has taken the database/);
  await expect(first.write([newUser()])).rejects.toMatchObject({ fault: { kind: 'away' } });
  expect((await second.write([newUser()])).replies).toMatchObject([{ ok: true }]);
});

it('comes back to its own database, though the server has not heard that the connection was lost', async () => {
  await using database = await createDatabase(postgres.url());
  await using proxy = await DatabaseProxy.start(postgres.port);
  await using engine = await open(proxy.url(database.url));
  proxy.atCommit = 'stuck';
  await expect(engine.write([newUser()])).rejects.toMatchObject({ fault: { kind: 'away' } });
  await until('the engine to come back', () =>
    engine.write([newUser()]).then(
      () => true,
      () => false,
    ),
  );
});

it('takes a failover to a standby for another history, and a dump that is restored', async () => {
  await using primary = await startPostgres({ inMemory: true });
  const database = await createDatabase(primary.url());
  await using standby = await primary.standby();
  await using proxy = await DatabaseProxy.start(primary.port);
  await using engine = await open(proxy.url(database.url));
  const failed = new Promise<Error>((resolve) => engine.onFailure(resolve));
  await primary.caughtUp(standby);
  const there = standby.url(database.name);
  expect(await refusal(there)).toMatch(/^read_only: .*standby.*primary/);
  await primary.stop('immediate');
  await standby.promote();
  proxy.mend(standby.port);
  expect((await deadline(failed, 'the engine to see the other history')).message).toMatch(/another history/);
  await using after = await open(there);
  expect(after.epoch).not.toBe(engine.epoch);
  const epochs = new Set([engine.epoch, after.epoch]);
  // As `pg_restore --clean` does.
  const sql = new Client(there);
  await sql.connect();
  await sql.query(
    'CREATE TABLE anew AS TABLE meta; DROP TABLE meta; ALTER TABLE anew RENAME TO meta; ALTER TABLE meta ADD PRIMARY KEY (key)',
  );
  await sql.end();
  await after.close();
  await using restored = await open(there);
  epochs.add(restored.epoch);
  expect(epochs.size).toBe(3);
});
