import type { Message } from '../../protocol/index.ts';
import { type LogEntry, messageIn } from '../support/entry.ts';
import type { RoomHeld } from './records.ts';

/**
 * What a client knows of one room, kept by docs/client-rules.md: a cursor up to which it knows everything, moved by live
 * entries and `sync` alone, and states of messages merged by the greatest `rev`. States of messages that are older than
 * the oldest loaded are kept too: a page that is being loaded may hold older ones.
 */
export class RoomView {
  readonly room_id: string;
  /** The highest number up to which it knows everything. */
  cursor: number;
  /** The place of the oldest message loaded; everything from there on is held. */
  floor: number;
  /** Whether it must ask `sync`. */
  behind = false;
  readonly #messages = new Map<string, Message>();
  readonly #kept = new Map<number, LogEntry>();

  /** @param seq the number of the snapshot */
  constructor(room_id: string, seq: number) {
    this.room_id = room_id;
    this.cursor = seq;
    this.floor = seq + 1;
  }

  /** Takes the newest messages of the room, oldest first, that came with a snapshot at `seq`. */
  load(messages: readonly Message[], seq: number, has_more: boolean): void {
    for (const message of messages) this.#merge(message);
    // What lies between what it holds and the page is still to come.
    const joins = this.cursor >= (messages.at(0)?.seq ?? seq + 1) - 1;
    if (joins || this.floor > this.cursor) this.#lower(messages, has_more);
  }

  /** Takes the page of `get_messages` right before {@link floor}, as it was when it was asked for. */
  older(messages: readonly Message[], has_more: boolean, before: number): void {
    for (const message of messages) this.#merge(message);
    if (before >= this.floor) this.#lower(messages, has_more);
  }

  /** Takes a live entry. */
  entry(entry: LogEntry): void {
    if (entry.rev <= this.cursor) return;
    if (entry.rev > this.cursor + 1) {
      this.#kept.set(entry.rev, entry);
      this.behind = true;
      return;
    }
    this.#take(entry);
    this.#takeKept();
  }

  /** Takes a page of `sync`. */
  page({ messages, head, has_more }: { messages: readonly Message[]; head: number; has_more: boolean }): void {
    for (const message of messages) this.#merge(message);
    const reached = has_more ? (messages.at(-1)?.rev ?? this.cursor) : head;
    this.cursor = Math.max(this.cursor, reached);
    this.#takeKept();
    this.behind = has_more || this.#kept.size > 0;
  }

  /** The messages held of one user that are not deleted and no system messages. */
  ownMessages(user_id: string): Message[] {
    return [...this.#messages.values()].filter(
      (message) => message.user_id === user_id && !message.deleted && message.system === undefined,
    );
  }

  /** What it holds now. */
  held(): RoomHeld {
    return { room_id: this.room_id, cursor: this.cursor, floor: this.floor, messages: [...this.#messages.values()] };
  }

  #take(entry: LogEntry): void {
    const message = messageIn(entry);
    if (message !== undefined) this.#merge(message);
    this.cursor = entry.rev;
  }

  #takeKept(): void {
    for (;;) {
      const next = this.#kept.get(this.cursor + 1);
      if (next === undefined) break;
      this.#take(next);
    }
    for (const rev of this.#kept.keys()) if (rev <= this.cursor) this.#kept.delete(rev);
  }

  #lower(messages: readonly Message[], has_more: boolean): void {
    this.floor = Math.min(this.floor, has_more ? (messages.at(0)?.seq ?? this.floor) : 0);
  }

  #merge(message: Message): void {
    const known = this.#messages.get(message.id);
    if (known === undefined || known.rev < message.rev) this.#messages.set(message.id, message);
  }
}
