import type { Store } from '../stores/store.ts';

/** What departures need. */
export interface DepartureOptions {
  readonly store: Pick<Store, 'users'>;
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number;
  readonly newId: () => string;
}

/** How many retired users leave their rooms at once; their commits are shared. */
const AT_ONCE = 8;

/** Lets one retired user leave all of its rooms, each in a transaction of its own, until it is told to stop. */
export async function leaveAllRooms(
  { store, now, newId }: DepartureOptions,
  user_id: string,
  ended?: AbortSignal,
): Promise<void> {
  while (ended?.aborted !== true) {
    const room_id = await store.users.nextDeparture({ user_id });
    if (!(await store.users.depart({ user_id, room_id, message_id: newId(), at: now() }))) return;
  }
}

/**
 * Lets retired users leave their rooms; see {@link leaveAllRooms}. One who cannot is left for later, and keeps nobody
 * else. @returns whether there may be more. Throws what one of them met, once all had their turn
 */
export async function departSome(options: DepartureOptions, ended: AbortSignal): Promise<boolean> {
  const faults: unknown[] = [];
  let after = '';
  while (!ended.aborted) {
    const leaving = await options.store.users.departing({ after, limit: AT_ONCE });
    const outcomes = await Promise.allSettled(leaving.map((user_id) => leaveAllRooms(options, user_id, ended)));
    for (const outcome of outcomes) if (outcome.status === 'rejected') faults.push(outcome.reason);
    const last = leaving.at(-1);
    if (last === undefined) break;
    after = last;
  }
  if (faults.length > 0) throw faults[0];
  return after !== '';
}
