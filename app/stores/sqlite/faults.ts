import type { ErrorCode } from '../../../protocol/errors.ts';

/** Primary result codes (sqlite.org/rescode.html) that mean that the file cannot be used now, not that we erred. */
const UNUSABLE = new Set([
  5, // SQLITE_BUSY
  6, // SQLITE_LOCKED
  8, // SQLITE_READONLY
  10, // SQLITE_IOERR
  11, // SQLITE_CORRUPT
  13, // SQLITE_FULL
  14, // SQLITE_CANTOPEN
  26, // SQLITE_NOTADB
]);

/** The code that a fault of the engine is answered with: `UNAVAILABLE` for the disk's, `INTERNAL` for ours. */
export function faultCode(error: unknown): ErrorCode {
  const errcode = typeof error === 'object' && error !== null && 'errcode' in error ? Number(error.errcode) : 0;
  return UNUSABLE.has(errcode & 0xff) ? 'UNAVAILABLE' : 'INTERNAL';
}
