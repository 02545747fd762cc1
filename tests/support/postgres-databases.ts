import { withClient } from './postgres-client.ts';

/** An empty database of the caller's own. */
export interface TestDatabase extends AsyncDisposable {
  readonly name: string;
  /** How its owner connects to it. */
  readonly url: string;
}

/** How the names of the tests' databases begin; the time follows, in milliseconds since 1970. */
const PREFIX = 'sohbet_test_';

/** How long a database may stand before it counts as left by a run that was killed. */
const STALE_MS = 6 * 3_600_000;

let made = 0;

/** A name that no other database of the tests has, nor a folder. */
export function newName(): string {
  return `${PREFIX}${Date.now()}_${process.pid}_${++made}`;
}

/** How to connect to a database of a server, as the role that `server` names. */
export function urlOf(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

/** Makes an empty database on a server, which is dropped in the end: `await using database = await createDatabase(…)`. */
export async function createDatabase(server: string, name = newName()): Promise<TestDatabase> {
  await withClient(server, (client) => client.query(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`));
  return { name, url: urlOf(server, name), [Symbol.asyncDispose]: () => dropDatabase(server, name) };
}

/** Drops a database, and ends who is connected to it. */
export async function dropDatabase(server: string, name: string): Promise<void> {
  await withClient(server, (client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
}

/** Drops what killed runs have left on a server that outlives them. */
export async function dropStaleDatabases(server: string): Promise<void> {
  const text = 'SELECT datname AS name FROM pg_database WHERE starts_with(datname, $1)';
  const { rows } = await withClient(server, (client) => client.query<{ name: string }>(text, [PREFIX]));
  for (const { name } of rows) {
    const at = Number(name.slice(PREFIX.length).split('_')[0]);
    if (at < Date.now() - STALE_MS) await dropDatabase(server, name);
  }
}
