import type { Logger } from '../core/logger.ts';

/**
 * Work that waits in the store until it is done.
 * @returns after a bit of it, whether there may be more
 */
export type Chore = (ended: AbortSignal) => Promise<boolean>;

/** When it tries again after a failure, in milliseconds. */
const RETRY_MS = 1_000;

/**
 * Does what waits in the store, bit by bit, so that others are served in between. What was interrupted goes on after a
 * restart, or beside another process that does the same.
 */
export class Chores {
  readonly #chores: readonly Chore[];
  readonly #logger: Logger;
  readonly #ended = new AbortController();
  #busy = false;
  #again = false;
  #run: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;

  constructor(chores: readonly Chore[], logger: Logger) {
    this.#chores = chores;
    this.#logger = logger;
  }

  /** Begins, if there is anything to do. */
  wake(): void {
    if (this.#ended.signal.aborted) return;
    clearTimeout(this.#retry);
    this.#again = true;
    if (!this.#busy) this.#run = this.#work();
  }

  /** Stops between two bits. */
  async close(): Promise<void> {
    this.#ended.abort();
    clearTimeout(this.#retry);
    await this.#run;
  }

  async #work(): Promise<void> {
    this.#busy = true;
    while (this.#again && !this.#ended.signal.aborted) {
      this.#again = false;
      for (const chore of this.#chores) if (await this.#some(chore)) this.#again = true;
    }
    this.#busy = false;
  }

  /** A bit of one; one that fails keeps the others from nothing. */
  async #some(chore: Chore): Promise<boolean> {
    try {
      return !this.#ended.signal.aborted && (await chore(this.#ended.signal));
    } catch (error) {
      this.#logger.warn({ err: error }, 'what was left to do could not be done, and is tried again');
      clearTimeout(this.#retry);
      this.#retry = setTimeout(() => this.wake(), RETRY_MS).unref();
      return false;
    }
  }
}
