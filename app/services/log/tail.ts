/*
 * How entries get from a commit to connections. Who calls whom:
 *
 *   store ── commit ──► Tail ── take ──► RoomLog (one a followed room, kept by FollowedRooms)
 *                        ▲                  │ puts entries in order, fills holes from the store
 *                        └─ deliver, late, ─┘
 *                           pass: what comes of them, and who became or ceased to be a member by it
 *
 *   a sign-in ──► Attachments ── tryNow, attach ─┐
 *   a join ─────► Tail.open ────── open ─────────┼──► CutOver ── follow, admitAfter ──► FollowedRooms, RoomLog
 *   an entry ───► Welcomes ─────── open ─────────┘       │
 *                    ▲                                   │
 *                    └──────────── onRemoved ────────────┘
 *
 * - RoomLog: one number, the cursor; each entry above it is delivered once, in order. Connections whose snapshot is
 *   ahead of the cursor wait in it.
 * - FollowedRooms: which rooms are followed, and by which connections. A room is followed from its first connection to
 *   its last.
 * - RecentEntries: what was delivered lately, kept only while somebody has a bookmark in it, that is reads a snapshot.
 * - CutOver: gets one connection onto one room's stream: the entries between its snapshot and the cursor, from
 *   RecentEntries or else the store, then the subscription, in one turn of the event loop.
 * - Attachments: many rooms of one connection, a slice a turn.
 * - Welcomes: a connection into a room that its user was made a member of by someone else, or on another connection.
 * - SubscriptionQueue: the changes of one connection's subscriptions run one after another.
 *
 * The order that all of it keeps: what a snapshot answers goes out after every entry up to its number and before every
 * entry above; nothing goes out to a user after the entry that ended its membership.
 */

import type { Logger } from '../../core/logger.ts';
import type { Metrics } from '../../core/metrics.ts';
import { membershipChange } from '../../models/message.ts';
import type { LogEntry, RoomSnapshot, Store } from '../../stores/store.ts';
import type { Connection, OnlineUser } from '../connection.ts';
import type { Delivery } from '../delivery.ts';
import type { Presence } from '../presence.ts';
import { Attachments, type KnownRoom } from './attach.ts';
import { CutOver } from './cut-over.ts';
import { entryEvents } from './entry-events.ts';
import { FollowedRooms } from './followed-rooms.ts';
import { type Bookmark, RecentEntries } from './recent.ts';
import { SubscriptionQueue } from './subscription-queue.ts';
import { Welcomes } from './welcomes.ts';

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
  readonly #rooms: FollowedRooms;
  readonly #recent: RecentEntries;
  readonly #queue = new SubscriptionQueue();
  readonly #cutOver: CutOver;
  readonly #welcomes: Welcomes;
  readonly #attachments: Attachments;

  constructor(options: TailOptions) {
    this.#options = options;
    this.#recent = new RecentEntries(options.recentMax);
    this.#rooms = new FollowedRooms(options, {
      deliver: (entry, about) => this.#deliver(entry, about),
      late: (entry) => this.#applyLate(entry),
      pass: (entry) => this.#pass(entry),
    });
    const common = { ...options, recent: this.#recent, rooms: this.#rooms, queue: this.#queue };
    const onRemoved = (connection: Connection, room_id: string) => this.#welcomes.welcome(connection, room_id);
    this.#cutOver = new CutOver({ ...common, onRemoved });
    this.#welcomes = new Welcomes({ ...common, cutOver: this.#cutOver });
    this.#attachments = new Attachments({ ...common, cutOver: this.#cutOver, welcomes: this.#welcomes });
    options.store.onEntries((entries) => this.commit(entries));
  }

  /** Takes entries that have been committed, in the order of their numbers in each room. */
  commit(entries: readonly LogEntry[]): void {
    for (const entry of entries) {
      const log = this.#rooms.get(entry.message.room_id);
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
    return this.#queue.run(connection, () => this.#cutOver.open(connection, room_id, answer));
  }

  /** See {@link Welcomes.expectJoin}; end it by {@link endJoin}. */
  expectJoin(connection: Connection, room_id: string): void {
    this.#welcomes.expectJoin(connection, room_id);
  }

  /** See {@link Welcomes.endJoin}. */
  endJoin(connection: Connection, room_id: string): void {
    this.#welcomes.endJoin(connection, room_id);
  }

  /** Compares the rooms that are followed here with the store, and reads what they are missing. */
  async catchUp(): Promise<void> {
    const room_ids = this.#rooms.ids;
    if (room_ids.length === 0) return;
    for (const { room_id, head } of await this.#options.store.rooms.heads({ room_ids })) {
      const log = this.#rooms.get(room_id);
      if (log !== undefined && head > log.cursor) await log.readMissing();
    }
  }

  /** Tells the members of a room that it is gone, and forgets it. Who is about to receive it is told at its cut-over. */
  deleteRoom(room_id: string): void {
    const { delivery, presence } = this.#options;
    const outgoing = { event: 'room_deleted', payload: { room_id } } as const;
    this.#recent.addDeleted(room_id);
    delivery.publish(room_id, outgoing);
    delivery.sendAll(this.#rooms.abandon(room_id), outgoing);
    const members = presence.usersIn(room_id);
    for (const user of members) for (const connection of user.connections) delivery.unsubscribe(room_id, connection);
    for (const user of members) presence.removeRoom(user.id, room_id);
  }

  /** Forgets a connection that has ended. */
  detach(connection: Connection): void {
    for (const room_id of connection.identity?.user.rooms ?? []) this.#rooms.unfollow(room_id, connection);
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
    const others = [...user.connections].filter((connection) => !this.#rooms.follows(connection, room_id));
    if ('joined' in change) {
      for (const connection of others) this.#welcomes.welcomeUnlessJoining(connection, room_id);
    } else this.#rooms.removeMember(user, room_id);
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
        this.#rooms.unfollow(room_id, connection, entry.message.rev);
        if (old) this.#welcomes.welcomeUnlessJoining(connection, room_id);
      }
      return;
    }
    for (const connection of this.#addRoom(entry)?.connections ?? [])
      this.#welcomes.welcomeUnlessJoining(connection, room_id);
  }
}
