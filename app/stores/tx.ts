import type { Activity } from './activity.ts';
import type { LogEntry } from './entry.ts';
import { KnownRows, type Wanted } from './known-rows.ts';
import { type AnyRow, type Query, sql, type Value } from './query.ts';
import {
  guardOf,
  type KeyName,
  keysOf,
  type LockName,
  type NewRow,
  type Row,
  type TableName,
  wholeRow,
} from './tables.ts';

/** How an engine reads for a write. One that must wait throws, reads, and runs the write again. */
export interface TxReader {
  /** A row by a key. */
  row(wanted: Wanted): AnyRow | undefined;
  /** Rows that no key finds, as this transaction has left them: pending changes are written first. */
  rows(query: Query<AnyRow[]>): AnyRow[];
}

/** The ids that a call may change rows of, by what is locked. */
export type Held = { readonly [L in LockName]: readonly string[] };

/** Rows of one table that are written alike, or a statement over many rows. */
export type Change = RowChange | { readonly kind: 'run'; readonly query: Query };

type RowChange =
  | { readonly kind: 'delete' | 'insert'; readonly table: TableName; readonly rows: AnyRow[] }
  | {
      readonly kind: 'update';
      readonly table: TableName;
      readonly columns: readonly string[];
      readonly rows: AnyRow[];
    };

/** What is to be done to one row: all of it, or these columns. */
interface Pending {
  readonly table: TableName;
  readonly change: 'insert' | 'delete' | Set<string>;
}

const NOTHING_HELD: Held = { rooms: [], users: [], counters: [] };

/**
 * The unit of work: what writes see between BEGIN and COMMIT. Rows are changed in memory, at once visible to the calls
 * behind, and written together before COMMIT. A refusal takes back what its own call changed, and nothing of others.
 */
export class Tx {
  /** What the calls tell the members of rooms, in order. */
  readonly entries: LogEntry[] = [];
  /** Says when the places of rooms by activity are written. */
  readonly activity: Activity;
  readonly #reader: TxReader;
  readonly #known: KnownRows;
  readonly #pending = new Map<AnyRow, Pending>();
  #written: Change[] = [];
  #undo: (() => void)[] = [];
  #held = NOTHING_HELD;
  #heldAt = 0;
  #hasRun = false;

  /**
   * @param activity the one of all writes of this process
   * @param known rows that are surely as the transaction sees them
   */
  constructor(reader: TxReader, activity: Activity, known = new KnownRows()) {
    this.#reader = reader;
    this.activity = activity;
    this.#known = known;
  }

  /** The row of a key, undefined when there is none. A write says in its `reads` which rows it gets. */
  get<T extends TableName>(table: T, key: KeyName<T>, ...values: (string | number)[]): Row<T> | undefined {
    let row = this.#known.find(table, key, values);
    if (row === undefined) {
      const wanted: Wanted = [table, key, ...values];
      row = this.#known.add(wanted, this.#reader.row(wanted));
    }
    // The schema is ours: a row of a table has the columns that `tables.ts` states.
    return (row ?? undefined) as unknown as Row<T> | undefined;
  }

  /** Rows that no key finds. Call before the first change of a call: then the engine may run the call again. */
  all<R>(text: string, ...values: Value[]): R[] {
    if (this.#undo.length > 0) throw new Error('A call reads what no key finds before it changes anything.');
    return this.#reader.rows(sql<AnyRow>(text, ...values)) as R[];
  }

  /** Adds a row. */
  insert<T extends TableName>(table: T, columns: NewRow<T>): Row<T> {
    const row = wholeRow(table, columns);
    const added = row as unknown as AnyRow;
    this.#checkGuard(table, added);
    this.#known.make(table, added);
    this.#pending.set(added, { table, change: 'insert' });
    this.#undo.push(() => {
      this.#known.set(table, added, null);
      this.#pending.delete(added);
    });
    return row;
  }

  /** Changes columns of a row that {@link get} gave; those that stay as they are are not written. */
  update<T extends TableName>(table: T, row: Row<T>, columns: Partial<Row<T>>): void {
    const changed = row as unknown as AnyRow;
    this.#checkGuard(table, changed);
    const next = columns as AnyRow;
    const before: AnyRow = {};
    const pending = this.#pending.get(changed);
    const names = pending === undefined ? new Set<string>() : pending.change instanceof Set ? pending.change : null;
    let hasChanged = false;
    for (const name in next) {
      const value = changed[name] ?? null;
      if (value === next[name]) continue;
      hasChanged = true;
      before[name] = value;
      names?.add(name);
    }
    if (!hasChanged) return;
    if (pending === undefined && names !== null) this.#pending.set(changed, { table, change: names });
    this.#assign(table, changed, next);
    this.#undo.push(() => {
      this.#assign(table, changed, before);
      if (pending === undefined) this.#pending.delete(changed);
    });
  }

  /** Removes a row that {@link get} gave. */
  delete<T extends TableName>(table: T, row: Row<T>): void {
    const removed = row as unknown as AnyRow;
    this.#checkGuard(table, removed);
    const pending = this.#pending.get(removed);
    this.#known.set(table, removed, null);
    if (pending?.change === 'insert') this.#pending.delete(removed);
    else this.#pending.set(removed, { table, change: 'delete' });
    this.#undo.push(() => {
      this.#known.set(table, removed, removed);
      if (pending === undefined) this.#pending.delete(removed);
      else this.#pending.set(removed, pending);
    });
  }

  /**
   * Runs a statement over rows that no key finds, in its place among the changes. The call may not refuse after it.
   * @param table the one that it changes
   */
  run(table: TableName, text: string, ...values: Value[]): void {
    this.#settle();
    this.#written.push({ kind: 'run', query: sql(text, ...values) });
    this.#known.clear(table);
    this.#hasRun = true;
  }

  /** Tells the members of a room of an entry of its log. */
  tell(entry: LogEntry): void {
    this.entries.push(entry);
    this.#undo.push(() => this.entries.pop());
  }

  /** Runs one call, which may change what it holds. What it throws has changed nothing. */
  attempt<O>(held: Held, call: () => O): O {
    this.#undo = [];
    this.#held = held;
    this.#heldAt = 0;
    this.#hasRun = false;
    try {
      return call();
    } catch (error) {
      if (this.#hasRun) throw new Error('A call failed after a statement that cannot be taken back.', { cause: error });
      for (let i = this.#undo.length - 1; i >= 0; i--) this.#undo[i]?.();
      throw error;
    } finally {
      this.#held = NOTHING_HELD;
    }
  }

  /** Whether a row is known, so that it need not be read. */
  knows([table, key, ...values]: Wanted): boolean {
    return this.#known.find(table, key, values) !== undefined;
  }

  /** Takes note of a row that was read by a key; undefined: there is none. */
  add(wanted: Wanted, row: AnyRow | undefined): void {
    if (!this.knows(wanted)) this.#known.add(wanted, row);
  }

  /** Takes out what is to be written, in order. */
  takeChanges(): Change[] {
    this.#settle();
    const changes = this.#written;
    this.#written = [];
    return changes;
  }

  #assign(table: TableName, row: AnyRow, columns: AnyRow): void {
    const isKey = hasKey(table, columns);
    if (isKey) this.#known.set(table, row, null);
    Object.assign(row, columns);
    if (isKey) this.#known.set(table, row, row);
  }

  /**
   * Moves the pending changes of rows behind what is to be written: deletions, then updates, then inserts, so that a unique
   * key that was let go is free to be taken.
   */
  #settle(): void {
    const kinds = {
      delete: new Map<string, RowChange>(),
      update: new Map<string, RowChange>(),
      insert: new Map<string, RowChange>(),
    };
    for (const [row, { table, change }] of this.#pending) {
      if (change instanceof Set) {
        const columns = [...change].sort();
        gather(kinds.update, `${table} ${columns.join()}`, { kind: 'update', table, columns, rows: [row] });
      } else gather(kinds[change], table, { kind: change, table, rows: [row] });
    }
    this.#pending.clear();
    this.#written.push(...kinds.delete.values(), ...kinds.update.values(), ...kinds.insert.values());
  }

  #checkGuard(table: TableName, row: AnyRow): void {
    const { of, column } = guardOf(table);
    const held = this.#held[of];
    const isHeld = column === null ? held.length > 0 : this.#isAmong(held, String(row[column]));
    if (!isHeld) throw new Error(`A row of ${table} may be changed only under its lock of ${of}.`);
  }

  /** Whether a call holds an id. Many are mostly asked for in their order, so the next is looked for behind the last. */
  #isAmong(held: readonly string[], id: string): boolean {
    const next = held.indexOf(id, this.#heldAt);
    const place = next === -1 ? held.indexOf(id) : next;
    if (place !== -1) this.#heldAt = place;
    return place !== -1;
  }
}

/** Lets a change of a row go with those alike. */
function gather(changes: Map<string, RowChange>, alike: string, change: RowChange): void {
  const found = changes.get(alike);
  if (found === undefined) changes.set(alike, change);
  else found.rows.push(...change.rows);
}

/** Whether any of the columns is part of a key. */
function hasKey(table: TableName, columns: AnyRow): boolean {
  const keys = keysOf(table);
  for (const name in keys) for (const column of keys[name] ?? []) if (column in columns) return true;
  return false;
}
