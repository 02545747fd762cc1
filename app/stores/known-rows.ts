import type { AnyRow } from './query.ts';
import { keyOf, keysOf, TABLES, type TableName } from './tables.ts';

/** A row that is found by a key of its table. */
export type Wanted = readonly [table: TableName, key: string, ...values: (string | number)[]];

/** The rows of one table by one key; null: there is none. */
type Index = Map<string | number, AnyRow | null>;

/** Rows that were read or made, each one object, whichever key it is found by. */
export class KnownRows {
  readonly #indexes = new Map<TableName, Map<string, Index>>();
  #size = 0;

  constructor() {
    for (const table of Object.keys(TABLES) as TableName[]) {
      this.#indexes.set(table, new Map(Object.keys(keysOf(table)).map((key) => [key, new Map()])));
    }
  }

  /** How many keys it holds. */
  get size(): number {
    return this.#size;
  }

  /** The row; null when there is none, undefined when that is not known. */
  find(table: TableName, key: string, values: readonly (string | number)[]): AnyRow | null | undefined {
    return this.#index(table, key).get(placeOf(values));
  }

  /**
   * Takes note of what was read.
   * @returns the object that stands for the row, which is the one of before where it was read by another key
   */
  add([table, key, ...values]: Wanted, row: AnyRow | undefined): AnyRow | null {
    const kept = row === undefined ? null : (this.find(table, 'id', valuesOf(row, keyOf(table))) ?? row);
    if (kept !== null) this.set(table, kept, kept);
    this.#put(table, key, values, kept);
    return kept;
  }

  /** Lets a row be found by all of its keys, or with null be known as absent. */
  set(table: TableName, row: AnyRow, known: AnyRow | null): void {
    for (const key in keysOf(table)) {
      const values = keyOf(table, key).map((column) => row[column]);
      // A column that is not there is one of a row of which the key alone is known.
      if (!values.includes(null) && !values.includes(undefined)) {
        this.#put(table, key, values as (string | number)[], known);
      }
    }
  }

  /** Forgets the rows of a table. */
  clear(table: TableName): void {
    for (const index of this.#indexes.get(table)?.values() ?? []) {
      this.#size -= index.size;
      index.clear();
    }
  }

  /** Forgets the rows of all tables but these. */
  keepOnly(tables: ReadonlySet<TableName>): void {
    for (const table of this.#indexes.keys()) if (!tables.has(table)) this.clear(table);
  }

  #index(table: TableName, key: string): Index {
    const index = this.#indexes.get(table)?.get(key);
    if (index === undefined) throw new Error(`The table ${table} has no key ${key}.`);
    return index;
  }

  #put(table: TableName, key: string, values: readonly (string | number)[], row: AnyRow | null): void {
    const index = this.#index(table, key);
    this.#size -= index.size;
    index.set(placeOf(values), row);
    this.#size += index.size;
  }
}

/** No value but the last holds a space. */
const placeOf = (values: readonly (string | number)[]): string | number =>
  values.length === 1 ? (values[0] ?? '') : values.join(' ');

const valuesOf = (row: AnyRow, columns: readonly string[]) => columns.map((column) => row[column] ?? '');
