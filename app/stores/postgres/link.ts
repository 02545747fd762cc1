import { setTimeout as wait } from 'node:timers/promises';
import { EngineFault, type Fault } from '../fault.ts';
import type { Connection } from './connection.ts';
import { faultOf } from './faults.ts';

/** The database can be reached, but this process may not go on with it: the message is for people. */
export class Superseded extends Error {}

/** How a connection is kept. */
export interface LinkOptions {
  /** Connects, and makes ready what is to be used. */
  readonly open: () => Promise<Connection>;
  /** Told when the connection cannot be made anew for good. */
  readonly onEnd: (error: Superseded) => void;
}

/** Between tries to connect, in milliseconds, twice as long each time: within two seconds it is seen that the database is back. */
const WAIT_MS = { first: 50, most: 800 };

/** One connection, made anew whenever it is lost. */
export class Link {
  readonly #options: LinkOptions;
  readonly #closed = new AbortController();
  #connection: Connection | null = null;
  #why: Fault = { kind: 'away', text: 'not connected yet' };

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** Connects for the first time. @throws what `open` throws */
  async start(): Promise<void> {
    this.#take(await this.#options.open());
  }

  /** The connection; null while there is none. */
  get connection(): Connection | null {
    return this.#connection;
  }

  /** The connection. @throws EngineFault with the reason why there is none */
  need(): Connection {
    if (this.#connection === null) throw new EngineFault(this.#why);
    return this.#connection;
  }

  /** Ends the connection after what is under way. */
  async close(): Promise<void> {
    this.#closed.abort();
    await this.#connection?.end();
    this.#connection = null;
  }

  #take(connection: Connection): void {
    if (this.#closed.signal.aborted) {
      void connection.end();
      return;
    }
    this.#connection = connection;
    connection.onLost((error) => {
      if (this.#connection !== connection) return;
      this.#connection = null;
      this.#note(error);
      void this.#restore();
    });
  }

  async #restore(): Promise<void> {
    const { signal } = this.#closed;
    for (let waitMs = WAIT_MS.first; !signal.aborted; waitMs = Math.min(waitMs * 2, WAIT_MS.most)) {
      try {
        this.#take(await this.#options.open());
        return;
      } catch (error) {
        this.#note(error);
        if (error instanceof Superseded) {
          this.#options.onEnd(error);
          return;
        }
      }
      await wait(waitMs, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  /** Without a connection the database is away, unless it says more. */
  #note(error: unknown): void {
    const { kind, text } = faultOf(error);
    this.#why = { kind: kind === 'other' ? 'away' : kind, text };
  }
}
