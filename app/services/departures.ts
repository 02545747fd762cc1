import type { Logger } from '../core/logger.ts';
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

/** When it tries again after a failure, in milliseconds. */
const RETRY_MS = 1_000;

/** Lets one retired user leave all of its rooms, each in a transaction of its own, as long as it may go on. */
export async function leaveAllRooms(
  { store, now, newId }: DepartureOptions,
  user_id: string,
  mayGoOn = () => true,
): Promise<void> {
  while (mayGoOn()) {
    if (!(await store.users.depart({ user_id, message_id: newId(), at: now() }))) return;
  }
}

/**
 * Lets retired users leave their rooms, one room after another, so that others are served in between. Who must leave is
 * in the store: what was interrupted goes on after a restart, or beside another process that does the same.
 */
export class Departures {
  readonly #options: DepartureOptions;
  readonly #logger: Logger;
  #busy = false;
  #again = false;
  #run: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(options: DepartureOptions, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
  }

  /** Begins, if anyone must leave. */
  wake(): void {
    if (this.#ended) return;
    clearTimeout(this.#retry);
    this.#again = true;
    if (!this.#busy) this.#run = this.#leaveAll();
  }

  /** Stops between two rooms. */
  async close(): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#retry);
    await this.#run;
  }

  async #leaveAll(): Promise<void> {
    this.#busy = true;
    const { store } = this.#options;
    const mayGoOn = () => !this.#ended;
    try {
      while (this.#again && mayGoOn()) {
        this.#again = false;
        const leaving = await store.users.departing({ limit: AT_ONCE });
        await Promise.all(leaving.map((user_id) => leaveAllRooms(this.#options, user_id, mayGoOn)));
        if (leaving.length > 0) this.#again = true;
      }
    } catch (error) {
      this.#logger.warn({ err: error }, 'a user who is gone could not leave a room');
      this.#retry = setTimeout(() => this.wake(), RETRY_MS).unref();
    }
    this.#busy = false;
  }
}
