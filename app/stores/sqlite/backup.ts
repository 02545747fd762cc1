import { chmodSync, existsSync, mkdtempSync, readdirSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { explainFault } from './faults.ts';
import { LOGS, syncFile, syncFolder } from './files.ts';
import { type DataLock, tryLock } from './lock.ts';

/** What a database file was found to hold. */
export interface BackupSummary {
  readonly users: number;
  readonly rooms: number;
  readonly messages: number;
  readonly epoch: string;
}

/** Folders in which copies are made begin with this; each is locked by the process that makes it. */
const UNFINISHED = 'sohbet-backup.partial-';

/** The name of the copy in them. */
const DRAFT = 'database';

/**
 * Copies a database to a new file, beside a running server and without holding up its writes: the copy is of the moment
 * it began. It is written anew (`VACUUM INTO`) and not page by page, so that it holds nothing of what was deleted, and
 * is then checked. What broken-off backups have left in that folder is removed.
 * @param path the database, with no symbolic link as its last part
 * @throws Error when the target exists, the source does not, or the copy is not sound
 */
export function backupDatabase(path: string, target: string): BackupSummary {
  if (!existsSync(path)) throw new Error(`There is no database ${path}.`);
  // A log that lies there would be taken for the copy's.
  for (const file of ['', ...LOGS].map((suffix) => `${target}${suffix}`))
    if (existsSync(file)) throw new Error(`${file} exists already: give a new name.`);
  const goal = join(realpathSync(dirname(target)), basename(target));
  removeUnfinished(dirname(goal));
  const folder = mkdtempSync(join(dirname(goal), UNFINISHED));
  const draft = join(folder, DRAFT);
  let lock: DataLock | null = null;
  try {
    lock = tryLock(draft);
    copyInto(path, draft);
    const summary = checkDatabase(draft, target);
    syncFile(draft);
    renameSync(draft, goal);
    syncFolder(dirname(goal));
    return summary;
  } finally {
    lock?.release();
    rmSync(folder, { recursive: true, force: true });
  }
}

function copyInto(path: string, draft: string): void {
  const source = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
  try {
    source.prepare('VACUUM INTO ?').run(draft);
    chmodSync(draft, 0o600);
  } catch (error) {
    throw new Error(explainFault(`copy ${path} to ${draft}`, error), { cause: error });
  } finally {
    source.close();
  }
}

function removeUnfinished(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(UNFINISHED)) continue;
    const lock = tryLock(join(folder, name, DRAFT));
    lock?.release();
    if (lock !== null) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

/**
 * Reads a database that nobody else uses through.
 * @param name what to call it
 * @throws Error when the file is no database of this program, or is damaged
 */
export function checkDatabase(path: string, name: string): BackupSummary {
  const db = new DatabaseSync(path);
  try {
    const [first] = db.prepare('PRAGMA integrity_check').all();
    if (first?.['integrity_check'] !== 'ok') throw new Error(String(first?.['integrity_check']));
    const count = (table: string) => Number(db.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.['count']);
    const epoch = String(db.prepare("SELECT value FROM meta WHERE key = 'epoch'").get()?.['value']);
    return { users: count('users'), rooms: count('rooms'), messages: count('messages'), epoch };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${name} is not a sound database of this program: ${reason}`, { cause: error });
  } finally {
    db.close();
  }
}
