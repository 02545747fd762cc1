import type { ServerResponse } from 'node:http';
import type { Logger } from '../core/logger.ts';
import type { Metrics } from '../core/metrics.ts';

/** Something that waits for a client to read it: the queue of a connection, or the answer to a poll. */
export interface Unread {
  /** How many bytes of it are counted, for its address and for the process. */
  counted: number;
  /** When the client last took some of it, by the clock of `performance.now()`. */
  since: number;
  /** What its address is counted by; null when nothing is limited. */
  readonly budget: { unread: number } | null;
  /** How many bytes it is now. */
  measure(): number;
  /** Ends it at once, and what holds it. */
  cut(): void;
}

/** The bounds of an {@link UnreadLedger}. */
export interface UnreadOptions {
  /** How many bytes may wait for an address. */
  readonly addressMax: number;
  /** How many may wait for all. */
  readonly max: number;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Once there is too much, so much of the bound is left: or each message would have all looked through again. */
const RELIEVED = 0.875;

/**
 * Counts what waits for clients to read it: of an address, and of the process. Above a bound, those who have taken
 * nothing of the most for the longest are cut; they come back and sync.
 */
export class UnreadLedger {
  readonly #options: UnreadOptions;
  readonly #all = new Set<Unread>();
  #total = 0;

  constructor(options: UnreadOptions) {
    this.#options = options;
  }

  /** Records how much waits after something was added. */
  count(unread: Unread, bytes: number): void {
    if (bytes <= unread.counted || unread.counted === 0) unread.since = performance.now();
    this.#set(unread, bytes);
    const { addressMax, max } = this.#options;
    const { budget } = unread;
    if (budget !== null && budget.unread > addressMax) {
      this.#relieve(
        (other) => other.budget === budget,
        addressMax,
        () => budget.unread,
      );
    }
    if (this.#total > max)
      this.#relieve(
        () => true,
        max,
        () => this.#total,
      );
  }

  /** Records that nothing waits any more. */
  forget(unread: Unread): void {
    this.#set(unread, 0);
  }

  #set(unread: Unread, bytes: number): void {
    const more = bytes - unread.counted;
    if (more === 0) return;
    unread.counted = bytes;
    if (unread.budget !== null) unread.budget.unread += more;
    this.#total += more;
    if (bytes > 0) this.#all.add(unread);
    else this.#all.delete(unread);
  }

  /** What was counted is an upper bound, since nobody tells when a client reads: so all are measured before any is cut. */
  #relieve(concerns: (unread: Unread) => boolean, max: number, sum: () => number): void {
    const now = performance.now();
    const concerned = [...this.#all].filter(concerns);
    for (const unread of concerned) {
      const bytes = unread.measure();
      if (bytes < unread.counted) unread.since = now;
      this.#set(unread, bytes);
    }
    if (sum() <= max) return;
    const before = sum();
    const weight = ({ counted, since }: Unread) => counted * (1 + now - since);
    let cut = 0;
    for (const unread of concerned.sort((a, b) => weight(b) - weight(a))) {
      if (sum() <= max * RELIEVED) break;
      unread.cut();
      this.#set(unread, 0);
      cut++;
    }
    this.#options.metrics.slowClients.inc(cut);
    this.#options.logger.warn(
      { cut, bytes: before, max },
      'too much waited for clients that do not read: some are cut',
    );
  }
}

/** The answer to a poll that its client does not read. It may outlive the session that it belongs to. */
export class UnreadAnswer implements Unread {
  counted = 0;
  since = 0;
  readonly budget: { unread: number } | null;
  readonly #response: ServerResponse;

  constructor(response: ServerResponse, budget: { unread: number } | null) {
    this.#response = response;
    this.budget = budget;
  }

  measure(): number {
    return this.#response.writableLength;
  }

  cut(): void {
    this.#response.destroy();
  }
}
