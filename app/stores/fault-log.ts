import type { Logger } from '../core/logger.ts';
import type { Fault } from './fault.ts';

/** No more often than this is a fault of the same call logged, in milliseconds. */
const EVERY_MS = 5_000;

/**
 * Logs what the database fails. A full disk fails every write there is, and lines about it need room too: of each call
 * the first fault is logged at once, and then one every five seconds that counts those between.
 */
export class FaultLog {
  readonly #logger: Logger;
  readonly #calls = new Map<string, { at: number; unlogged: number }>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Records that a call met a fault of the database. */
  add(call: string, { kind, text }: Fault): void {
    const now = performance.now();
    const last = this.#calls.get(call);
    if (last !== undefined && now - last.at < EVERY_MS) {
      last.unlogged++;
      return;
    }
    this.#calls.set(call, { at: now, unlogged: 0 });
    this.#logger.error({ call, kind, fault: text, unlogged: last?.unlogged ?? 0 }, 'the database failed a call');
  }
}
