import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

/**
 * One connection to a SQLite file, used inside a worker thread only: every call blocks. Statements are prepared once
 * and kept by their text, so each text must be a constant.
 */
export class Database {
  readonly #connection: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** Opens the file, or makes it. `synchronous=FULL` with WAL: COMMIT returns after the log is on disk. */
  constructor(path: string, { readOnly = false } = {}) {
    this.#connection = new DatabaseSync(path, { timeout: 5_000 });
    this.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY');
    this.exec('PRAGMA cache_size = -65536; PRAGMA journal_size_limit = 67108864');
    if (readOnly) this.exec('PRAGMA query_only = ON');
  }

  /** Runs statements that take no parameter and answer nothing. */
  exec(sql: string): void {
    this.#connection.exec(sql);
  }

  /** The first row, if there is one. `Row` is trusted: the schema is ours. */
  get<Row>(sql: string, ...parameters: SQLInputValue[]): Row | undefined {
    return this.#prepare(sql).get(...parameters) as Row | undefined;
  }

  /** All rows. */
  all<Row>(sql: string, ...parameters: SQLInputValue[]): Row[] {
    return this.#prepare(sql).all(...parameters) as Row[];
  }

  /** All rows, with parameters by name (`$name` in the text). */
  allNamed<Row>(sql: string, parameters: Record<string, SQLInputValue>): Row[] {
    return this.#prepare(sql).all(parameters) as Row[];
  }

  /** Runs one statement; answers how many rows it changed. */
  run(sql: string, ...parameters: SQLInputValue[]): number {
    return Number(this.#prepare(sql).run(...parameters).changes);
  }

  /** Whether a transaction is open; SQLite ends it by itself on some errors, such as a full disk. */
  get inTransaction(): boolean {
    return this.#connection.isTransaction;
  }

  /** Grows whenever another connection has committed to the file. */
  dataVersion(): number {
    return this.get<{ data_version: number }>('PRAGMA data_version')?.data_version ?? 0;
  }

  close(): void {
    this.#statements.clear();
    this.#connection.close();
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#connection.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}
