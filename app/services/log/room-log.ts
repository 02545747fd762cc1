import type { Logger } from '../../core/logger.ts';
import type { LogEntry } from '../../stores/store.ts';
import type { Connection } from '../connection.ts';

/** Entries above a number, in order; of a message that was changed twice only the newest state. */
export interface LogPage {
  readonly entries: LogEntry[];
  readonly has_more: boolean;
}

/** Takes what comes of a log: each entry once, by one of the three. */
export interface EntrySink {
  /** Delivers the next entry; the cursor stood at `from` before. `read`: the store is read, so it may be an old one. */
  deliver(entry: LogEntry, about: { from: number; read: boolean }): void;
  /** Takes an entry that the cursor was ahead of, since somebody here began with a later snapshot. */
  late(entry: LogEntry): void;
  /** Takes an entry that nobody here receives; in order. */
  pass(entry: LogEntry): void;
}

/** The connections that receive a log, or wait to. */
export interface LogFollowers {
  /** Lets a connection that knows everything up to the cursor receive what is delivered from here on. */
  admit(room_id: string, connection: Connection): void;
  /** Ends the connections that follow the log: it cannot go on. */
  giveUp(room_id: string): void;
}

/** What the logs of all rooms share: where they are read, and who takes what comes of them. */
export interface RoomLogOptions {
  readonly read: (room_id: string, after: number) => Promise<LogPage>;
  readonly sink: EntrySink;
  readonly followers: LogFollowers;
  readonly logger: Logger;
}

/** How long a committed entry may take to arrive by itself before it is read from the store, in milliseconds. */
const ARRIVAL_MS = 200;
const RETRY_MS = 1_000;
/** So many entries are held while what comes before them cannot be read, as with a damaged database. */
const HELD_MAX = 10_000;

/**
 * Follows the log of one room: entries come in any order, with holes and twice, and are delivered in the order of
 * their numbers, each once. A hole is filled from the store.
 */
export class RoomLog {
  readonly #room_id: string;
  readonly #options: RoomLogOptions;
  /** Entries that came before one that is missing, by number. */
  readonly #held = new Map<number, LogEntry>();
  #cursor: number;
  #reading: 'no' | 'yes' | 'again' = 'no';
  /** Set while the next read waits, since the last one failed. */
  #retry: NodeJS.Timeout | undefined;
  #ended = false;
  #delivering = false;
  #paused = 0;
  #waiting: { readonly connection: Connection; readonly known: number }[] = [];
  #reached: { readonly number: number; readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = [];

  /** @param cursor the number of the last entry that counts as delivered */
  constructor(room_id: string, cursor: number, options: RoomLogOptions) {
    this.#room_id = room_id;
    this.#cursor = cursor;
    this.#options = options;
  }

  /** The number of the last entry delivered. */
  get cursor(): number {
    return this.#cursor;
  }

  /** Whether connections wait to be admitted, or are paused. */
  get isAwaited(): boolean {
    return this.#waiting.length > 0 || this.#paused > 0;
  }

  /** It is to be followed for one more connection whose subscription is paused, until {@link resume}. */
  pause(): void {
    this.#paused++;
  }

  /** Ends what {@link pause} began. */
  resume(): void {
    this.#paused--;
  }

  /** Takes an entry that was committed. */
  take(entry: LogEntry): void {
    const { rev } = entry.message;
    if (rev <= this.#cursor) {
      this.#options.sink.late(entry);
      return;
    }
    if (rev > this.#cursor + 1) {
      this.#held.set(rev, entry);
      if (this.#retry === undefined) void this.readMissing();
      return;
    }
    this.#deliver(entry);
    this.#deliverHeld();
  }

  /** Reads from the store what is above the cursor; when that fails, again in a second. */
  async readMissing(): Promise<void> {
    if (this.#reading !== 'no') {
      this.#reading = 'again';
      return;
    }
    clearTimeout(this.#retry);
    this.#retry = undefined;
    try {
      let more = true;
      while (more && !this.#ended) {
        this.#reading = 'yes';
        const page = await this.#options.read(this.#room_id, this.#cursor);
        if (this.#ended) return;
        for (const entry of page.entries) if (entry.message.rev > this.#cursor) this.#deliver(entry);
        this.#deliverHeld();
        more = page.has_more || this.#mustReadAgain;
      }
    } catch (error) {
      const { logger, followers } = this.#options;
      logger.error({ err: error, room_id: this.#room_id }, 'missing entries could not be read');
      this.#retry = setTimeout(() => void this.readMissing(), RETRY_MS).unref();
      for (const { reject } of this.#reached.splice(0)) reject(error);
      if (this.#held.size > HELD_MAX) followers.giveUp(this.#room_id);
    } finally {
      this.#reading = 'no';
    }
  }

  /** Admits a connection that knows everything up to `known` as soon as the cursor is there. */
  admitAfter(known: number, connection: Connection): void {
    if (this.#cursor >= known) this.#admit(connection);
    else this.#waiting.push({ connection, known });
  }

  /** Up to which number a connection that waits to be admitted knows everything; undefined when it does not wait. */
  knownBy(connection: Connection): number | undefined {
    return this.#waiting.find((waiting) => waiting.connection === connection)?.known;
  }

  /** No longer admits a connection, unless it knows more than everything up to `rev`. */
  forget(connection: Connection, rev = Number.POSITIVE_INFINITY): void {
    if (!this.isAwaited) return;
    this.#waiting = this.#waiting.filter((waiting) => waiting.connection !== connection || waiting.known > rev);
  }

  /**
   * Resolves when the entry of this number has been delivered, or the end has come. What does not come by itself is
   * read.
   * @throws what the store throws when it cannot be read
   */
  async reach(number: number): Promise<void> {
    if (this.#cursor >= number || this.#ended) return;
    const timer = setTimeout(() => void this.readMissing(), ARRIVAL_MS);
    try {
      await new Promise<void>((resolve, reject) => this.#reached.push({ number, resolve, reject }));
    } finally {
      clearTimeout(timer);
    }
  }

  /** The room is gone: follows it no more, and gives back who waited to be admitted. */
  abandon(): Connection[] {
    const waiting = this.#waiting.map(({ connection }) => connection);
    this.#waiting = [];
    this.#held.clear();
    this.end();
    return waiting;
  }

  /** Follows it no more; the entries that it holds are passed on. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#retry);
    for (const { resolve } of this.#reached) resolve();
    if (!this.#delivering) this.#passHeld();
  }

  get #mustReadAgain(): boolean {
    return this.#reading === 'again';
  }

  #deliver(entry: LogEntry): void {
    const { rev } = entry.message;
    const from = this.#cursor;
    if (this.isAwaited) this.#admitUpTo(rev - 1);
    this.#cursor = rev;
    if (this.#ended) {
      this.#options.sink.pass(entry);
      return;
    }
    this.#delivering = true;
    this.#options.sink.deliver(entry, { from, read: this.#reading !== 'no' });
    this.#delivering = false;
    if (this.isAwaited) this.#admitUpTo(rev);
    if (this.#reached.length > 0) this.#resolveReached();
  }

  #deliverHeld(): void {
    for (;;) {
      const next = this.#held.get(this.#cursor + 1);
      if (next === undefined) break;
      this.#deliver(next);
    }
    for (const rev of this.#held.keys()) if (rev <= this.#cursor) this.#held.delete(rev);
    if (this.#ended) this.#passHeld();
  }

  #passHeld(): void {
    const left = [...this.#held.values()].sort((a, b) => a.message.rev - b.message.rev);
    this.#held.clear();
    for (const entry of left) this.#options.sink.pass(entry);
  }

  /** Who knows nothing above this number receives all that follows. */
  #admitUpTo(number: number): void {
    const ready = this.#waiting.filter(({ known }) => known <= number);
    this.#waiting = this.#waiting.filter(({ known }) => known > number);
    for (const { connection } of ready) this.#admit(connection);
  }

  #admit(connection: Connection): void {
    this.#options.followers.admit(this.#room_id, connection);
  }

  #resolveReached(): void {
    const ready = this.#reached.filter(({ number }) => number <= this.#cursor);
    this.#reached = this.#reached.filter(({ number }) => number > this.#cursor);
    for (const { resolve } of ready) resolve();
  }
}
