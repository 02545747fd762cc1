import { Client } from 'pg';

/** A database of a test's own, on the server that all tests share. */
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

/** The server of the tests, where databases may be made: `TEST_DATABASE_URL`. Throws when there is none. */
function testServerUrl(): string {
  const url = process.env['TEST_DATABASE_URL'];
  if (url === undefined || url === '') throw new Error('There is no PostgreSQL for the tests: set TEST_DATABASE_URL.');
  return url;
}

/** Makes an empty database, which is dropped with its connections in the end. */
export async function createDatabase(server = testServerUrl()): Promise<TestDatabase> {
  const name = `${PREFIX}${Date.now()}_${process.pid}_${++made}`;
  await onServer(server, (client) => client.query(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`));
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    name,
    url: url.href,
    async [Symbol.asyncDispose]() {
      await onServer(server, (client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
    },
  };
}

/** Drops what killed runs have left on a server that outlives them. */
export async function dropStaleDatabases(server: string): Promise<void> {
  await onServer(server, async (client) => {
    const text = 'SELECT datname AS name FROM pg_database WHERE starts_with(datname, $1)';
    const { rows } = await client.query<{ name: string }>(text, [PREFIX]);
    const limit = Date.now() - STALE_MS;
    for (const { name } of rows) {
      const time = Number(name.slice(PREFIX.length).split('_')[0]);
      if (time < limit) await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    }
  });
}

async function onServer<T>(server: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(server);
  // When the server ends the connection, the query under way rejects.
  client.on('error', () => {});
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
