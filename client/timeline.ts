import type { Message } from '../protocol/message.ts';

/** A message that the server has. */
export interface SentMessage extends Message {
  readonly status: 'sent';
  /** Identifies it in a list; one's own message keeps the key it had while it was pending. */
  readonly key: string;
}

/** A page of messages, oldest first. */
interface Page {
  readonly messages: readonly Message[];
  readonly has_more: boolean;
}

/** Where a page ends or begins; the newest with neither. */
interface Place {
  readonly before?: number;
  readonly after?: number;
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
   * Loads a page before the first message, after the last one, or the newest; nothing where there is none. Past the limit
   * the other end is let go. Throws what `load` throws.
   */
  async load(where: 'older' | 'newer' | 'newest', load: (place: Place) => Promise<Page>): Promise<void> {
    const isOlder = where === 'older';
    const edge = (isOlder ? this.messages[0] : this.messages.at(-1))?.seq;
    if (edge === undefined || !(isOlder ? this.hasOlder : this.hasNewer)) return;
    const changes: Changes = new Map();
    this.#flights.add(changes);
    try {
      const page = await load(isOlder ? { before: edge } : where === 'newer' ? { after: edge } : {});
      // Not when everything was begun anew meanwhile.
      if (this.#flights.delete(changes)) this.#merge(where, page, changes);
    } finally {
      this.#flights.delete(changes);
      this.#dropOldest();
    }
  }

  #merge(where: 'older' | 'newer' | 'newest', { messages, has_more }: Page, changes: Changes): void {
    const page = messages.map((message) => this.#sent(newest(message, changes)));
    if (where === 'older') {
      this.messages = [...page, ...this.messages];
      this.hasOlder = has_more;
      if (this.messages.length <= this.#limit) return;
      this.messages = this.messages.slice(0, this.#limit);
      this.hasNewer = true;
      return;
    }
    if (where === 'newest') this.hasOlder = has_more;
    this.messages = where === 'newest' ? page : [...this.messages, ...page];
    this.hasNewer = where === 'newer' && has_more;
    if (!this.hasNewer) for (const message of [...changes.values()].sort((a, b) => a.seq - b.seq)) this.put(message);
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
