import { WRONG } from '../../protocol/words.ts';
import { Refusal } from './refusal.ts';

/** A page of a list; `next` asks for the one after it, null at the end. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/** A place in a list: the sort keys of the last item of a page, numbers being whole. */
export type CursorKeys = readonly (string | number)[];

/** Makes the opaque `next` of a page from the sort keys of its last item. */
export function encodeCursor(keys: CursorKeys): string {
  return Buffer.from(JSON.stringify(keys)).toString('base64url');
}

/**
 * Reads what {@link encodeCursor} made; `kinds` says what each key must be.
 * @throws Refusal `INVALID_INPUT` on `after` for anything else.
 */
export function decodeCursor(cursor: string, kinds: readonly ('string' | 'number')[]): CursorKeys {
  const keys = parse(cursor);
  if (Array.isArray(keys) && keys.length === kinds.length && kinds.every((kind, i) => isKey(kind, keys[i])))
    return keys;
  throw new Refusal('INVALID_INPUT', { field: 'after', detail: WRONG.noCursor });
}

/** Whether it is one that a list is sorted by, and that every store can compare with. */
function isKey(kind: 'string' | 'number', key: unknown): boolean {
  if (kind === 'number') return Number.isSafeInteger(key);
  return typeof key === 'string' && key.isWellFormed() && !key.includes('\0');
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return undefined;
  }
}
