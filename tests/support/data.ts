import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { Client, types } from 'pg';
import { createDatabase, dropDatabase, newName, urlOf } from './postgres-databases.ts';

/** What the tests keep their data in: `TEST_ENGINE`, which the projects of vitest.config.ts differ in. */
export function testEngine(): 'sqlite' | 'postgres' {
  return process.env['TEST_ENGINE'] === 'postgres' ? 'postgres' : 'sqlite';
}

/** The PostgreSQL that all tests share: `TEST_DATABASE_URL`, where databases may be made. Throws when there is none. */
function postgres(): string {
  const url = process.env['TEST_DATABASE_URL'];
  if (url === undefined || url === '') throw new Error('There is no PostgreSQL for the tests: set TEST_DATABASE_URL.');
  return url;
}

/** A new folder for one server; its database is in it, or bears its name. */
export async function dataFolder(): Promise<string> {
  const name = newName();
  const folder = join(tmpdir(), name);
  await mkdir(folder, { mode: 0o700 });
  if (testEngine() === 'postgres') await createDatabase(postgres(), name);
  return folder;
}

/** Removes a folder of {@link dataFolder} with its database. */
export async function removeData(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  if (testEngine() === 'postgres') await dropDatabase(postgres(), basename(folder));
}

/** The `DATABASE_URL` of the server with this folder. */
export function databaseUrl(folder: string): string {
  return testEngine() === 'postgres' ? urlOf(postgres(), basename(folder)) : `sqlite:${sqliteFile(folder)}`;
}

/** The database file of the server with this folder, where it has one. */
export function sqliteFile(folder: string): string {
  return join(folder, 'sohbet.db');
}

/** A look into a database beside the server, or a change behind its back. Texts have `?` for values. */
export interface Sql extends AsyncDisposable {
  all<Row>(text: string, ...values: SQLInputValue[]): Promise<Row[]>;
  run(text: string, ...values: SQLInputValue[]): Promise<void>;
}

/** Where a server's data is: its folder, and its database where that is another than the folder's. */
export interface DataPlace {
  readonly folder: string;
  readonly databaseUrl?: string;
}

/** Opens the database of a server, which may run or not: `await using sql = await openSql(server)`. */
export async function openSql(server: DataPlace): Promise<Sql> {
  if (testEngine() === 'sqlite') return openSqlite(sqliteFile(server.folder));
  const connectionString = server.databaseUrl ?? databaseUrl(server.folder);
  const client = new Client({ connectionString, types: { getTypeParser: parserOf } });
  // When the server ends the connection, the query under way rejects.
  client.on('error', () => {});
  await client.connect();
  const query = (text: string, values: unknown[]) => {
    let n = 0;
    return client.query(
      text.replace(/\?/g, () => `$${++n}`),
      values,
    );
  };
  return {
    all: async (text, ...values) => (await query(text, values)).rows,
    run: async (text, ...values) => void (await query(text, values)),
    [Symbol.asyncDispose]: () => client.end(),
  };
}

function openSqlite(file: string): Sql {
  const db = new DatabaseSync(file, { timeout: 5_000 });
  return {
    all: async <Row>(text: string, ...values: SQLInputValue[]) => db.prepare(text).all(...values) as Row[],
    run: async (text, ...values) => void db.prepare(text).run(...values),
    [Symbol.asyncDispose]: async () => db.close(),
  };
}

/** Whole numbers as numbers, as SQLite gives them. */
const parserOf: typeof types.getTypeParser = (id: number, format?: 'text' | 'binary') =>
  id === types.builtins.INT8 ? Number : types.getTypeParser(id, format as 'text');

/** Lets the server hear that something was written beside it, as a tool does; SQLite tells it by itself. */
export async function tellServer(sql: Sql): Promise<void> {
  if (testEngine() === 'sqlite') return;
  await sql.run(`INSERT INTO lanes (id, batch) VALUES ('beside', 1)
    ON CONFLICT (id) DO UPDATE SET batch = lanes.batch + 1`);
  await sql.run('NOTIFY sohbet');
}

/** Keeps everybody from writing to the database of a server, as another process may, until it is released. */
export async function holdDatabase(server: { readonly folder: string }): Promise<{ release(): Promise<void> }> {
  const sql = await openSql(server);
  if (testEngine() === 'sqlite') await sql.run('BEGIN IMMEDIATE');
  else {
    await sql.run('BEGIN');
    await sql.run('LOCK TABLE users, rooms, messages, members IN EXCLUSIVE MODE');
  }
  return {
    async release() {
      await sql.run('ROLLBACK');
      await sql[Symbol.asyncDispose]();
    },
  };
}
