import { existsSync, statSync } from 'node:fs';
import { checkAccess } from './access.ts';
import { LOGS, realFile } from './files.ts';
import { type DataLock, tryLock } from './lock.ts';
import { isRestoring, type Settled, settleRestore } from './restore.ts';

/** Longer than {@link isServed} has the lock, in milliseconds. */
const GLANCE_MS = 250;

/** A database that is this process's alone. */
export interface Claim extends DataLock {
  /** The file, with symbolic links followed. */
  readonly path: string;
  /** What became of a restore that was killed, if there was one. */
  readonly settled: Settled;
}

/**
 * Takes a database for this process alone, so that no second server uses it, and deals with what a restore that was
 * killed has left. The file need not be there.
 * @throws Error when another process has it, or its folder is not there
 */
export function claimDatabase(path: string): Claim {
  const file = realFile(path);
  checkAccess(file);
  const lock = tryLock(file, GLANCE_MS);
  if (lock === null) {
    throw new Error(
      `Another server is using the database ${path}: stop it first, or give this one its own DATABASE_URL.`,
    );
  }
  try {
    return { path: file, settled: settleRestore(file), release: () => lock.release() };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** @throws Error when a log lies where the database should be: with a new one, what the log holds would be lost */
export function refuseLostDatabase(file: string): void {
  if (existsSync(file)) return;
  const log = LOGS.map((suffix) => `${file}${suffix}`).find((path) => existsSync(path) && statSync(path).size > 0);
  if (log === undefined) return;
  throw new Error(
    `The database ${file} is not there, but its log ${log} is: put the database back beside it, or move the log away.`,
  );
}

/**
 * The file of a database that a server may be using, with symbolic links followed.
 * @throws Error when there is none, or a restore of it was interrupted
 */
export function findDatabase(path: string): string {
  const file = realFile(path);
  if (isRestoring(file)) {
    throw new Error(
      `A restore of ${path} was interrupted: start the server, or restore again, and it is finished first.`,
    );
  }
  if (!existsSync(file)) throw new Error(`There is no database ${path}.`);
  return file;
}

/** Whether a server, or a tool that wants none beside it, has a database at this moment. */
export function isServed(file: string): boolean {
  const lock = tryLock(file);
  lock?.release();
  return lock === null;
}
