import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Looks whether this user may read and write a database, what lies beside it, and its folder: SQLite does not say what
 * keeps it from opening a file, and opens one that it may not write for reading alone.
 * @throws Error with the path, and to whom it belongs
 */
export function checkAccess(path: string): void {
  const folder = dirname(path);
  check(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  for (const suffix of ['', '-wal', '-shm', '-journal', '.lock']) {
    const stats = statSync(`${path}${suffix}`, { throwIfNoEntry: false });
    if (stats === undefined) continue;
    if (!stats.isFile()) throw new Error(`${path}${suffix} is no file: set DATABASE_URL to where the database is.`);
    check(`${path}${suffix}`, constants.R_OK | constants.W_OK);
  }
}

/** Looks whether this user may look for files in a folder. @throws Error with the path, and to whom it belongs */
export function checkFolder(folder: string): void {
  check(folder, constants.X_OK);
}

function check(path: string, mode: number): void {
  try {
    accessSync(path, mode);
  } catch (error) {
    const owner = statSync(path, { throwIfNoEntry: false })?.uid;
    const whose =
      owner === undefined || process.getuid === undefined
        ? ''
        : ` (its owner is user ${owner}, this is user ${process.getuid()})`;
    throw new Error(`${path} may not be read and written${whose}`, { cause: error });
  }
}
