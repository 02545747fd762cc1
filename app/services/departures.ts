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
    if (!(await store.users.depart({ user_id, message_id: newId(), at: now() }))) return;
  }
}

/** Lets some retired users leave their rooms; see {@link leaveAllRooms}. @returns whether there may be more */
export async function departSome(options: DepartureOptions, ended: AbortSignal): Promise<boolean> {
  const leaving = await options.store.users.departing({ limit: AT_ONCE });
  await Promise.all(leaving.map((user_id) => leaveAllRooms(options, user_id, ended)));
  return leaving.length > 0;
}
