import type pg from 'pg';
import type { Wanted } from '../known-rows.ts';
import type { AnyRow, Query, Value } from '../query.ts';
import { columnsOf, isNumeric, keyOf, type LockName, type TableName } from '../tables.ts';
import type { Change } from '../tx.ts';
import type { Statement } from './connection.ts';

/** A statement and what it is given. */
export interface Asked {
  readonly statement: Statement;
  readonly values: readonly unknown[];
}

/**
 * The statements of an engine, each made once: what reads rows by a key, locks and writes them follows from `tables.ts`,
 * others from the text of a query. Rows are given as one list a column (`unnest`), so that a text is the same for any
 * number of them.
 */
export class Statements {
  readonly #made = new Map<string, Statement>();

  /** Locks rows in the order of their ids, and reads them as they are then; `skips`: but those that another has locked. */
  lock(table: LockName, ids: readonly string[], skips: boolean): Asked {
    const [key] = keyOf(table);
    const statement = this.#make(`lock ${table} ${skips}`, () => {
      const some = `SELECT ${columnsOf(table).join(', ')} FROM ${table} WHERE ${key} = ANY($1::text[]) ORDER BY ${key}`;
      return `${some} FOR NO KEY UPDATE${skips ? ' SKIP LOCKED' : ''}`;
    });
    return { statement, values: [ids] };
  }

  /**
   * Reads rows of one table by one key. LATERAL with LIMIT goes by the key's index for each, whatever the planner knows of
   * the table: a plan made while it is empty is kept.
   */
  load(table: TableName, key: string, wanted: readonly Wanted[]): Asked {
    const columns = keyOf(table, key);
    const statement = this.#make(`load ${table} ${key}`, () => {
      const given = unnest(table, columns, ' WITH ORDINALITY');
      const same = columns.map((column) => `t.${column} = v.${column}`).join(' AND ');
      const read = columnsOf(table).map((column) => `t.${column}`);
      return `SELECT v.number, t.* FROM ${given} CROSS JOIN LATERAL (SELECT ${read.join(', ')} FROM ${table} t WHERE ${same} LIMIT 1) t`;
    });
    return { statement, values: columns.map((_, c) => wanted.map((one) => one[c + 2])) };
  }

  /** Writes rows that are written alike, or runs a statement. */
  write(change: Change): Asked {
    if (change.kind === 'run') return this.query(change.query);
    const { table, rows } = change;
    const columns = change.kind === 'update' ? change.columns : [];
    const key = keyOf(table);
    const used = change.kind === 'insert' ? columnsOf(table) : [...columns, ...key];
    const statement = this.#make(`${change.kind} ${table} ${columns.join()}`, () => {
      const given = unnest(table, used);
      const same = key.map((column) => `t.${column} = v.${column}`).join(' AND ');
      switch (change.kind) {
        case 'insert':
          return `INSERT INTO ${table} (${used.join(', ')}) SELECT * FROM ${given}`;
        case 'update':
          return `UPDATE ${table} t SET ${columns.map((column) => `${column} = v.${column}`).join(', ')} FROM ${given} WHERE ${same}`;
        case 'delete':
          return `DELETE FROM ${table} t USING ${given} WHERE ${same}`;
      }
    });
    return { statement, values: used.map((column) => rows.map((row) => row[column])) };
  }

  /** Asks a query of portable SQL. */
  query({ text, tuples, isEach }: Query): Asked {
    const [first = []] = tuples;
    const types = first.map(typeOf);
    const statement = this.#make(`${isEach ? 'each' : 'one'} ${types.join()} ${text}`, () =>
      isEach ? lateral(text, types) : place(text, (i) => `$${i + 1}::${types[i]}`),
    );
    return { statement, values: isEach ? types.map((_, i) => tuples.map((tuple) => tuple[i])) : first };
  }

  /** A statement of the engine's own. */
  own(text: string): Statement {
    return this.#make(text, () => text);
  }

  #make(key: string, text: () => string): Statement {
    let made = this.#made.get(key);
    if (made === undefined) {
      made = { name: `s${this.#made.size}`, text: text() };
      this.#made.set(key, made);
    }
    return made;
  }
}

/** The rows of each of so many lists of values, of an answer whose first column is the number of the list. */
export function numbered(lists: number, { fields, rows }: pg.QueryArrayResult<unknown[]>): AnyRow[][] {
  const answer: AnyRow[][] = Array.from({ length: lists }, () => []);
  for (const values of rows) {
    const row: AnyRow = {};
    for (let i = 1; i < values.length; i++) row[fields[i]?.name ?? ''] = values[i] as AnyRow[string];
    answer[Number(values[0]) - 1]?.push(row);
  }
  return answer;
}

/**
 * A query once for each list of values. Rows come list by list, in the order of the query: the list is the outer side of a
 * nested loop, the only join that our sessions allow and LATERAL knows.
 */
function lateral(text: string, types: readonly string[]): string {
  const names = types.map((_, i) => `v${i}`);
  const given = `unnest(${types.map((type, i) => `$${i + 1}::${type}[]`).join(', ')})`;
  const inner = place(text, (i) => `asked.${names[i]}`);
  return `SELECT asked.number AS asked, answer.* FROM ${given} WITH ORDINALITY AS asked (${[...names, 'number'].join(', ')}) CROSS JOIN LATERAL (${inner}) answer`;
}

/** Puts something in the place of each `?` that stands outside of quotes. */
function place(text: string, value: (i: number) => string): string {
  let i = 0;
  return text.replace(/'[^']*'|"[^"]*"|\?/g, (found) => (found === '?' ? value(i++) : found));
}

const typeOf = (value: Value): string => (typeof value === 'string' ? 'text' : 'bigint');

function unnest(table: TableName, columns: readonly string[], ordinality = ''): string {
  const lists = columns.map((column, i) => `$${i + 1}::${isNumeric(table, column) ? 'bigint' : 'text'}[]`);
  const names = ordinality === '' ? columns : [...columns, 'number'];
  return `unnest(${lists.join(', ')})${ordinality} AS v (${names.join(', ')})`;
}
