import type { Reading } from './query.ts';

/**
 * One look at what is stored, in one snapshot, the same on every engine. A `Refusal` that it throws is its reply.
 * `R`: what callers get.
 */
export interface Read<I, O, R = O> {
  readonly run: (input: I) => Reading<O>;
  /** Whose turn it takes, when it may take long: users take turns, and quick reads go first. */
  readonly turn?: (input: I) => string;
  /** Makes what callers get of what an engine gave, which may have come from another thread. */
  readonly revive?: (output: O) => R;
}

/** Declares a read. */
export function read<I, O>(run: (input: I) => Reading<O>): Read<I, O>;
export function read<I, O, R = O>(run: (input: I) => Reading<O>, more: Omit<Read<I, O, R>, 'run'>): Read<I, O, R>;
export function read<I, O, R = O>(run: (input: I) => Reading<O>, more: Omit<Read<I, O, R>, 'run'> = {}): Read<I, O, R> {
  return { run, ...more };
}
