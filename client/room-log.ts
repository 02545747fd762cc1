import type { Message } from '../protocol/message.ts';

/**
 * One change of a room: its number there, beside the message that it changed or, where an event of a later version tells
 * the change in another way, beside fields that mean nothing here.
 */
export interface LogEntry {
  readonly room_id: string;
  readonly rev: number;
}

/** Whether the payload of an event is an entry of a room's log; any that has both fields is, whatever the event's name. */
export function isEntry(payload: unknown): payload is LogEntry {
  const { room_id, rev }: Partial<LogEntry> = Object(payload);
  return room_id !== undefined && rev !== undefined;
}

/** Whether an entry holds the message that it changed, in its newest state. */
export function isMessage(entry: LogEntry): entry is Message {
  const { seq, content } = entry as Partial<Message>;
  return seq !== undefined && content !== undefined;
}

/** A page of `sync` for one room. */
export interface SyncPage {
  readonly head: number;
  readonly messages: readonly Message[];
  readonly has_more: boolean;
}

/** Live entries kept while what is before them is fetched. Past this they are let go, and fetched as well. */
const HELD_MAX = 1_000;

/** Follows the log of one room: passes on each message that changed, once a change, in order of `rev`. */
export class RoomLog {
  readonly #apply: (message: Message) => void;
  readonly #held = new Map<number, LogEntry>();
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
  event(entry: LogEntry): boolean {
    const { rev } = entry;
    if (rev <= this.#cursor) return false;
    if (rev > this.#cursor + 1) {
      if (this.#held.size < HELD_MAX) this.#held.set(rev, entry);
      return true;
    }
    this.#take(entry);
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

  #take(entry: LogEntry): void {
    this.#cursor = entry.rev;
    if (isMessage(entry)) this.#apply(entry);
  }

  #takeHeld(): void {
    for (const rev of this.#held.keys()) if (rev <= this.#cursor) this.#held.delete(rev);
    for (let next = this.#held.get(this.#cursor + 1); next !== undefined; next = this.#held.get(this.#cursor + 1)) {
      this.#held.delete(next.rev);
      this.#take(next);
    }
  }
}
