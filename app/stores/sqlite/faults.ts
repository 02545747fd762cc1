import type { Fault, StoreFault } from '../fault.ts';

/**
 * Result codes that mean that the file cannot be used now, not that we erred: the primary ones (sqlite.org/rescode.html),
 * and extended ones where they tell more.
 */
const KINDS: ReadonlyMap<number, StoreFault> = new Map([
  [5, 'locked'], // SQLITE_BUSY
  [6, 'locked'], // SQLITE_LOCKED
  [8, 'read_only'], // SQLITE_READONLY
  [10, 'io'], // SQLITE_IOERR
  [4874, 'full'], // SQLITE_IOERR_SHMSIZE
  [266, 'damaged'], // SQLITE_IOERR_READ
  [522, 'damaged'], // SQLITE_IOERR_SHORT_READ
  [11, 'damaged'], // SQLITE_CORRUPT
  [13, 'full'], // SQLITE_FULL
  [14, 'unopened'], // SQLITE_CANTOPEN
  [26, 'damaged'], // SQLITE_NOTADB
]);

/** What a thrown value tells of the engine: `other` when it is no fault of the file. */
export function faultOf(error: unknown): Fault {
  const code = typeof error === 'object' && error !== null && 'errcode' in error ? Number(error.errcode) : 0;
  return { kind: KINDS.get(code) ?? KINDS.get(code & 0xff) ?? 'other', text: String(error) };
}

/** What to do about a database that cannot be opened. */
const REMEDIES: Readonly<Record<StoreFault, string>> = {
  locked: 'Another program holds its lock: end it, or wait until it is done.',
  full: 'The disk is full: make room.',
  read_only: 'The file, what lies beside it and its folder must belong to the user who runs the server.',
  unopened:
    'The file, what lies beside it and its folder must belong to the user who runs the server, and the limit of open ' +
    'files (`ulimit -n`) must leave room.',
  io: "The disk fails: see the system's log.",
  damaged: 'It is no database, or it is damaged: restore a backup with `npm run restore`.',
  away: '',
  overloaded: '',
  other: '',
};

/** Why something cannot be done with a database, such as to open its path: the cause, and what to do, in one line. */
export function explainFault(what: string, error: unknown): string {
  const cause = error instanceof Error ? error.message : String(error);
  return `Cannot ${what}: ${cause.replace(/\.$/, '')}. ${REMEDIES[faultOf(error).kind]}`.trimEnd();
}
