import type { Wanted } from './known-rows.ts';
import type { Held, Tx } from './tx.ts';

/**
 * One change of what is stored, the same on every engine. For a batch of them the rooms are locked, in the order of their
 * ids, then the users, then the counters; only then the rows that they say they need are read, and each is run. `run` is
 * synchronous: nothing comes between a rule and what depends on it. A `Refusal` that it throws is its reply, and has
 * changed nothing.
 */
export interface Write<I, O> {
  /** The rooms that it changes. */
  readonly rooms?: (input: I) => readonly string[];
  /** Messages that it changes, by id, each of which stands for its room: a message never moves to another. */
  readonly messages?: (input: I) => readonly string[];
  /** The users that it changes. */
  readonly users?: (input: I) => readonly string[];
  /** The counters that it changes. */
  readonly counters?: (input: I) => readonly string[];
  /**
   * The rows that `run` gets; `rooms` are those of `messages`. One that is left out costs a round trip on PostgreSQL, and
   * fails a test.
   */
  readonly reads: (input: I, rooms: readonly string[]) => readonly Wanted[];
  /** About how many bytes an input carries, where that is much. */
  readonly bytes?: (input: I) => number;
  /**
   * How an output crosses from another thread as a number, where all else in it is what the input holds; undefined: not
   * this one.
   */
  readonly brief?: {
    readonly shorten: (output: O) => number | undefined;
    readonly restore: (input: I, short: number) => O;
  };
  readonly run: (tx: Tx, input: I) => O;
}

/** Declares a write. */
export const write = <I, O>(declared: Write<I, O>): Write<I, O> => declared;

const NONE: readonly string[] = [];

/** What a call holds. `roomsOf`: the rooms of the messages that it names. */
export function heldBy<I>(declared: Write<I, unknown>, input: I, roomsOf: readonly string[]): Held {
  const rooms = declared.rooms?.(input) ?? NONE;
  return {
    rooms: roomsOf.length === 0 ? rooms : [...rooms, ...roomsOf],
    users: declared.users?.(input) ?? NONE,
    counters: declared.counters?.(input) ?? NONE,
  };
}
