import type { Logger } from '../core/logger.ts';
import type { Metrics } from '../core/metrics.ts';
import { membershipChange } from '../models/message.ts';
import { Refusal } from '../models/refusal.ts';
import type { LogEntry, RoomSnapshot, Store } from '../stores/store.ts';
import type { Connection, Delivery, OnlineUser } from './delivery.ts';
import { entryEvents } from './entry-events.ts';
import type { Presence } from './presence.ts';
import { type DeliveredEntry, type Mark, missedEntries, RecentEntries } from './recent.ts';
import { RoomLog } from './room-log.ts';

/** What the tail needs. */
export interface TailOptions {
  readonly store: Store;
  readonly delivery: Delivery;
  readonly presence: Presence;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Where a connection stands in a room: it knows everything up to `known`; what came since then is kept from `mark` on. */
interface Standing {
  readonly room_id: string;
  readonly known: number;
  readonly mark: Mark;
}

/**
 * Follows the logs of the rooms that connections here are in, and gives each connection each room's entries in order,
 * with no gap and none twice, from the number its snapshot ends at to its own removal. Bringing a connection onto a
 * room's stream goes as in atproto's outbox: mark where the stream is, read a snapshot, send what came in between,
 * cut over.
 */
export class Tail {
  readonly #options: TailOptions;
  readonly #logs = new Map<string, RoomLog>();
  /** Rooms whose log is followed for connections whose subscription rests, and how many those are. */
  readonly #resting = new Map<string, number>();
  readonly #recent = new RecentEntries();

  constructor(options: TailOptions) {
    this.#options = options;
    options.store.onEntries((entries) => this.commit(entries));
  }

  /** Takes entries that have been committed, in the order of their numbers in each room. */
  commit(entries: readonly LogEntry[]): void {
    for (const entry of entries) {
      const log = this.#logs.get(entry.message.room_id);
      if (log === undefined) this.#pass(entry);
      else log.take(entry);
    }
  }

  /** To be called before a snapshot is read that {@link attachAll} is given; to be closed by {@link release}. */
  mark(): Mark {
    return this.#recent.open();
  }

  /** Ends what {@link mark} began. */
  release(mark: Mark): void {
    this.#recent.close(mark);
  }

  /**
   * Subscribes a connection that has just signed in to all rooms of its user, each from the number that the snapshot
   * tells. In the same turn as its answer, so that the answer goes out before any entry above those numbers.
   */
  attachAll(connection: Connection, memberships: readonly (readonly [string, number])[], mark: Mark): void {
    const user = connection.identity?.user;
    if (user === undefined) return;
    const recent = this.#recent.since(mark, new Set(memberships.map(([room_id]) => room_id)));
    for (const [room_id, known] of memberships) {
      if (
        this.#cutOver(connection, user, {
          room_id,
          known,
          delivered: recent.get(room_id) ?? [],
        })
      )
        continue;
      this.#chain(connection, (later) => this.#attach(connection, { room_id, known, mark: later }));
    }
    for (const room_id of this.#recent.joinedSince(mark, user.id)) {
      if (!this.#options.delivery.isSubscribed(room_id, connection)) this.#welcome(connection, room_id);
    }
  }

  /**
   * Reads a room for one of its members and subscribes the connection to it, if it is not yet. `answer` is called
   * at the place in the connection's stream that the snapshot stands for: after every entry up to `room.seq`, before
   * every entry above.
   * @throws Refusal `ROOM_NOT_FOUND`, `NOT_A_MEMBER`
   */
  enter(connection: Connection, room_id: string, answer: (snapshot: RoomSnapshot) => void): Promise<void> {
    const entered = connection.turn.then(() => this.#enter(connection, room_id, answer));
    connection.turn = entered.catch(() => {});
    return entered;
  }

  /** Compares the rooms that are followed here with the store, and reads what they are missing. */
  async catchUp(): Promise<void> {
    const room_ids = [...this.#logs.keys()];
    if (room_ids.length === 0) return;
    for (const { room_id, head } of await this.#options.store.rooms.heads({
      room_ids,
    })) {
      const log = this.#logs.get(room_id);
      if (log !== undefined && head > log.cursor) await log.readMissing();
    }
  }

  /** Tells the members of a room that it is gone, and forgets it. */
  deleteRoom(room_id: string): void {
    const { delivery, presence } = this.#options;
    delivery.publish(room_id, { event: 'room_deleted', payload: { room_id } });
    for (const user of presence.usersIn(room_id)) {
      presence.leaveRoom(user.id, room_id);
      for (const connection of user.connections) this.#unsubscribe(room_id, connection);
    }
  }

  /** Forgets a connection that has ended. */
  detach(connection: Connection): void {
    for (const room_id of connection.identity?.user.rooms ?? []) this.#unsubscribe(room_id, connection);
  }

  async #enter(connection: Connection, room_id: string, answer: (snapshot: RoomSnapshot) => void): Promise<void> {
    const user = connection.identity?.user;
    if (user === undefined) throw new Refusal('UNAUTHENTICATED');
    const mark = this.#recent.open();
    try {
      const log = this.#logs.get(room_id);
      const follows = log !== undefined && this.#options.delivery.isSubscribed(room_id, connection);
      if (follows) await this.#readAgain(connection, user, { room_id, log, mark, answer });
      else {
        const snapshot = await this.#options.store.rooms.enter({ room_id, user_id: user.id });
        answer(snapshot);
        await this.#attachOrEnd(connection, {
          room_id,
          known: snapshot.room.seq,
          mark,
        });
      }
    } finally {
      this.#recent.close(mark);
    }
  }

  /** The subscription rests while the room is read, so that the answer can stand at its place in the stream. */
  async #readAgain(
    connection: Connection,
    user: OnlineUser,
    reading: {
      room_id: string;
      log: RoomLog;
      mark: Mark;
      answer: (snapshot: RoomSnapshot) => void;
    },
  ): Promise<void> {
    const { room_id, log, mark, answer } = reading;
    let known = log.cursor;
    this.#resting.set(room_id, (this.#resting.get(room_id) ?? 0) + 1);
    this.#options.delivery.unsubscribe(room_id, connection);
    try {
      const snapshot = await this.#options.store.rooms.enter({ room_id, user_id: user.id });
      await log.reach(snapshot.room.seq);
      known = this.#replay(connection, { room_id, known, mark }, snapshot.room.seq);
      answer(snapshot);
    } finally {
      const left = (this.#resting.get(room_id) ?? 1) - 1;
      if (left === 0) this.#resting.delete(room_id);
      else this.#resting.set(room_id, left);
      await this.#attachOrEnd(connection, { room_id, known, mark });
      this.#dropUnused(room_id);
    }
  }

  /** Sends what was delivered above `known`, up to `to`, as far as it is still kept. @returns how far that was */
  #replay(connection: Connection, { room_id, known, mark }: Standing, to: number): number {
    let reached = known;
    for (const { from, entry } of this.#recent.since(mark, new Set([room_id])).get(room_id) ?? []) {
      const { rev } = entry.message;
      if (rev <= reached || rev > to || from > reached) continue;
      this.#send(connection, entry);
      reached = rev;
    }
    return reached;
  }

  /** A connection that cannot be brought onto its stream is ended: it comes back and syncs. */
  async #attachOrEnd(connection: Connection, standing: Standing): Promise<void> {
    try {
      await this.#attach(connection, standing);
    } catch (error) {
      this.#options.logger.warn({ err: error, connection: connection.id }, 'a connection could not follow a room');
      this.#options.delivery.end(connection);
    }
  }

  /** Gets a connection onto a room's stream, reading the store where what was delivered is no longer in memory. */
  async #attach(connection: Connection, { room_id, known, mark }: Standing): Promise<void> {
    const { store, metrics } = this.#options;
    const user = connection.identity?.user;
    for (let at = known; user !== undefined; ) {
      const delivered = this.#recent.since(mark, new Set([room_id])).get(room_id) ?? [];
      if (this.#cutOver(connection, user, { room_id, known: at, delivered })) return;
      metrics.gapReads.inc();
      const page = await store.messages.log({ room_id, after: at });
      if (this.#sendUntilRemoval(connection, user, page.entries)) return;
      at = page.has_more ? (page.entries.at(-1)?.message.rev ?? page.head) : page.head;
    }
  }

  /**
   * Subscribes a connection that knows a room up to `known`, after sending it what was `delivered` above that.
   * False, with nothing sent, when some of that is no longer in memory.
   */
  #cutOver(
    connection: Connection,
    user: OnlineUser,
    { room_id, known, delivered }: { room_id: string; known: number; delivered: readonly DeliveredEntry[] },
  ): boolean {
    const { delivery, presence } = this.#options;
    if (connection.closed) return true;
    const log = this.#logs.get(room_id);
    if (log === undefined) {
      presence.enterRoom(user, room_id);
      delivery.subscribe(room_id, connection);
      const followed = this.#follow(room_id, known);
      for (const { entry } of delivered) followed.take(entry);
      return true;
    }
    const missed = missedEntries(delivered, known, log.cursor);
    if (missed === undefined) return false;
    presence.enterRoom(user, room_id);
    if (!this.#sendUntilRemoval(connection, user, missed)) log.admitAfter(known, connection);
    return true;
  }

  /** Sends entries one after another. True when one of them ended the user's membership: nothing goes out after that. */
  #sendUntilRemoval(connection: Connection, user: OnlineUser, entries: readonly LogEntry[]): boolean {
    const isOwn = (entry: LogEntry, kind: 'joined' | 'left') => {
      const change = membershipChange(entry.message);
      return change !== undefined && kind in change && entry.message.user_id === user.id;
    };
    for (const [i, entry] of entries.entries()) {
      this.#send(connection, entry);
      if (!isOwn(entry, 'left')) continue;
      const { room_id } = entry.message;
      this.#options.presence.leaveRoom(user.id, room_id);
      // Someone who was made a member again while an older snapshot was read enters anew.
      if (entries.slice(i).some((later) => isOwn(later, 'joined'))) this.#welcome(connection, room_id);
      return true;
    }
    return false;
  }

  #follow(room_id: string, cursor: number): RoomLog {
    const { store, delivery, metrics, logger } = this.#options;
    const log = new RoomLog({
      room_id,
      cursor,
      read: (after) => {
        metrics.gapReads.inc();
        return store.messages.log({ room_id, after });
      },
      deliver: (entry, from) => this.#deliver(entry, from),
      admit: (connection) => delivery.subscribe(room_id, connection),
      logger,
    });
    this.#logs.set(room_id, log);
    return log;
  }

  #unsubscribe(room_id: string, connection: Connection): void {
    this.#options.delivery.unsubscribe(room_id, connection);
    this.#logs.get(room_id)?.forget(connection);
    this.#dropUnused(room_id);
  }

  #dropUnused(room_id: string): void {
    const log = this.#logs.get(room_id);
    if (log === undefined || log.isAwaited || this.#resting.has(room_id)) return;
    if (this.#options.delivery.subscribers(room_id) > 0) return;
    log.end();
    this.#logs.delete(room_id);
  }

  /** An entry of a room that nobody here receives: it may make somebody here a member. */
  #pass(entry: LogEntry): void {
    this.#recent.add({ from: entry.message.rev - 1, entry });
    this.#applyMembership(entry);
  }

  #deliver(entry: LogEntry, from: number): void {
    const { delivery, presence, metrics } = this.#options;
    const { room_id } = entry.message;
    this.#recent.add({ from, entry });
    metrics.entriesDelivered.inc(delivery.subscribers(room_id));
    this.#enterRoom(entry);
    for (const outgoing of entryEvents(entry, presence)) delivery.publish(room_id, outgoing);
    this.#applyMembership(entry);
  }

  #send(connection: Connection, entry: LogEntry): void {
    const { presence, metrics } = this.#options;
    metrics.entriesDelivered.inc();
    for (const outgoing of entryEvents(entry, presence)) connection.send(outgoing);
  }

  /** Who joins is online in the room before the room is told, so that the numbers told are right. */
  #enterRoom({ message }: LogEntry): OnlineUser | undefined {
    const change = membershipChange(message);
    if (change === undefined || !('joined' in change)) return undefined;
    const user = this.#options.presence.get(change.joined);
    if (user !== undefined) this.#options.presence.enterRoom(user, message.room_id);
    return user;
  }

  #applyMembership(entry: LogEntry): void {
    const { room_id } = entry.message;
    const change = membershipChange(entry.message);
    if (change === undefined) return;
    if ('left' in change) {
      const connections = this.#options.presence.get(change.left)?.connections ?? [];
      this.#options.presence.leaveRoom(change.left, room_id);
      for (const connection of connections) this.#unsubscribe(room_id, connection);
      return;
    }
    for (const connection of this.#enterRoom(entry)?.connections ?? []) {
      if (!connection.entering?.has(room_id)) this.#welcome(connection, room_id);
    }
  }

  /** Brings a connection into a room that its user was made a member of elsewhere. */
  #welcome(connection: Connection, room_id: string): void {
    const { delivery, presence } = this.#options;
    this.#chain(connection, async () => {
      if (delivery.isSubscribed(room_id, connection) || connection.closed) return;
      await this.#enter(connection, room_id, ({ room, users, messages }) => {
        const members = users.map((user) => presence.user(user));
        const payload = {
          room: presence.room(room),
          users: members,
          messages: [...messages],
        };
        connection.send({ event: 'room_info', payload });
      });
    });
  }

  /** Runs a change of a connection's subscriptions after those before it. One that fails ends it: it comes back. */
  #chain(connection: Connection, run: (mark: Mark) => Promise<void>): void {
    const mark = this.#recent.open();
    connection.turn = connection.turn
      .then(() => run(mark))
      .catch((error: unknown) => {
        const gone = error instanceof Refusal && (error.code === 'NOT_A_MEMBER' || error.code === 'ROOM_NOT_FOUND');
        if (gone) return;
        this.#options.logger.warn({ err: error, connection: connection.id }, 'a connection could not enter a room');
        this.#options.delivery.end(connection);
      })
      .finally(() => this.#recent.close(mark));
  }
}
