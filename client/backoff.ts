/** The first delay is at most this long, in milliseconds. */
const BASE_MS = 500;
/** No delay is longer than this, but for one that the server asked for. */
const CAP_MS = 30_000;

/**
 * How long to wait before an attempt: exponential with full jitter, so that clients that lost the same server do not
 * come back at the same moment (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 * Never less than what the server asked for.
 */
export class Backoff {
  #attempt = 0;
  #askedMs = 0;
  readonly #random: () => number;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** The next delay, in milliseconds. Each call is one more attempt. */
  next(): number {
    const jitter = this.#random() * Math.min(CAP_MS, BASE_MS * 2 ** Math.min(this.#attempt, 16));
    const delay = this.#askedMs + jitter;
    this.#attempt++;
    this.#askedMs = 0;
    return delay;
  }

  /** The server asked to wait this long before the next attempt, in milliseconds. */
  ask(ms: number | undefined): void {
    if (ms !== undefined && ms > this.#askedMs) this.#askedMs = ms;
  }

  /** The last attempt succeeded, but may not last: wait at most 4 s from here on. */
  ease(): void {
    this.#attempt = Math.min(this.#attempt, 3);
  }

  /** The attempts succeeded: begin from the shortest delay again. */
  reset(): void {
    this.#attempt = 0;
  }
}

/** A wait that can be cut short. */
export class Sleep {
  #wake: (() => void) | undefined;

  /** Resolves after `ms` milliseconds, or when {@link wake} is called. */
  for(ms: number): Promise<void> {
    this.wake();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.wake(), ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Ends the wait now. */
  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
