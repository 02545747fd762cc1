import { describe, expect, it } from 'vitest';
import { Database } from './sqlite/database.ts';
import { migrate } from './sqlite/migrations.ts';
import { columnsOf, isNumeric, keysOf, TABLES, type TableName } from './tables.ts';

/** A column as a schema has it. */
interface Column {
  readonly name: string;
  readonly numeric: boolean;
  readonly nullable: boolean;
}

const byName = (a: Column, b: Column) => (a.name < b.name ? -1 : 1);

/** What `tables.ts` states. */
function stated(table: TableName): Column[] {
  const kinds: Readonly<Record<string, unknown>> = TABLES[table].columns;
  return columnsOf(table)
    .map((name) => ({ name, numeric: isNumeric(table, name), nullable: String(kinds[name]).endsWith('?') }))
    .sort(byName);
}

function onSqlite(db: Database, table: TableName): Column[] {
  const rows = db.all<{ name: string; type: string; notnull: number; pk: number }>(`PRAGMA table_info(${table})`);
  return rows
    .map(({ name, type, notnull, pk }) => ({ name, numeric: type === 'INTEGER', nullable: notnull === 0 && pk === 0 }))
    .sort(byName);
}

/** The columns of each unique index, as one text. */
function keysOnSqlite(db: Database, table: TableName): string[] {
  const indexes = db.all<{ name: string; unique: number }>(`PRAGMA index_list(${table})`);
  const columns = (name: string) => db.all<{ name: string }>(`PRAGMA index_info(${name})`).map((column) => column.name);
  const rowid = db.all<{ name: string; pk: number }>(`PRAGMA table_info(${table})`).filter(({ pk }) => pk > 0);
  return [
    ...indexes.filter(({ unique }) => unique === 1).map(({ name }) => columns(name).join()),
    rowid.map(({ name }) => name).join(),
  ];
}

describe.each(Object.keys(TABLES) as TableName[])('the table %s', (table) => {
  const db = new Database(':memory:');
  migrate(db);

  it('has the columns on SQLite that are stated', () => {
    expect(onSqlite(db, table)).toEqual(stated(table));
  });

  it('has one row at most for each key', () => {
    for (const key of Object.values(keysOf(table))) expect(keysOnSqlite(db, table)).toContain(key.join());
  });
});
