import { columnsOf, keyOf, type TableName } from '../tables.ts';

/** A statement over one row, and which of its columns are its values, in order. */
export interface Statement {
  readonly text: string;
  readonly columns: readonly string[];
}

/** Keeps what was made, by a key: a statement is prepared by its text, which is then one object. */
function once<T>(make: (...key: string[]) => T): (...key: string[]) => T {
  const made = new Map<string, T>();
  return (...key) => {
    const place = key.join(' ');
    const found = made.get(place) ?? make(...key);
    made.set(place, found);
    return found;
  };
}

const where = (columns: readonly string[]) => columns.map((column) => `${column} = ?`).join(' AND ');

const selections = once((table, key) => {
  const name = table as TableName;
  return `SELECT ${columnsOf(name).join(', ')} FROM ${name} WHERE ${where(keyOf(name, key))}`;
});
const insertions = once((table): Statement => {
  const columns = columnsOf(table as TableName);
  const places = columns.map(() => '?').join(', ');
  return { text: `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${places})`, columns };
});
const updates = once((table, ...columns): Statement => {
  const key = keyOf(table as TableName);
  const changes = columns.map((column) => `${column} = ?`).join(', ');
  return { text: `UPDATE ${table} SET ${changes} WHERE ${where(key)}`, columns: [...columns, ...key] };
});
const deletions = once((table): Statement => {
  const columns = keyOf(table as TableName);
  return { text: `DELETE FROM ${table} WHERE ${where(columns)}`, columns };
});

/** The statement that reads a row by a key, whose columns are its values. */
export const selectionOf = (table: TableName, key: string): string => selections(table, key);

/** The statement that adds a row. */
export const insertionOf = (table: TableName): Statement => insertions(table);

/** The statement that changes columns of a row. */
export const updateOf = (table: TableName, columns: readonly string[]): Statement => updates(table, ...columns);

/** The statement that removes a row. */
export const deletionOf = (table: TableName): Statement => deletions(table);
