import { randomBytes } from 'node:crypto';
import { closeSync, copyFileSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, backup as onlineBackup } from 'node:sqlite';
import { Database } from './database.ts';
import { migrate } from './migrations.ts';

/** What a database file was found to hold. */
export interface BackupSummary {
  readonly users: number;
  readonly rooms: number;
  readonly messages: number;
  readonly epoch: string;
}

/** Told how far a copy is, in pages of the database. */
export type BackupProgress = (done: number, total: number) => void;

const PAGES_A_STEP = 500;

/**
 * Copies a database to a new file with SQLite's online backup (sqlite.org/backup.html), beside a running server and
 * without holding up its writes: all pages are of the moment the copy began. The copy is then checked.
 * @throws Error when the target exists, the source does not, or the copy is not sound
 */
export async function backupDatabase(path: string, target: string, onProgress: BackupProgress): Promise<BackupSummary> {
  if (!existsSync(path)) throw new Error(`There is no database ${path}.`);
  if (existsSync(target)) throw new Error(`${target} exists already: give a new name.`);
  const draft = `${target}.partial`;
  const source = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
  try {
    // A read transaction of its own keeps the copy at one moment: else each commit of the server would begin it anew.
    source.exec('BEGIN; SELECT count(*) FROM meta');
    removeDatabase(draft);
    await onlineBackup(source, draft, {
      rate: PAGES_A_STEP,
      progress: ({ totalPages, remainingPages }) => onProgress(totalPages - remainingPages, totalPages),
    });
    const summary = checkDatabase(draft);
    syncFile(draft);
    renameSync(draft, target);
    syncFile(dirname(target));
    return summary;
  } finally {
    source.close();
    removeDatabase(draft);
  }
}

/**
 * Puts a backup in the place of a database that no server uses (hold its lock). The backup is copied and checked
 * first, gets a new epoch so that clients start afresh, and the database of before is kept under another name.
 * @returns what the database holds now, and where the one of before is, if there was one
 * @throws Error when the backup is not sound; then nothing was changed
 */
export function restoreDatabase(path: string, source: string): { summary: BackupSummary; replaced: string | null } {
  if (!existsSync(source)) throw new Error(`There is no backup ${source}.`);
  const draft = `${path}.restoring`;
  try {
    copyFileSync(source, draft);
    // Commits that are not in the file yet, as where one that a restore has put aside is restored.
    if (existsSync(`${source}-wal`)) copyFileSync(`${source}-wal`, `${draft}-wal`);
    const summary = { ...checkDatabase(draft), epoch: renewEpoch(draft) };
    syncFile(draft);
    const replaced = existsSync(path) ? `${path}.replaced-${new Date().toISOString().replace(/[:.]/g, '-')}` : null;
    if (replaced !== null) moveDatabase(path, replaced);
    // A log of a file that is gone would be taken for this one's.
    removeDatabase(path);
    renameSync(draft, path);
    syncFile(dirname(path));
    return { summary, replaced };
  } finally {
    removeDatabase(draft);
  }
}

/** @throws Error when the file is no database of this program, or is damaged */
function checkDatabase(path: string): BackupSummary {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const result = db.prepare('PRAGMA integrity_check').all();
    const [first] = result;
    if (first?.['integrity_check'] !== 'ok') throw new Error(`${path} is damaged: ${JSON.stringify(first)}`);
    const count = (table: string) => Number(db.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.['count']);
    const epoch = String(db.prepare("SELECT value FROM meta WHERE key = 'epoch'").get()?.['value']);
    return { users: count('users'), rooms: count('rooms'), messages: count('messages'), epoch };
  } catch (error) {
    throw new Error(`${path} is not a sound database of this program.`, { cause: error });
  } finally {
    db.close();
  }
}

function renewEpoch(path: string): string {
  const db = new Database(path);
  try {
    migrate(db);
    const epoch = randomBytes(16).toString('hex');
    db.run("UPDATE meta SET value = ? WHERE key = 'epoch'", epoch);
    db.exec('PRAGMA journal_mode = DELETE');
    return epoch;
  } finally {
    db.close();
  }
}

/** Moves a database with its write-ahead log, which may hold commits that are not in the file yet. */
function moveDatabase(from: string, to: string): void {
  if (existsSync(`${from}-wal`)) renameSync(`${from}-wal`, `${to}-wal`);
  rmSync(`${from}-shm`, { force: true });
  renameSync(from, to);
}

function syncFile(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Removes a database with everything that SQLite keeps beside it. */
function removeDatabase(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${path}${suffix}`, { force: true });
}
