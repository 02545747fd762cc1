import type { Message } from '../protocol/models.ts';

/** A message that the server has. */
export interface SentMessage extends Message {
  readonly status: 'sent';
  /** Identifies it in a list; one's own message keeps the key it had while it was pending. */
  readonly key: string;
}

/** What changed while a page was on its way: the page may have been read before. */
type Changes = Map<string, Message>;

/**
 * The part of a room's messages that is loaded: without a hole, ordered by `seq`, each in the newest state known, and
 * never more than `limit`. While nothing newer than the last one was let go, new messages come in at the end.
 */
export class Timeline {
  /** Ordered by `seq`. Another array after each change. */
  messages: readonly SentMessage[] = [];
  /** Whether the room has messages before the first one. */
  hasOlder = false;
  /** Whether messages after the last one were let go to keep the limit. */
  hasNewer = false;
  readonly #limit: number;
  readonly #keyOf: (message: Message) => string;
  readonly #flights = new Set<Changes>();

  constructor(limit: number, keyOf: (message: Message) => string) {
    this.#limit = limit;
    this.#keyOf = keyOf;
  }

  /** Begins anew with a page of the newest messages, oldest first. */
  reset(page: readonly Message[], hasOlder: boolean): void {
    this.messages = page.map((message) => this.#sent(message));
    this.hasOlder = hasOlder;
    this.hasNewer = false;
    this.#flights.clear();
  }

  /** Takes a message in some state, if its place is in the loaded part. An older state than the known one is ignored. */
  put(message: Message): void {
    for (const changes of this.#flights) keepNewest(changes, message);
    const at = this.#place(message.seq);
    const known = this.messages[at];
    if (known?.seq === message.seq) {
      if (known.rev < message.rev) this.#replace(at, 1, message);
      return;
    }
    if (at === 0 && this.hasOlder) return;
    if (at === this.messages.length && this.hasNewer) return;
    this.#replace(at, 0, message);
    this.#dropOldest();
  }

  /**
   * Loads the page before the first message. `load` is given that message's `seq`. Past the limit the newest are let go.
   * Throws what `load` throws.
   */
  async loadOlder(
    load: (before: number) => Promise<{ messages: readonly Message[]; has_more: boolean }>,
  ): Promise<void> {
    const first = this.messages[0];
    if (!this.hasOlder || first === undefined) return;
    await this.#fly(
      () => load(first.seq),
      (page, changes) => {
        const older = page.messages.map((message) => this.#sent(newest(message, changes)));
        this.messages = [...older, ...this.messages];
        this.hasOlder = page.has_more;
        if (this.messages.length > this.#limit) {
          this.messages = this.messages.slice(0, this.#limit);
          this.hasNewer = true;
        }
      },
    );
  }

  /** Loads the page after the last message, where newer ones were let go. Past the limit the oldest are let go. */
  async loadNewer(
    load: (after: number) => Promise<{ messages: readonly Message[]; has_more: boolean }>,
  ): Promise<void> {
    const last = this.messages.at(-1);
    if (!this.hasNewer || last === undefined) return;
    await this.#fly(
      () => load(last.seq),
      (page, changes) => {
        const newer = page.messages.map((message) => this.#sent(newest(message, changes)));
        this.messages = [...this.messages, ...newer];
        this.hasNewer = page.has_more;
        if (!this.hasNewer) this.#putAll(changes);
        this.#dropOldest();
      },
    );
  }

  /** Goes back to the newest messages, where they were let go. */
  async loadNewest(load: () => Promise<{ messages: readonly Message[]; has_more: boolean }>): Promise<void> {
    if (!this.hasNewer) return;
    await this.#fly(load, (page, changes) => {
      this.messages = page.messages.map((message) => this.#sent(newest(message, changes)));
      this.hasOlder = page.has_more;
      this.hasNewer = false;
      this.#putAll(changes);
    });
  }

  /** Waits for a page, and merges it with what changed meanwhile, unless everything was begun anew meanwhile. */
  async #fly<P>(load: () => Promise<P>, merge: (page: P, changes: Changes) => void): Promise<void> {
    const changes: Changes = new Map();
    this.#flights.add(changes);
    try {
      const page = await load();
      if (this.#flights.delete(changes)) merge(page, changes);
    } finally {
      this.#flights.delete(changes);
      this.#dropOldest();
    }
  }

  #putAll(changes: Changes): void {
    for (const message of [...changes.values()].sort((a, b) => a.seq - b.seq)) this.put(message);
  }

  /** Not while a page is on its way: it must fit to the end it was asked for. */
  #dropOldest(): void {
    if (this.#flights.size > 0 || this.messages.length <= this.#limit) return;
    this.messages = this.messages.slice(-this.#limit);
    this.hasOlder = true;
  }

  #replace(at: number, count: number, message: Message): void {
    this.messages = [...this.messages.slice(0, at), this.#sent(message), ...this.messages.slice(at + count)];
  }

  /** The place of the first message whose `seq` is not below. */
  #place(seq: number): number {
    let low = 0;
    let high = this.messages.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.messages[middle]?.seq ?? 0) < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #sent(message: Message): SentMessage {
    return { ...message, status: 'sent', key: this.#keyOf(message) };
  }
}

function keepNewest(changes: Changes, message: Message): void {
  const known = changes.get(message.id);
  if (known === undefined || known.rev < message.rev) changes.set(message.id, message);
}

function newest(message: Message, changes: Changes): Message {
  const changed = changes.get(message.id);
  return changed !== undefined && changed.rev > message.rev ? changed : message;
}
