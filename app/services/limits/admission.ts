import { Refusal } from '../../models/refusal.ts';
import { type Gcra, gcra, take } from './gcra.ts';

/** How much work of one kind is let in. */
export interface AdmissionOptions {
  /** How many are carried out at once. */
  readonly atOnce: number;
  /** How many wait for a place; more are sent away. */
  readonly waiting: number;
  /** How many are let in a second, in the long run. */
  readonly perSecond: number;
  /** A clock in milliseconds that never goes back. */
  readonly now: () => number;
}

/** Nobody is told to come back earlier, or later, than this, in milliseconds. */
const EARLIEST_MS = 1_000;
const LATEST_MS = 15_000;

/**
 * How many are told to come in the time that one seems to take. Work goes at an uneven pace: when it gets faster than
 * it was, places that were promised for later are no help, and the server would stand idle; who comes too early is
 * only sent away once more.
 */
const OVERBOOKED = 2;

/** How much the newest one counts in the average time that one takes. */
const WEIGHT = 0.05;

/**
 * Lets expensive work in at a bounded rate, a bounded number at once, and sends the rest away until a time of its own:
 * those who are sent away stand on a schedule, one after another at the pace at which the work has been going, so that
 * they neither come back at once nor leave the server idle.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #rate: Gcra;
  readonly #due = [0];
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #promised = 0;
  /** The average time from getting a place to giving it back, in milliseconds. */
  #takes = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    const { perSecond, atOnce, waiting } = options;
    this.#rate = gcra({ count: perSecond, period: 1_000, burst: atOnce + waiting });
  }

  /**
   * Resolves with a place, which must be given back by calling what it resolved with, once.
   * @throws Refusal `OVERLOADED` when there is none, and none to be had soon
   */
  async admit(): Promise<() => void> {
    const { atOnce, waiting, now } = this.#options;
    const full = this.#running >= atOnce;
    if ((full && this.#waiting.length >= waiting) || take(this.#due, 0, this.#rate, now()) > 0) throw this.#sendAway();
    if (full) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    const began = now();
    return () => this.#leave(now() - began);
  }

  #leave(took: number): void {
    this.#takes += WEIGHT * (took - this.#takes);
    const next = this.#waiting.shift();
    if (next === undefined) this.#running--;
    else next();
  }

  #sendAway(): Refusal {
    const now = this.#options.now();
    const spacing = Math.max(this.#rate.interval, this.#takes / this.#options.atOnce / OVERBOOKED);
    const at = Math.max(now + EARLIEST_MS, this.#promised + spacing);
    const late = at > now + LATEST_MS;
    if (!late) this.#promised = at;
    const wait = late ? LATEST_MS * (0.5 + Math.random() / 2) : at - now;
    return new Refusal('OVERLOADED', { retryAfterMs: Math.ceil(wait) });
  }
}
