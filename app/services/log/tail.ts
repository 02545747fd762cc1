import type { Logger } from '../../core/logger.ts';
import type { Metrics } from '../../core/metrics.ts';
import { membershipChange } from '../../models/message.ts';
import type { LogEntry, RoomSnapshot, Store } from '../../stores/store.ts';
import type { Connection, OnlineUser } from '../connection.ts';
import type { Delivery } from '../delivery.ts';
import type { Presence } from '../presence.ts';
import { Attachments, type KnownRoom } from './attach.ts';
import { isGone, Streams } from './cut-over.ts';
import { entryEvents } from './entry-events.ts';
import { type Bookmark, RecentEntries } from './recent.ts';
import { RoomLog } from './room-log.ts';

/** What the tail is made of. */
export interface TailOptions {
  readonly store: Store;
  readonly delivery: Delivery;
  readonly presence: Presence;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** How many delivered entries are kept at most while snapshots are read. */
  readonly recentMax?: number;
  /** See {@link AttachmentOptions}. */
  readonly roomsAtOnce?: number;
}

/**
 * Follows the logs of the rooms that connections here are in, and gives each connection each room's entries in order,
 * with no gap and none twice, from the number its snapshot ends at to its own removal.
 */
export class Tail {
  readonly #options: TailOptions;
  readonly #logs = new Map<string, RoomLog>();
  readonly #recent: RecentEntries;
  readonly #streams: Streams;
  readonly #attachments: Attachments;
  /** Welcomes that were left to a command that is entering the room. */
  readonly #owed = new WeakMap<Connection, Set<string>>();

  constructor(options: TailOptions) {
    this.#options = options;
    this.#recent = new RecentEntries(options.recentMax);
    const common = {
      ...options,
      recent: this.#recent,
      leaveRoom: (user: OnlineUser, room_id: string) => this.#leaveRoom(user, room_id),
      welcome: (connection: Connection, room_id: string) => this.#welcome(connection, room_id),
    };
    this.#streams = new Streams({
      ...common,
      logOf: (room_id) => this.#logs.get(room_id),
      follow: (room_id, cursor) => this.#follow(room_id, cursor),
      follows: (connection, room_id) => this.#follows(connection, room_id),
      dropUnused: (room_id) => this.#dropUnused(room_id),
    });
    this.#attachments = new Attachments({ ...common, streams: this.#streams });
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

  /** Call before reading a snapshot for {@link attachAll}; end it by {@link release}. */
  bookmark(): Bookmark {
    return this.#recent.open();
  }

  /** Ends what {@link bookmark} began. */
  release(bookmark: Bookmark): void {
    this.#recent.close(bookmark);
  }

  /** Subscribes a connection that has just signed in to all rooms of its user; see {@link Attachments.attachAll}. */
  attachAll(connection: Connection, memberships: readonly KnownRoom[], bookmark: Bookmark): Promise<void> {
    return this.#attachments.attachAll(connection, memberships, bookmark);
  }

  /** Subscribes a connection to rooms from where it knows them; see {@link Attachments.attach}. */
  attach(connection: Connection, rooms: readonly KnownRoom[], bookmark: Bookmark): Promise<void> {
    return this.#attachments.attach(connection, rooms, bookmark);
  }

  /**
   * Reads a room for one of its members and subscribes the connection to it, if it is not yet. `answer` is called
   * at the place in the connection's stream that the snapshot stands for: after every entry up to `room.seq`, before
   * every entry above.
   * @throws Refusal `ROOM_NOT_FOUND`, `NOT_A_MEMBER`
   */
  open(connection: Connection, room_id: string, answer: (snapshot: RoomSnapshot) => void): Promise<void> {
    const opened = connection.turn.then(() => this.#streams.open(connection, room_id, answer));
    connection.turn = opened.catch(() => {});
    return opened;
  }

  /** A command of this connection is about to make it a member of a room and answers for it: it need not be welcomed. */
  expectJoin(connection: Connection, room_id: string): void {
    // A set is kept only while there is something in it: most connections enter nothing most of the time.
    connection.joining ??= new Set();
    connection.joining.add(room_id);
  }

  /** The command has ended. If it failed, and its user has become a member all the same, it is welcomed after all. */
  endJoin(connection: Connection, room_id: string): void {
    connection.joining?.delete(room_id);
    if (connection.joining?.size === 0) connection.joining = null;
    const owed = this.#owed.get(connection);
    if (!owed?.delete(room_id)) return;
    if (owed.size === 0) this.#owed.delete(connection);
    this.#welcome(connection, room_id);
  }

  /** Compares the rooms that are followed here with the store, and reads what they are missing. */
  async catchUp(): Promise<void> {
    const room_ids = [...this.#logs.keys()];
    if (room_ids.length === 0) return;
    for (const { room_id, head } of await this.#options.store.rooms.heads({ room_ids })) {
      const log = this.#logs.get(room_id);
      if (log !== undefined && head > log.cursor) await log.readMissing();
    }
  }

  /** Tells the members of a room that it is gone, and forgets it. Who is entering it is told by its `Streams`. */
  deleteRoom(room_id: string): void {
    const { delivery, presence } = this.#options;
    const outgoing = { event: 'room_deleted', payload: { room_id } } as const;
    this.#recent.addDeleted(room_id);
    delivery.publish(room_id, outgoing);
    delivery.sendAll(this.#logs.get(room_id)?.abandon() ?? [], outgoing);
    this.#logs.delete(room_id);
    const members = presence.usersIn(room_id);
    for (const user of members) for (const connection of user.connections) delivery.unsubscribe(room_id, connection);
    for (const user of members) presence.removeRoom(user.id, room_id);
  }

  /** Forgets a connection that has ended. */
  detach(connection: Connection): void {
    for (const room_id of connection.identity?.user.rooms ?? []) this.#unsubscribe(room_id, connection);
  }

  /** Whether a connection receives a room, or will as soon as the tail is where its snapshot is. */
  #follows(connection: Connection, room_id: string): boolean {
    if (this.#options.delivery.isSubscribed(room_id, connection)) return true;
    return this.#logs.get(room_id)?.knownBy(connection) !== undefined;
  }

  #follow(room_id: string, cursor: number): RoomLog {
    const { store, delivery, presence, metrics, logger } = this.#options;
    const log = new RoomLog({
      room_id,
      cursor,
      read: (after) => {
        metrics.gapReads.inc();
        return store.messages.log({ room_id, after });
      },
      deliver: (entry, about) => this.#deliver(entry, about),
      late: (entry) => this.#applyLate(entry),
      pass: (entry) => this.#pass(entry),
      admit: (connection) => {
        if (!connection.closed) delivery.subscribe(room_id, connection);
      },
      giveUp: () => {
        for (const connection of presence.usersIn(room_id).flatMap((user) => [...user.connections]))
          if (this.#follows(connection, room_id)) delivery.drop(connection);
      },
      logger,
    });
    this.#logs.set(room_id, log);
    return log;
  }

  /** Ends that a connection follows a room, unless it waits with a snapshot from after the number `rev`. */
  #unsubscribe(room_id: string, connection: Connection, rev?: number): void {
    this.#options.delivery.unsubscribe(room_id, connection);
    this.#logs.get(room_id)?.forget(connection, rev);
    this.#dropUnused(room_id);
  }

  #dropUnused(room_id: string): void {
    const log = this.#logs.get(room_id);
    if (log === undefined || log.isAwaited) return;
    if (this.#options.delivery.subscribers(room_id) > 0) return;
    this.#logs.delete(room_id);
    log.end();
  }

  /** An entry of a room that nobody here receives: it may make somebody here a member. */
  #pass(entry: LogEntry): void {
    this.#recent.add({ from: entry.message.rev - 1, entry });
    this.#applyMembership(entry);
  }

  /**
   * An entry that the room's cursor was ahead of, since somebody here began with a later snapshot. Who follows the
   * room knows it; someone else may have become a member by it, or ceased to be one.
   */
  #applyLate(entry: LogEntry): void {
    const { room_id, rev } = entry.message;
    this.#recent.add({ from: rev - 1, entry });
    const change = membershipChange(entry.message);
    const user = change && this.#options.presence.get('left' in change ? change.left : change.joined);
    if (change === undefined || user === undefined) return;
    const others = [...user.connections].filter((connection) => !this.#follows(connection, room_id));
    if ('joined' in change) {
      for (const connection of others) this.#welcomeUnlessJoining(connection, room_id);
    } else this.#leaveRoom(user, room_id);
  }

  /** Records that a user is no member of a room any more, unless a connection knows better. */
  #leaveRoom(user: OnlineUser | undefined, room_id: string): void {
    if (user === undefined || [...user.connections].some((connection) => this.#follows(connection, room_id))) return;
    this.#options.presence.removeRoom(user.id, room_id);
  }

  #deliver(entry: LogEntry, { from, read }: { from: number; read: boolean }): void {
    const { delivery, presence, metrics } = this.#options;
    const { room_id } = entry.message;
    this.#recent.add({ from, entry });
    metrics.entriesDelivered.inc(delivery.subscribers(room_id));
    this.#addRoom(entry);
    for (const outgoing of entryEvents(entry, presence)) delivery.publish(room_id, outgoing);
    this.#applyMembership(entry, read);
  }

  /** Who joins is online in the room before the room is told, so that the numbers told are right. */
  #addRoom({ message }: LogEntry): OnlineUser | undefined {
    const change = membershipChange(message);
    if (change === undefined || !('joined' in change)) return undefined;
    const user = this.#options.presence.get(change.joined);
    if (user !== undefined) this.#options.presence.addRoom(user, message.room_id);
    return user;
  }

  /** With an old entry, someone whom it removed may be a member again by one that was applied before. */
  #applyMembership(entry: LogEntry, old = false): void {
    const { room_id } = entry.message;
    const change = membershipChange(entry.message);
    if (change === undefined) return;
    if ('left' in change) {
      const connections = this.#options.presence.get(change.left)?.connections ?? [];
      this.#options.presence.removeRoom(change.left, room_id);
      for (const connection of connections) {
        this.#unsubscribe(room_id, connection, entry.message.rev);
        if (old) this.#welcomeUnlessJoining(connection, room_id);
      }
      return;
    }
    for (const connection of this.#addRoom(entry)?.connections ?? []) this.#welcomeUnlessJoining(connection, room_id);
  }

  #welcomeUnlessJoining(connection: Connection, room_id: string): void {
    if (!connection.joining?.has(room_id)) {
      this.#welcome(connection, room_id);
      return;
    }
    const owed = this.#owed.get(connection) ?? new Set();
    this.#owed.set(connection, owed.add(room_id));
  }

  /** Brings a connection into a room that its user was made a member of elsewhere. */
  #welcome(connection: Connection, room_id: string): void {
    const { presence } = this.#options;
    this.#chain(connection, async () => {
      if (this.#follows(connection, room_id) || connection.closed) return;
      const opened = this.#streams.open(connection, room_id, ({ room, users, messages }) => {
        const members = users.map((user) => presence.user(user));
        const payload = { room: presence.room({ ...room, member: true }), users: members, messages };
        connection.send({ event: 'room_info', payload });
      });
      await opened.catch((error: unknown) => {
        if (isGone(error)) this.#leaveRoom(connection.identity?.user, room_id);
        throw error;
      });
    });
  }

  /** Runs a change of a connection's subscriptions after those before it. One that fails ends it: it comes back. */
  #chain(connection: Connection, run: (bookmark: Bookmark) => Promise<void>): void {
    const bookmark = this.#recent.open();
    connection.turn = connection.turn
      .then(() => run(bookmark))
      .catch((error: unknown) => {
        if (isGone(error)) return;
        this.#options.logger.warn({ err: error, connection: connection.id }, 'a connection could not follow a room');
        this.#options.delivery.drop(connection);
      })
      .finally(() => this.#recent.close(bookmark));
  }
}
