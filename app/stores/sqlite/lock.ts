import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { checkAccess } from './access.ts';
import { explainFault, faultOf } from './faults.ts';

/** A lock that one process holds on a data folder. */
export interface DataLock {
  release(): void;
}

/**
 * Takes the lock of a database, so that no second server uses it: an exclusive SQLite lock on a file beside it, which
 * the operating system lets go of when the process dies, however it dies.
 * @throws Error when another process holds it
 */
export function lockDatabase(path: string): DataLock {
  // SQLite follows symbolic links, so that two names may be one database.
  const file = existsSync(path) ? realpathSync(path) : join(realpathSync(dirname(path)), basename(path));
  checkAccess(file);
  const lock = new DatabaseSync(`${file}.lock`, { timeout: 0 });
  try {
    // Nothing is written, so that a full disk can be locked.
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (faultOf(error).kind !== 'locked') throw new Error(explainFault(`${file}.lock`, error), { cause: error });
    throw new Error(
      `Another server is using the database ${path}: stop it first, or give this one its own DATABASE_URL.`,
    );
  }
  return { release: () => lock.close() };
}
