import { setTimeout as pause } from 'node:timers/promises';
import type { Erased, Store, ToolStore } from '../stores/store.ts';

/** Where the server erases. */
export interface ErasureOptions {
  readonly store: Pick<Store, 'erasures'>;
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number;
}

/** Where a tool finishes an erasure. */
export interface FinishOptions extends ErasureOptions {
  readonly store: Pick<ToolStore, 'erasures' | 'admin'>;
  /** Whether a server uses the database, which then does the work. */
  readonly isServed: () => Promise<boolean>;
}

/** Told how far something is: how many of how many. */
export type Progress = (done: number, total: number) => void;

/** Between two steps others are served for this many times as long as a step took, within these bounds. */
const REST = 5;
const REST_MIN_MS = 20;
const REST_MAX_MS = 500;

/** How often a tool looks how far a server is, in milliseconds. */
const LOOK_MS = 100;

/**
 * Removes some of what is left of deleted rooms and erased users, and then rests: what it changes goes to everyone in a
 * room, and others' commits come in between. @returns whether there may be more
 */
export async function eraseSome({ store, now }: ErasureOptions, ended: AbortSignal): Promise<boolean> {
  const began = performance.now();
  if (!(await eraseNext({ store, now }))) return false;
  // What was changed is sent at the end of the turn: that counts too.
  await new Promise(setImmediate);
  const rest = Math.min(Math.max((performance.now() - began) * REST, REST_MIN_MS), REST_MAX_MS);
  await pause(rest, undefined, { signal: ended }).catch(() => {});
  return true;
}

/** Waits until all of a room or a user is erased: by the server that runs, or else by doing it. */
export async function finishErasure(
  options: FinishOptions,
  erased: Erased,
  onProgress: Progress = () => {},
): Promise<void> {
  const { store, isServed } = options;
  for (;;) {
    const state = await store.admin.erasure(erased);
    if (state === undefined) return;
    onProgress(state.reached, state.total);
    if ((await isServed()) || !(await eraseNext(options))) await pause(LOOK_MS);
  }
}

/** Does the next step there is; false when there was nothing that could be removed now. */
async function eraseNext({ store, now }: ErasureOptions): Promise<boolean> {
  const next = await store.erasures.next();
  if (next === null) return false;
  await store.erasures.step({ next, at: now() });
  return true;
}
