import { Activity } from '../activity.ts';
import { type Call, type Reply, refused, type Written, writeOf } from '../engine.ts';
import { isAmong, KnownRows, type Wanted } from '../known-rows.ts';
import type { AnyRow, Cell, Query } from '../query.ts';
import type { TableName } from '../tables.ts';
import { type Change, Tx } from '../tx.ts';
import { heldBy } from '../write.ts';
import type { Database } from './database.ts';
import { deletionOf, insertionOf, type Statement, selectionOf, updateOf } from './statements.ts';

/** Rows that most writes look at, which stay known from one transaction to the next. */
const KEPT: ReadonlySet<TableName> = new Set(['rooms', 'members', 'users', 'counters']);

/** So many are known at most before all are forgotten and read anew. */
const KNOWN_MAX = 100_000;

const NONE: ReadonlySet<TableName> = new Set();
const NO_ROOMS: readonly string[] = [];

/**
 * Carries out writes on one connection. It is the only writer of the file, but for the command-line tools, whose commits
 * `data_version` shows: so what it knows of a transaction is true in the next, and a send costs one insert.
 */
export class Writer {
  readonly #db: Database;
  readonly #onUndeclared: ((call: string, wanted: Wanted) => void) | undefined;
  readonly #activity = new Activity();
  readonly #known = new KnownRows();
  #dataVersion = -1;

  /**
   * @param onUndeclared told of rows that a call gets and does not declare in its `reads`, which on PostgreSQL costs a
   *   round trip. With it nothing stays known
   */
  constructor(db: Database, onUndeclared?: (call: string, wanted: Wanted) => void) {
    this.#db = db;
    this.#onUndeclared = onUndeclared;
  }

  /** Carries out calls in one transaction. Throws when any meets a fault, with nothing done. */
  write(calls: readonly Call[]): Written {
    try {
      const written = this.#db.transaction('IMMEDIATE', () => {
        this.#forgetOthers();
        return this.#run(calls);
      });
      const isKept = this.#onUndeclared === undefined && this.#known.size <= KNOWN_MAX;
      this.#known.keepOnly(isKept ? KEPT : NONE);
      return written;
    } catch (error) {
      this.#known.keepOnly(NONE);
      throw error;
    }
  }

  /** Forgets what another connection may have changed. */
  #forgetOthers(): void {
    const version = this.#db.dataVersion();
    if (version !== this.#dataVersion) this.#known.keepOnly(NONE);
    this.#dataVersion = version;
  }

  #run(calls: readonly Call[]): Written {
    let call: Call | undefined;
    const reader = {
      row: (wanted: Wanted) => {
        if (call !== undefined) this.#checkDeclared(call, wanted);
        const [table, key, ...values] = wanted;
        return this.#db.get<AnyRow>(selectionOf(table, key), ...values);
      },
      rows: ({ text, tuples: [values = []] }: Query<AnyRow[]>) => {
        this.#flush(tx);
        return this.#db.all<AnyRow>(text, ...values);
      },
    };
    const tx: Tx = new Tx(reader, this.#activity, this.#known);
    const replies = calls.map((one) => {
      call = one;
      return reply(tx, one);
    });
    this.#flush(tx);
    return { replies, entries: tx.entries };
  }

  #checkDeclared({ name, input }: Call, wanted: Wanted): void {
    if (this.#onUndeclared === undefined) return;
    const write = writeOf(name);
    const messages = write.messages?.(input) ?? [];
    const text = 'SELECT room_id FROM messages WHERE id = ?';
    const rooms = messages.flatMap((id) => this.#db.get<{ room_id: string }>(text, id)?.room_id ?? []);
    const declared = [...write.reads(input, rooms), ...messages.map((id): Wanted => ['messages', 'id', id])];
    if (!isAmong(declared, wanted)) this.#onUndeclared(name, wanted);
  }

  #flush(tx: Tx): void {
    for (const change of tx.takeChanges()) applyChange(this.#db, change);
  }
}

/** Makes one change. Call within a transaction. Throws what the database throws. */
export function applyChange(db: Database, change: Change): void {
  switch (change.kind) {
    case 'run':
      for (const values of change.query.tuples) db.run(change.query.text, ...values);
      return;
    case 'insert':
      runEach(db, insertionOf(change.table), change.rows);
      return;
    case 'update':
      runEach(db, updateOf(change.table, change.columns), change.rows);
      return;
    case 'delete':
      runEach(db, deletionOf(change.table), change.rows);
      return;
  }
}

function runEach(db: Database, { text, columns }: Statement, rows: readonly AnyRow[]): void {
  const values: Cell[] = columns.map(() => null);
  for (const row of rows) {
    for (let i = 0; i < columns.length; i++) values[i] = row[columns[i] ?? ''] ?? null;
    db.run(text, ...values);
  }
}

function reply(tx: Tx, { name, input }: Call): Reply {
  const write = writeOf(name);
  const rooms = write.messages?.(input).flatMap((id) => tx.get('messages', 'id', id)?.room_id ?? []) ?? NO_ROOMS;
  try {
    return { ok: true, value: tx.attempt(heldBy(write, input, rooms), () => write.run(tx, input)) };
  } catch (error) {
    return refused(error);
  }
}
