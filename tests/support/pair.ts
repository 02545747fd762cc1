import { DatabaseSync } from 'node:sqlite';
import { type ClientConfig, types } from 'pg';
import { columnsOf, TABLES, type TableName } from '../../app/stores/tables.ts';
import { databaseUrl, sqliteFile } from './data.ts';
import { withClient } from './postgres-client.ts';
import { tool } from './tool.ts';

/** Two databases of one folder. */
export interface Pair {
  readonly folder: string;
  readonly file: string;
  readonly sqlite: string;
  readonly postgres: string;
}

/** The databases of the folder of a server of a test on PostgreSQL; that in a file need not be there. */
export function pairOf(folder: string): Pair {
  const file = sqliteFile(folder);
  return { folder, file, sqlite: `sqlite:${file}`, postgres: databaseUrl(folder) };
}

/** Copies all of one database into another, named as in `DATABASE_URL`. */
export const goOver = (pair: Pair, from: string, to: string) => tool(pair, 'migrate-store', '--from', from, '--to', to);

/** Asks a PostgreSQL on a connection of its own. */
export async function onPostgres<Row>(url: string, text: string): Promise<Row[]> {
  const to: ClientConfig = {
    connectionString: url,
    types: { getTypeParser: (id, format) => (id === 20 ? Number : types.getTypeParser(id, format as 'text')) },
  };
  return await withClient(to, async (client) => (await client.query(text)).rows);
}

/** All rows of all tables, in an order of their own. */
export async function contents(url: string): Promise<Record<string, string[]>> {
  const all: Record<string, string[]> = {};
  const db = url.startsWith('sqlite:') ? new DatabaseSync(url.slice('sqlite:'.length)) : null;
  for (const table of Object.keys(TABLES) as TableName[]) {
    const text = `SELECT ${columnsOf(table).join(', ')} FROM ${table}`;
    const rows = db === null ? await onPostgres(url, text) : db.prepare(text).all();
    all[table] = rows.map((row) => JSON.stringify(row)).sort();
  }
  db?.close();
  return all;
}

/** All rows of all tables, and what tells of the database. */
export async function everything(url: string) {
  const text = 'SELECT key, value FROM meta ORDER BY key';
  if (!url.startsWith('sqlite:')) return { ...(await contents(url)), meta: await onPostgres(url, text) };
  const db = new DatabaseSync(url.slice('sqlite:'.length));
  try {
    return { ...(await contents(url)), meta: db.prepare(text).all() };
  } finally {
    db.close();
  }
}
