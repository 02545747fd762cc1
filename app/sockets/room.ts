import type { SocketConnection } from './connection.ts';
import { Chunk } from './frames.ts';

/** Writing to a room of this many connections takes about a millisecond: then it pays to wait for more to go with it. */
const LARGE = 256;

/** The connections that receive a room, and what they are to receive at the end of this turn. */
export class SubscribedRoom {
  readonly connections = new Set<SocketConnection>();
  /** Made when there is something to hold: an array that waits long enough grows old, and then what it held does too. */
  #pending: string[] | null = null;

  /** Whether it pays to wait for more before writing to it. */
  get isLarge(): boolean {
    return this.connections.size >= LARGE;
  }

  /** Holds a packet until {@link take}; whether it is the first. */
  hold(packet: string): boolean {
    if (this.#pending === null) {
      this.#pending = [packet];
      return true;
    }
    this.#pending.push(packet);
    return false;
  }

  /** What was held, encoded once for all; null when nothing was. */
  take(): Chunk | null {
    if (this.#pending === null) return null;
    const chunk = new Chunk(this.#pending);
    this.#pending = null;
    return chunk;
  }
}
