import type { AnyRow } from './query.ts';
import { keyOf, keysOf, TABLES, type TableName } from './tables.ts';

/** A row that is found by a key of its table. */
export type Wanted = readonly [table: TableName, key: string, ...values: (string | number)[]];

/** Whether a row is among those that a call declares. */
export function isAmong(declared: readonly Wanted[], wanted: Wanted): boolean {
  const place = wanted.join(' ');
  return declared.some((one) => one.join(' ') === place);
}

/** The rows of one table by one key, a level for each of its values; null: there is none. */
type Level = Map<string | number, Level | AnyRow | null>;

/** What is known of one table. */
interface Known {
  readonly levels: { readonly [key: string]: Level };
  /** Rows that were made and are in none of the levels yet: most are never looked for. */
  made: AnyRow[];
  /** How many places the levels hold. */
  size: number;
}

/** Rows that were read or made, each one object, whichever key it is found by. */
export class KnownRows {
  readonly #tables = new Map<TableName, Known>();

  constructor() {
    for (const table of Object.keys(TABLES) as TableName[]) {
      const levels = Object.fromEntries(Object.keys(keysOf(table)).map((key): [string, Level] => [key, new Map()]));
      this.#tables.set(table, { levels, made: [], size: 0 });
    }
  }

  /** How many keys it holds. */
  get size(): number {
    let size = 0;
    for (const known of this.#tables.values()) size += known.size + known.made.length;
    return size;
  }

  /** The row; null when there is none, undefined when that is not known. */
  find(table: TableName, key: string, values: readonly (string | number)[]): AnyRow | null | undefined {
    let found: Level | AnyRow | null | undefined = this.#levels(table)[key];
    for (let i = 0; i < values.length && found instanceof Map; i++) found = found.get(values[i] ?? '');
    return found as AnyRow | null | undefined;
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

  /** Takes note of a row that was made. */
  make(table: TableName, row: AnyRow): void {
    this.#known(table).made.push(row);
  }

  /** Lets a row be found by all of its keys, or with null be known as absent. */
  set(table: TableName, row: AnyRow, known: AnyRow | null): void {
    // What was made before is placed before it.
    this.#levels(table);
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
    const known = this.#known(table);
    known.made = [];
    if (known.size === 0) return;
    known.size = 0;
    for (const level of Object.values(known.levels)) level.clear();
  }

  /** Forgets the rows of all tables but these. */
  keepOnly(tables: ReadonlySet<TableName>): void {
    for (const table of this.#tables.keys()) if (!tables.has(table)) this.clear(table);
  }

  #known(table: TableName): Known {
    const known = this.#tables.get(table);
    if (known === undefined) throw new Error(`There is no table ${table}.`);
    return known;
  }

  /** The levels of a table, with the rows in them that were made. */
  #levels(table: TableName): Known['levels'] {
    const known = this.#known(table);
    if (known.made.length > 0) {
      const { made } = known;
      known.made = [];
      for (const row of made) this.set(table, row, row);
    }
    return known.levels;
  }

  #put(table: TableName, key: string, values: readonly (string | number)[], row: AnyRow | null): void {
    const known = this.#known(table);
    const top = known.levels[key];
    if (top === undefined) throw new Error(`The table ${table} has no key ${key}.`);
    let level = top;
    const last = values.length - 1;
    for (let i = 0; i < last; i++) level = below(level, values[i] ?? '');
    const before = level.size;
    level.set(values[last] ?? '', row);
    known.size += level.size - before;
  }
}

/** The level below a value, made where there is none. */
function below(level: Level, value: string | number): Level {
  const found = level.get(value);
  if (found instanceof Map) return found;
  const made: Level = new Map();
  level.set(value, made);
  return made;
}

const valuesOf = (row: AnyRow, columns: readonly string[]) => columns.map((column) => row[column] ?? '');
