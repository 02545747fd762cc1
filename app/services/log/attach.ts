import type { Logger } from '../../core/logger.ts';
import type { Connection } from '../connection.ts';
import type { Delivery } from '../delivery.ts';
import type { CutOver } from './cut-over.ts';
import type { FollowedRooms } from './followed-rooms.ts';
import type { Bookmark, RecentEntries } from './recent.ts';
import type { SubscriptionQueue } from './subscription-queue.ts';
import { Turns } from './turns.ts';
import type { Welcomes } from './welcomes.ts';

/** A room, and the number up to which a connection knows it. */
export type KnownRoom = readonly [room_id: string, known: number];

/** What {@link Attachments} work on. */
export interface AttachmentOptions {
  readonly recent: RecentEntries;
  readonly cutOver: CutOver;
  readonly rooms: FollowedRooms;
  readonly welcomes: Welcomes;
  readonly queue: SubscriptionQueue;
  readonly delivery: Delivery;
  readonly logger: Logger;
  /** How many rooms a connection is subscribed to in one turn of the event loop. */
  readonly roomsAtOnce?: number | undefined;
}

/** A millisecond's work. */
const ROOMS_AT_ONCE = 100;

/** Subscribes connections to many rooms, a slice a turn of the event loop, so that others are served in between. */
export class Attachments {
  readonly #options: AttachmentOptions;
  readonly #turns = new Turns();

  constructor(options: AttachmentOptions) {
    this.#options = options;
  }

  /**
   * Subscribes a connection that has just signed in to all rooms of its user, each from the number that the snapshot
   * tells; call it in the same turn as its answer, so that the answer goes out before any entry above those numbers.
   * For the rest see {@link attach}.
   */
  async attachAll(connection: Connection, memberships: readonly KnownRoom[], bookmark: Bookmark): Promise<void> {
    const { recent, delivery, rooms, welcomes } = this.#options;
    const user = connection.identity?.user;
    if (user === undefined || connection.closed) return;
    if (!recent.reachesBackTo(bookmark)) {
      // What its user was made a member of meanwhile can no longer be told.
      delivery.drop(connection);
      return;
    }
    const known = new Set(memberships.map(([room_id]) => room_id));
    for (const room_id of user.rooms) if (!known.has(room_id)) rooms.removeMember(user, room_id);
    const changed = recent.membershipsSince(bookmark, user.id);
    // The snapshot is older: that such a room was left or deleted has been applied, and its cut-over may never come.
    for (const [room_id] of memberships)
      if (changed.get(room_id) === false || recent.isDeleted(room_id)) rooms.removeMember(user, room_id);
    const attached = this.attach(connection, memberships, bookmark);
    for (const [room_id, member] of changed) if (member) welcomes.welcome(connection, room_id);
    await attached;
  }

  /**
   * Subscribes a connection to rooms from where it knows them, the first of them at once; what else changes its
   * subscriptions waits. The bookmark must stay open until the promise is settled. Never rejects: a connection that cannot
   * be subscribed is ended.
   */
  attach(connection: Connection, rooms: readonly KnownRoom[], bookmark: Bookmark): Promise<void> {
    const attached = this.#inTurns(connection, rooms, bookmark);
    this.#options.queue.add(connection, attached);
    return attached;
  }

  async #inTurns(connection: Connection, rooms: readonly KnownRoom[], bookmark: Bookmark): Promise<void> {
    const { cutOver, logger, delivery, roomsAtOnce = ROOMS_AT_ONCE } = this.#options;
    try {
      for (let i = 0; i < rooms.length && !connection.closed; i += roomsAtOnce) {
        if (i > 0) await this.#turns.next();
        const behind = this.#now(connection, rooms.slice(i, i + roomsAtOnce), bookmark);
        for (const [room_id, known] of behind) await cutOver.attach(connection, { room_id, known, bookmark });
      }
    } catch (error) {
      logger.warn({ err: error, connection: connection.id }, 'a connection could not follow its rooms');
      delivery.drop(connection);
    }
  }

  /** Subscribes to rooms in this turn. @returns those of which some of what the connection needs is not in memory */
  #now(connection: Connection, rooms: readonly KnownRoom[], bookmark: Bookmark): KnownRoom[] {
    const { recent, cutOver } = this.#options;
    const user = connection.identity?.user;
    if (user === undefined) return [];
    const lately = recent.since(bookmark, new Set(rooms.map(([room_id]) => room_id)));
    return rooms.filter(([room_id, known]) => {
      const delivered = lately.get(room_id) ?? [];
      return !cutOver.tryNow(connection, user, { room_id, known, bookmark, delivered });
    });
  }
}
