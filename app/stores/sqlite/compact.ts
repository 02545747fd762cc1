import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/** How large a database was and is, in bytes. */
export interface Compacted {
  readonly before: number;
  readonly after: number;
}

/**
 * Writes a database that no server uses (hold its lock) anew within its file: what was deleted gives its room back to the
 * disk, and no page holds more than what is there. Needs as much room again while it works.
 * @throws Error when that room is not there, or the database is open elsewhere; then it is as before
 */
export function compactDatabase(path: string): Compacted {
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    // What is in the log alone counts too.
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    const before = statSync(path).size;
    db.exec('VACUUM; PRAGMA wal_checkpoint(TRUNCATE)');
    return { before, after: statSync(path).size };
  } finally {
    db.close();
  }
}
