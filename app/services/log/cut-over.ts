import type { Logger } from '../../core/logger.ts';
import type { Metrics } from '../../core/metrics.ts';
import { membershipChange } from '../../models/message.ts';
import { Refusal } from '../../models/refusal.ts';
import type { LogEntry, RoomSnapshot, Store } from '../../stores/store.ts';
import type { Connection, OnlineUser } from '../connection.ts';
import type { Delivery } from '../delivery.ts';
import type { Presence } from '../presence.ts';
import { entryEvents } from './entry-events.ts';
import type { FollowedRooms } from './followed-rooms.ts';
import { type Bookmark, type DeliveredEntry, missedEntries, type RecentEntries } from './recent.ts';
import type { RoomLog } from './room-log.ts';

/** Where rooms are read, and to whom it is given. */
export interface CutOverOptions {
  readonly store: Store;
  readonly delivery: Delivery;
  readonly presence: Presence;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly recent: RecentEntries;
  readonly rooms: FollowedRooms;
  /** A connection was sent the end of its user's membership: it may have begun anew, and is then to be welcomed. */
  readonly onRemoved: (connection: Connection, room_id: string) => void;
}

/** Where a connection stands in a room: it knows everything up to `known`; what came since then is kept from `bookmark` on. */
interface Standing {
  readonly room_id: string;
  readonly known: number;
  readonly bookmark: Bookmark;
}

/**
 * Brings connections onto the streams of rooms, as in atproto's outbox: bookmark where the stream is, read a snapshot, send
 * what came in between, cut over.
 */
export class CutOver {
  readonly #options: CutOverOptions;

  constructor(options: CutOverOptions) {
    this.#options = options;
  }

  /**
   * Reads a room for one of its members and brings the connection onto its stream; see `Tail.open`.
   * @throws Refusal `ROOM_NOT_FOUND`, `NOT_A_MEMBER`
   */
  async open(connection: Connection, room_id: string, answer: (snapshot: RoomSnapshot) => void): Promise<void> {
    const user = connection.identity?.user;
    if (user === undefined) throw new Refusal('UNAUTHENTICATED');
    const bookmark = this.#options.recent.open();
    try {
      const log = this.#options.rooms.get(room_id);
      if (log !== undefined && this.#options.rooms.follows(connection, room_id)) {
        await this.#readAgain(connection, user, { room_id, log, bookmark, answer });
        return;
      }
      const snapshot = await this.#options.store.rooms.snapshot({ room_id, user_id: user.id });
      answer(snapshot);
      await this.#attachOrEnd(connection, { room_id, known: snapshot.room.seq, bookmark });
    } finally {
      this.#options.recent.close(bookmark);
    }
  }

  /** The subscription rests while the room is read, so that the answer can stand at its place in the stream. */
  async #readAgain(
    connection: Connection,
    user: OnlineUser,
    reading: { room_id: string; log: RoomLog; bookmark: Bookmark; answer: (snapshot: RoomSnapshot) => void },
  ): Promise<void> {
    const { room_id, log, bookmark, answer } = reading;
    let known = log.knownBy(connection) ?? log.cursor;
    log.pause();
    this.#options.delivery.unsubscribe(room_id, connection);
    log.forget(connection);
    try {
      const snapshot = await this.#options.store.rooms.snapshot({ room_id, user_id: user.id });
      const { seq } = snapshot.room;
      await log.reach(seq);
      await this.#sendUpTo(connection, user, { room_id, known, bookmark, to: seq }, (reached) => {
        known = reached;
      });
      answer(snapshot);
    } finally {
      log.resume();
      await this.#attachOrEnd(connection, { room_id, known, bookmark });
      this.#options.rooms.dropUnused(room_id);
    }
  }

  /**
   * Sends what came above `known`, up to `to`, where a snapshot stands: nothing above the user's own removal, since
   * the snapshot then begins the stream anew. `onReached` is told how far it is, after each part.
   */
  async #sendUpTo(
    connection: Connection,
    user: OnlineUser,
    { room_id, known, bookmark, to }: Standing & { to: number },
    onReached: (number: number) => void,
  ): Promise<void> {
    const kept = this.#options.recent.since(bookmark, new Set([room_id])).get(room_id) ?? [];
    const below = kept.filter(({ entry }) => entry.message.rev <= to);
    const missed = missedEntries(below, known, to);
    if (missed !== undefined) this.#sendUntilRemoval(connection, user, missed);
    for (let at = known; missed === undefined && at < to; ) {
      const page = await this.#readLog(room_id, at);
      if (page === null) throw new Refusal('ROOM_NOT_FOUND');
      const { entries, reached } = page;
      const told = entries.filter(({ message }) => message.rev <= to);
      if (this.#sendUntilRemoval(connection, user, told)) break;
      at = reached;
      onReached(Math.min(at, to));
    }
    onReached(to);
  }

  /** A page of the log, and up to which number it tells everything; null when there is no such room any more. */
  async #readLog(room_id: string, after: number): Promise<{ entries: LogEntry[]; reached: number } | null> {
    const { entries, head, has_more } = await this.#options.rooms.read(room_id, after);
    const reached = has_more ? (entries.at(-1)?.message.rev ?? head) : head;
    return reached <= after ? null : { entries, reached };
  }

  /** A connection that cannot be brought onto its stream is ended: it comes back and syncs. */
  async #attachOrEnd(connection: Connection, standing: Standing): Promise<void> {
    try {
      await this.attach(connection, standing);
    } catch (error) {
      this.#options.logger.warn({ err: error, connection: connection.id }, 'a connection could not follow a room');
      this.#options.delivery.drop(connection);
    }
  }

  /** Gets a connection onto a room's stream, reading the store where what was delivered is no longer in memory. */
  async attach(connection: Connection, { room_id, known, bookmark }: Standing): Promise<void> {
    const user = connection.identity?.user;
    for (let at = known; user !== undefined; ) {
      const delivered = this.#options.recent.since(bookmark, new Set([room_id])).get(room_id) ?? [];
      if (this.tryNow(connection, user, { room_id, known: at, bookmark, delivered })) return;
      const page = await this.#readLog(room_id, at);
      if (page === null) {
        this.#tellDeleted(connection, user, room_id);
        return;
      }
      if (this.#sendUntilRemoval(connection, user, page.entries)) {
        this.#options.onRemoved(connection, room_id);
        return;
      }
      at = page.reached;
    }
  }

  /** Tells a connection that knows a room, and does not follow it yet, that it is gone. */
  #tellDeleted(connection: Connection, user: OnlineUser, room_id: string): void {
    connection.send({ event: 'room_deleted', payload: { room_id } });
    this.#options.rooms.removeMember(user, room_id);
  }

  /**
   * Subscribes a connection that knows a room up to `known`, after sending it what was `delivered` above that; if the
   * room was deleted since then, it is told so. False, with nothing sent, when some of that is no longer in memory.
   */
  tryNow(
    connection: Connection,
    user: OnlineUser,
    { room_id, known, bookmark, delivered }: Standing & { delivered: readonly DeliveredEntry[] },
  ): boolean {
    const { delivery, presence, recent } = this.#options;
    if (connection.closed) return true;
    if (recent.isDeleted(room_id)) {
      this.#tellDeleted(connection, user, room_id);
      return true;
    }
    const log = this.#options.rooms.get(room_id);
    if (log === undefined) {
      presence.addRoom(user, room_id);
      delivery.subscribe(room_id, connection);
      const followed = this.#options.rooms.follow(room_id, known);
      for (const { entry } of delivered) followed.take(entry);
      if (!recent.reachesBackTo(bookmark)) void followed.readMissing();
      return true;
    }
    const missed = missedEntries(delivered, known, log.cursor);
    if (missed === undefined) return false;
    if (this.#sendUntilRemoval(connection, user, missed)) {
      this.#options.onRemoved(connection, room_id);
      return true;
    }
    presence.addRoom(user, room_id);
    log.admitAfter(missed.at(-1)?.message.rev ?? known, connection);
    return true;
  }

  /**
   * Sends entries one after another. True when one of them ended the user's membership: nothing goes out after that.
   * Who may have become a member again since then is to be welcomed.
   */
  #sendUntilRemoval(connection: Connection, user: OnlineUser, entries: readonly LogEntry[]): boolean {
    return entries.some((entry) => {
      this.#send(connection, entry);
      const change = membershipChange(entry.message);
      return change !== undefined && 'left' in change && change.left === user.id;
    });
  }

  #send(connection: Connection, entry: LogEntry): void {
    const { presence, metrics } = this.#options;
    metrics.entriesDelivered.inc();
    for (const outgoing of entryEvents(entry, presence)) connection.send(outgoing);
  }
}

/** Whether a room was refused because the user is no member of it any more, or there is no such room. */
export function isGone(error: unknown): boolean {
  return error instanceof Refusal && (error.code === 'NOT_A_MEMBER' || error.code === 'ROOM_NOT_FOUND');
}
