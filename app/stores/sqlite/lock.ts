import { DatabaseSync } from 'node:sqlite';
import { explainFault, faultOf } from './faults.ts';

/** A lock that one process holds. */
export interface DataLock {
  release(): void;
}

/**
 * Takes the lock of a file, unless another process holds it: an exclusive SQLite lock on a file beside it, which the
 * operating system lets go of when the process dies, however it dies.
 * @param waitMs how long to wait for it; one that only looks whether it is held has it for a moment
 * @returns null when another process holds it
 * @throws Error when there can be no such lock, as in a folder that may not be written
 */
export function tryLock(file: string, waitMs = 0): DataLock | null {
  const lock = new DatabaseSync(`${file}.lock`, { timeout: waitMs });
  try {
    // Nothing is written, so that a full disk can be locked.
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return { release: () => lock.close() };
  } catch (error) {
    lock.close();
    if (faultOf(error).kind === 'locked') return null;
    throw new Error(explainFault(`lock ${file}`, error), { cause: error });
  }
}
