import type { Message } from '../protocol/message.ts';

/** A page of `sync` for one room. */
export interface SyncPage {
  readonly head: number;
  readonly messages: readonly Message[];
  readonly has_more: boolean;
}

/** Live entries kept while what is before them is fetched. Past this they are let go, and fetched as well. */
const HELD_MAX = 1_000;

/** Follows the log of one room: passes on each change once, in order of `rev`. */
export class RoomLog {
  readonly #apply: (message: Message) => void;
  readonly #held = new Map<number, Message>();
  #cursor: number;

  /** Everything up to `cursor` is known; `apply` is given what comes after it. */
  constructor(cursor: number, apply: (message: Message) => void) {
    this.#cursor = cursor;
    this.#apply = apply;
  }

  /** The highest number up to which everything is known. */
  get cursor(): number {
    return this.#cursor;
  }

  /** Takes a live entry. True when what is before it is missing: `sync` must be asked. */
  event(message: Message): boolean {
    const { rev } = message;
    if (rev <= this.#cursor) return false;
    if (rev > this.#cursor + 1) {
      if (this.#held.size < HELD_MAX) this.#held.set(rev, message);
      return true;
    }
    this.#take(message);
    this.#takeHeld();
    return false;
  }

  /** Takes a page of `sync`. True when another one is needed. */
  page({ head, messages, has_more }: SyncPage): boolean {
    for (const message of messages) if (message.rev > this.#cursor) this.#take(message);
    if (!has_more) this.#cursor = Math.max(this.#cursor, head);
    this.#takeHeld();
    return has_more || this.#held.size > 0;
  }

  #take(message: Message): void {
    this.#cursor = message.rev;
    this.#apply(message);
  }

  #takeHeld(): void {
    for (const rev of this.#held.keys()) if (rev <= this.#cursor) this.#held.delete(rev);
    for (let next = this.#held.get(this.#cursor + 1); next !== undefined; next = this.#held.get(this.#cursor + 1)) {
      this.#held.delete(next.rev);
      this.#take(next);
    }
  }
}
