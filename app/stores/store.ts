import type { LogEntry } from './entry.ts';
import type { StoreFault } from './fault.ts';
import type { Read } from './read.ts';
import type { READS } from './reads/index.ts';
import type { Write } from './write.ts';
import type { WRITES } from './writes/index.ts';

export type { LogEntry } from './entry.ts';
export type { StoreFault } from './fault.ts';
export type { Erased } from './reads/admin.ts';
export type { Revoked } from './reads/notice.ts';
export type { StaleUser } from './reads/prune.ts';
export type { RoomSnapshot } from './reads/room.ts';
export type { SessionInput, SessionSnapshot, TokenIdentity } from './reads/user.ts';
export type { LastSeen } from './writes/user.ts';

/** What callers do with a write or a read. */
type Method<Declared> =
  Declared extends Write<infer I, infer O>
    ? (input: I) => Promise<O>
    : Declared extends Read<infer I, infer _, infer R>
      ? (input: I) => Promise<R>
      : never;

type Writes = typeof WRITES;
type Reads = typeof READS;
type Noun = keyof Writes | keyof Reads;

/** The writes and reads of a noun. */
type Declared<N extends Noun> = (N extends keyof Writes ? Writes[N] : unknown) &
  (N extends keyof Reads ? Reads[N] : unknown);

/**
 * Every write and read, by noun: what each does, takes and answers is told where it is declared, in `writes/` and `reads/`.
 * A write resolves after COMMIT has returned; a rule that depends on stored state is checked in that transaction. Each
 * rejects with a `Refusal`: of its rule, `OVERLOADED` when too much work is waiting, or `UNAVAILABLE` when the database
 * cannot be used now (then nothing was written).
 */
export type Nouns = {
  readonly [N in Noun]: { readonly [M in keyof Declared<N>]: Method<Declared<N>[M]> };
};

/** A database, as the services use it. */
export interface Store extends Omit<Nouns, 'admin' | 'health'> {
  /** Identifies the history: changes when a backup is restored. */
  readonly epoch: string;
  /** Whether a commit is under way, so that more entries will be told very soon. */
  readonly isCommitting: boolean;
  /** Calls back when another process has written to the database, such as a command-line tool. One listener. */
  onOutsideWrite(listener: () => void): void;
  /**
   * Calls back with the log entries of each commit, in order of commit, before the promises of its writes resolve.
   * One listener; the tail.
   */
  onEntries(listener: (entries: readonly LogEntry[]) => void): void;
  /** Calls back once if the engine dies and cannot go on; what was being written has an unknown outcome. */
  onFailure(listener: (error: Error) => void): void;
  /** Whether something in the database was found to be damaged since it was opened; the rest is there all the same. */
  readonly isDamaged: boolean;
  /** What keeps the database from being read right now, found by reading; undefined when nothing does. Never rejects. */
  probeRead(): Promise<StoreFault | undefined>;
  /** What keeps the database from being written right now, found by writing. Never rejects. */
  probeWrite(): Promise<StoreFault | undefined>;
  /** Finishes what is waiting and closes the database. */
  close(): Promise<void>;
}

/** A store with what only the command-line tools need. */
export interface ToolStore extends Store, Pick<Nouns, 'admin'> {}
