import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type BackupSummary, checkDatabase } from './backup.ts';
import { Database } from './database.ts';
import { faultOf } from './faults.ts';
import { LOGS, syncFile, syncFolder } from './files.ts';
import { migrate } from './migrations.ts';

/*
 * How a restore outlives its own death. The backup is copied into a folder of its own beside the database, `….restoring-X`,
 * and is checked and made ready there. Then the folder is renamed to `….restored-TIME`, and that decides: before it
 * nothing has happened, and what is left is removed; after it files are moved, in an order that whoever comes next can
 * begin again. No log of one database ever lies beside another.
 */
const UNDECIDED = '.restoring';
const DECIDED = '.restored-';
const REPLACED = '.replaced-';

/** The name of the database in those folders. */
const DRAFT = 'database';

/**
 * Puts a backup in the place of a database that no server uses (hold its lock). The backup is copied and checked
 * first, gets a new epoch so that clients start afresh, and the database of before is kept under another name.
 * @param path the database, with no symbolic link as its last part
 * @returns what the database holds now, and where the one of before is, if there was one
 * @throws Error when the backup is not sound, or the database is open elsewhere; then nothing was changed
 */
export function restoreDatabase(path: string, source: string): { summary: BackupSummary; replaced: string | null } {
  if (!existsSync(source)) throw new Error(`There is no backup ${source}.`);
  const folder = mkdtempSync(`${path}${UNDECIDED}-`);
  const draft = join(folder, DRAFT);
  const time = new Date().toISOString().replace(/[:.]/g, '-');
  const decided = `${path}${DECIDED}${time}`;
  let summary: BackupSummary;
  try {
    copyDatabase(realpathSync(source), draft);
    summary = { ...checkDatabase(draft, source), epoch: renewEpoch(draft) };
    syncFile(draft);
    syncFolder(folder);
    foldLog(path);
    renameSync(folder, decided);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  syncFolder(dirname(path));
  try {
    return { summary, replaced: moveIn(path, time) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`The restore is not finished; the next start or restore does that. ${reason}`, { cause: error });
  }
}

/** What {@link settleRestore} found. */
export type Settled = 'nothing' | 'undone' | 'finished';

/**
 * Deals with what a restore that was killed has left: finishes it when it was decided, or else removes what it had made.
 * Hold the lock of the database.
 */
export function settleRestore(path: string): Settled {
  let settled: Settled = 'nothing';
  for (const name of leftovers(path, UNDECIDED)) {
    rmSync(join(dirname(path), name), { recursive: true, force: true });
    settled = 'undone';
  }
  for (const name of leftovers(path, DECIDED)) {
    moveIn(path, name.slice(`${basename(path)}${DECIDED}`.length));
    settled = 'finished';
  }
  return settled;
}

/** Whether a restore was decided and not finished: the file under the name of the database may be the one of before. */
export function isRestoring(path: string): boolean {
  return leftovers(path, DECIDED).length > 0;
}

/** The folders of a restore. A file of such a name is somebody's backup. */
function leftovers(path: string, kind: string): string[] {
  return readdirSync(dirname(path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name.startsWith(`${basename(path)}${kind}`))
    .map(({ name }) => name);
}

/**
 * Puts the database that was decided for in its place, and the one of before aside. Can be begun again wherever it ended.
 * @returns where the one of before is, if there was one
 */
function moveIn(path: string, time: string): string | null {
  const decided = `${path}${DECIDED}${time}`;
  const replaced = `${path}${REPLACED}${time}`;
  if (existsSync(join(decided, DRAFT))) {
    for (const suffix of [...LOGS, '']) {
      const [from, to] = [`${path}${suffix}`, `${replaced}${suffix}`];
      if (!existsSync(from)) continue;
      if (existsSync(to)) throw new Error(`A restore was interrupted, but ${from} is there again: move it away.`);
      renameSync(from, to);
    }
    rmSync(`${path}-shm`, { force: true });
    syncFolder(dirname(path));
    renameSync(join(decided, DRAFT), path);
    syncFolder(dirname(path));
  }
  rmSync(decided, { recursive: true, force: true });
  return existsSync(replaced) ? replaced : null;
}

/** Copies a database with the logs that are its own. The copy is for this user alone. */
function copyDatabase(from: string, to: string): void {
  for (const suffix of ['', ...LOGS]) {
    if (!existsSync(`${from}${suffix}`) || (suffix === '-wal' && !hasWriteAheadLog(to))) continue;
    copyFileSync(`${from}${suffix}`, `${to}${suffix}`);
    chmodSync(`${to}${suffix}`, 0o600);
  }
}

/** Whether a database is in WAL mode (sqlite.org/fileformat2.html#file_format_version_numbers): else a log is another's. */
function hasWriteAheadLog(path: string): boolean {
  const READ_VERSION = 19;
  const header = Buffer.alloc(READ_VERSION + 1);
  const file = openSync(path, 'r');
  try {
    readSync(file, header);
  } finally {
    closeSync(file);
  }
  return header[READ_VERSION] === 2;
}

/** Leaves a database without a log, as one file, or as it is when it is too damaged. @throws Error when it is in use */
function foldLog(path: string): void {
  if (!existsSync(path)) return;
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    db.exec('PRAGMA journal_mode = DELETE');
  } catch (error) {
    if (faultOf(error).kind === 'locked')
      throw new Error(`Another program has ${path} open: end it first.`, { cause: error });
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
