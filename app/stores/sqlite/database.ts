import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { faultOf } from './faults.ts';
import { lengthenFile } from './files.ts';

/** A statement, and what makes an object of one of its rows. */
interface Prepared {
  readonly statement: StatementSync;
  readonly toRow: (values: readonly SQLOutputValue[]) => unknown;
  readonly takesAway: boolean;
}

/**
 * Statements after which something that somebody wrote, or a name, is no more: its pages of before are in the log still.
 * By which column a row is found takes nothing away.
 */
const TAKES_AWAY = /^\s*(DELETE\b|UPDATE\b((?!\bWHERE\b).)*\b(username|name|content|system)\s*=)/s;

const LOCK_WAIT_MS = 5_000;

/** So many pages of log are copied to the file at once: 16 MB. */
const LOG_FRAMES = 4_000;
/** A page in the log, with what stands before it (sqlite.org/fileformat2.html#walformat). */
const FRAME_BYTES = 4_096 + 24;
/** So much longer is it made than it was used. */
const SPARE_FRAMES = 64;

/**
 * One connection to a SQLite file, used inside a worker thread only: every call blocks. Statements are prepared once
 * and kept by their text, so each text must be a constant.
 */
export class Database {
  readonly #path: string;
  readonly #connection: DatabaseSync;
  readonly #statements = new Map<string, Prepared>();
  #takenAway = true;
  #lengthened = false;

  /**
   * Opens the file, or makes it. `synchronous=FULL` with WAL: COMMIT returns after the log is on disk. `alone`: no other
   * connection can see it, and there is no `-shm` beside it.
   */
  constructor(path: string, { readOnly = false, alone = false } = {}) {
    this.#path = path;
    this.#connection = new DatabaseSync(path, { timeout: LOCK_WAIT_MS });
    if (alone) this.exec('PRAGMA locking_mode = EXCLUSIVE');
    this.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY');
    this.exec('PRAGMA cache_size = -65536; PRAGMA journal_size_limit = 67108864');
    // A page that many commits change is then copied from the log to the file once for all of them.
    this.exec(`PRAGMA wal_autocheckpoint = ${LOG_FRAMES}`);
    // What is deleted is overwritten, also where pages are free.
    this.exec('PRAGMA secure_delete = ON');
    if (readOnly) this.exec('PRAGMA query_only = ON');
  }

  /** Runs statements that take no parameter and answer nothing. */
  exec(sql: string): void {
    this.#connection.exec(sql);
  }

  /** The first row, if there is one. `Row` is trusted: the schema is ours. */
  get<Row>(sql: string, ...parameters: SQLInputValue[]): Row | undefined {
    const { statement, toRow } = this.#prepare(sql);
    const values = statement.get(...parameters) as unknown as readonly SQLOutputValue[] | undefined;
    return values && (toRow(values) as Row);
  }

  /** All rows. */
  all<Row>(sql: string, ...parameters: SQLInputValue[]): Row[] {
    const { statement, toRow } = this.#prepare(sql);
    return rowsOf(statement.all(...parameters)).map(toRow) as Row[];
  }

  /** All rows, with parameters by name (`$name` in the text). */
  allNamed<Row>(sql: string, parameters: Record<string, SQLInputValue>): Row[] {
    const { statement, toRow } = this.#prepare(sql);
    return rowsOf(statement.all(parameters)).map(toRow) as Row[];
  }

  /** Runs one statement; answers how many rows it changed. */
  run(sql: string, ...parameters: SQLInputValue[]): number {
    const { statement, takesAway } = this.#prepare(sql);
    const changes = Number(statement.run(...parameters).changes);
    if (takesAway && changes > 0) this.#takenAway = true;
    return changes;
  }

  /** Whether the log may hold something that was taken away since it was last emptied. */
  get holdsTraces(): boolean {
    return this.#takenAway;
  }

  /** Call when another connection has written: nobody knows what. */
  noteOutsideWrite(): void {
    this.#takenAway = true;
  }

  /**
   * Moves all commits from the log to the file and empties the log, without waiting for anybody: while someone reads what
   * is in it, it stays, to be tried again.
   */
  emptyLog(): void {
    this.exec('PRAGMA busy_timeout = 0');
    try {
      const used = this.get<{ log: number }>('PRAGMA wal_checkpoint(PASSIVE)')?.log ?? 0;
      const result = this.get<{ busy: number }>('PRAGMA wal_checkpoint(TRUNCATE)');
      this.#takenAway = result?.busy !== 0;
      // In memory there is none.
      if (!this.#takenAway && used >= 0) this.#lengthenLog(used);
    } finally {
      this.exec(`PRAGMA busy_timeout = ${LOCK_WAIT_MS}`);
    }
  }

  /**
   * Gives the log on the disk the length that it will come to, since a commit that makes a file longer waits for more: the
   * first time as long as it gets, then as long as it was used, because it may be emptied every few seconds. SQLite knows
   * its own pages there by checksums and takes zeros for none; nobody else writes there meanwhile.
   */
  #lengthenLog(used: number): void {
    const frames = this.#lengthened ? Math.min(used + SPARE_FRAMES, LOG_FRAMES) : LOG_FRAMES;
    try {
      this.transaction('IMMEDIATE', () => lengthenFile(`${this.#path}-wal`, frames * FRAME_BYTES));
      this.#lengthened = true;
    } catch (error) {
      // Who writes makes it longer.
      if (faultOf(error).kind !== 'locked') throw error;
    }
  }

  /**
   * Does the work in one transaction, `IMMEDIATE` where it writes. Throws what the work or the engine throws; then
   * nothing of it was done.
   */
  transaction<T>(mode: 'DEFERRED' | 'IMMEDIATE', work: () => T): T {
    // One that could not be ended when it failed.
    this.#rollBack();
    this.exec(`BEGIN ${mode}`);
    try {
      const result = work();
      this.exec('COMMIT');
      return result;
    } catch (error) {
      try {
        this.#rollBack();
      } catch {
        // The first fault tells more; this one is met again, and told, by the next transaction.
      }
      throw error;
    }
  }

  /** Lets statements call a function over one text; it must give the same for the same text. */
  addFunction(name: string, compute: (text: string) => string): void {
    this.#connection.function(name, { deterministic: true, directOnly: true }, (text) => compute(String(text)));
  }

  /** Grows whenever another connection has committed to the file. */
  dataVersion(): number {
    return this.get<{ data_version: number }>('PRAGMA data_version')?.data_version ?? 0;
  }

  close(): void {
    this.#statements.clear();
    this.#connection.close();
  }

  /** SQLite ends a transaction by itself on some errors, such as a full disk. */
  #rollBack(): void {
    if (this.#connection.isTransaction) this.exec('ROLLBACK');
  }

  #prepare(sql: string): Prepared {
    let prepared = this.#statements.get(sql);
    if (prepared === undefined) {
      const statement = this.#connection.prepare(sql);
      statement.setReturnArrays(true);
      const toRow = rowMaker(statement.columns().map(({ name }) => name));
      prepared = { statement, toRow, takesAway: TAKES_AWAY.test(sql) };
      this.#statements.set(sql, prepared);
    }
    return prepared;
  }
}

/** What `all` gives back when arrays are asked for. */
const rowsOf = (rows: unknown): (readonly SQLOutputValue[])[] => rows as (readonly SQLOutputValue[])[];

/**
 * Makes objects of rows, as `node:sqlite` would by itself: but its objects are V8's slow ones (a hash table each), which
 * cost more than twice as much to make and read as an array and an object literal. The names are those of our queries.
 */
function rowMaker(names: readonly string[]): Prepared['toRow'] {
  const fields = names.map((name, i) => `${JSON.stringify(name)}: values[${i}]`);
  return new Function('values', `return { ${fields.join(', ')} };`) as Prepared['toRow'];
}
