/**
 * The generic cell rate algorithm (ITU-T I.371), as a "virtual schedule": what is remembered of a key is one number,
 * the time at which the next event would come if all came evenly. No timer, no list of events.
 */
export interface Gcra {
  /** Milliseconds between events in the long run. */
  readonly interval: number;
  /** How far ahead of the schedule an event may come, in milliseconds: the burst less one, in intervals. */
  readonly tolerance: number;
}

/** Takes back an event that was let through. */
export function giveBack(state: number[], place: number, { interval }: Gcra): void {
  state[place] = (state[place] ?? 0) - interval;
}

/** What rounding may cost, in milliseconds. */
const SLACK_MS = 0.001;

/** A rate of `count` in `period` milliseconds, of which `burst` may come at once. */
export function gcra({ count, period, burst }: { count: number; period: number; burst: number }): Gcra {
  const interval = period / count;
  return { interval, tolerance: interval * (burst - 1) };
}

/**
 * Counts an event at `now` against the number at `place` of `state`, which is 0 for a key that is new. `cost`: as how many
 * it counts; one that counts as more than the burst is let through after a rest.
 * @returns 0 when it is let through; otherwise nothing is counted, and it would be let through in so many milliseconds
 */
export function take(state: number[], place: number, { interval, tolerance }: Gcra, now: number, cost = 1): number {
  const kept = state[place] ?? 0;
  const due = kept > now ? kept : now;
  const wait = due - Math.max(0, tolerance - interval * (cost - 1)) - now;
  if (wait > SLACK_MS) return wait;
  state[place] = due + interval * cost;
  return 0;
}
