import type { SocketConnection } from './connection.ts';

/** How long {@link SignInDeadline} waits, and what it does then. */
export interface SignInDeadlineOptions {
  /** How long a connection may take, in milliseconds. */
  readonly timeoutMs: number;
  /** A clock in milliseconds that never goes back. */
  readonly now: () => number;
  /** Called for each connection that has not signed in in time, once. */
  readonly onLate: (connection: SocketConnection) => void;
}

/** Who was told to come back later gets this much more time, at most, in milliseconds. */
const GRACE_MAX_MS = 90_000;

/** Ends connections that do not sign in: one look each second over those that have not, no timer a connection. */
export class SignInDeadline {
  readonly #options: SignInDeadlineOptions;
  readonly #waiting = new Map<SocketConnection, number>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: SignInDeadlineOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), Math.min(1_000, options.timeoutMs / 4));
    this.#timer.unref();
  }

  /** Starts the time of a connection. */
  add(connection: SocketConnection): void {
    this.#waiting.set(connection, this.#options.now());
  }

  /** Forgets a connection that has ended. */
  delete(connection: SocketConnection): void {
    this.#waiting.delete(connection);
  }

  /** Stops looking. */
  close(): void {
    clearInterval(this.#timer);
    this.#waiting.clear();
  }

  #look(): void {
    const now = this.#options.now();
    for (const [connection, since] of this.#waiting) {
      const begins = Math.max(since, Math.min(connection.waitsUntil, since + GRACE_MAX_MS));
      // Who waits for the server's own answer is not late.
      const isBusy = connection.running > 0 || now - begins < this.#options.timeoutMs;
      if (connection.identity === null && isBusy) continue;
      this.#waiting.delete(connection);
      if (connection.identity === null) this.#options.onLate(connection);
    }
  }
}
