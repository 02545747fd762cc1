import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readlinkSync,
  realpathSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { checkFolder } from './access.ts';

/** What SQLite keeps beside a database. All but `-shm` may hold commits, and belong to the file by their name alone. */
export const LOGS = ['-wal', '-journal'] as const;

const LINKS_MAX = 40;

const NO_ROOM: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/**
 * The file that a path means when symbolic links are followed, as SQLite follows them: what lies beside a database lies
 * beside that file. The file need not be there, as when a link leads to one that is yet to be made.
 * @throws Error when its folder is not there, or may not be looked into
 */
export function realFile(path: string): string {
  let file = path;
  for (let links = 0; links < LINKS_MAX; links++) {
    const folder = dirname(file);
    if (!existsSync(folder)) throw new Error(`There is no folder ${folder} for the database ${path}.`);
    checkFolder(folder);
    file = join(realpathSync(folder), basename(file));
    if (!lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink()) return file;
    file = resolve(dirname(file), readlinkSync(file));
  }
  throw new Error(`Too many symbolic links lead from ${path}.`);
}

/** Waits until what was written to a file is on disk. */
export function syncFile(path: string): void {
  // Windows flushes only what is open for writing.
  const file = openSync(path, 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

const ZEROS_BYTES = 1 << 20;

/**
 * Makes a file that is shorter so many bytes long, by zeros, and waits until they are on disk. Where the disk has no room
 * for them it stays as it is.
 */
export function lengthenFile(path: string, bytes: number): void {
  const file = openSync(path, 'r+');
  const before = fstatSync(file).size;
  try {
    const zeros = Buffer.alloc(Math.min(ZEROS_BYTES, Math.max(0, bytes - before)));
    for (let at = before; at < bytes; ) at += writeSync(file, zeros, 0, Math.min(zeros.length, bytes - at), at);
    fsyncSync(file);
  } catch (error) {
    ftruncateSync(file, before);
    if (!NO_ROOM.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    closeSync(file);
  }
}

/** Waits until what was made, renamed and removed in a folder is on disk. */
export function syncFolder(path: string): void {
  // Windows cannot, and keeps such changes in order.
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
