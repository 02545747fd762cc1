import { existsSync } from 'node:fs';
import type { WholeDatabase } from '../whole.ts';
import { type Claim, claimDatabase, refuseLostDatabase } from './claim.ts';
import { Database } from './database.ts';
import { explainFault } from './faults.ts';
import { migrate } from './migrations.ts';
import { applyChange } from './transact.ts';

/**
 * Opens a database file, to be copied from or to.
 * @param mustExist whether there is to be one; if not, it is made
 * @throws Error when a server uses it, or it cannot be opened
 */
export function openWholeSqlite(path: string, { mustExist }: { readonly mustExist: boolean }): WholeDatabase {
  if (mustExist && !existsSync(path)) throw new Error(`There is no database ${path}.`);
  const claim = claimDatabase(path);
  try {
    refuseLostDatabase(claim.path);
    return new WholeSqlite(path, openFile(claim.path), claim);
  } catch (error) {
    claim.release();
    throw error;
  }
}

function openFile(path: string): Database {
  try {
    return new Database(path);
  } catch (error) {
    throw new Error(explainFault(`open the database ${path}`, error), { cause: error });
  }
}

/** Its calls block: nothing else goes on in a process that copies. */
class WholeSqlite implements WholeDatabase {
  readonly name: string;
  readonly #db: Database;
  readonly #claim: Claim;

  constructor(name: string, db: Database, claim: Claim) {
    this.name = name;
    this.#db = db;
    this.#claim = claim;
  }

  async tables() {
    const rows = this.#db.all<{ name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table'");
    return new Set(rows.map(({ name }) => name));
  }

  async begin() {
    migrate(this.#db);
    this.#db.exec('BEGIN IMMEDIATE');
  }

  async ask<Row>({ text, tuples: [values = []] }: Parameters<WholeDatabase['ask']>[0]) {
    return this.#db.all<Row>(text, ...values);
  }

  async change(change: Parameters<WholeDatabase['change']>[0]) {
    applyChange(this.#db, change);
  }

  async epoch() {
    return this.#db.get<{ value: string }>("SELECT value FROM meta WHERE key = 'epoch'")?.value ?? '';
  }

  async setEpoch(epoch: string) {
    this.#db.run("UPDATE meta SET value = ? WHERE key = 'epoch'", epoch);
  }

  async commit() {
    this.#db.exec('COMMIT');
  }

  /** SQLite undoes what was not committed. */
  async close() {
    this.#db.close();
    this.#claim.release();
  }
}
