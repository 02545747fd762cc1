import type { Logger } from '../../core/logger.ts';
import type { Metrics } from '../../core/metrics.ts';
import type { Store } from '../../stores/store.ts';
import type { Connection, OnlineUser } from '../connection.ts';
import type { Delivery } from '../delivery.ts';
import type { Presence } from '../presence.ts';
import { type EntrySink, type LogFollowers, type LogPage, RoomLog, type RoomLogOptions } from './room-log.ts';

/** Where the logs are, and who receives them. */
export interface FollowedRoomsOptions {
  readonly store: Store;
  readonly delivery: Delivery;
  readonly presence: Presence;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** The logs of the rooms that connections here receive, or wait to receive: one {@link RoomLog} a room. */
export class FollowedRooms implements LogFollowers {
  readonly #options: FollowedRoomsOptions;
  readonly #shared: RoomLogOptions;
  readonly #logs = new Map<string, RoomLog>();

  constructor(options: FollowedRoomsOptions, sink: EntrySink) {
    this.#options = options;
    const read = (room_id: string, after: number) => this.read(room_id, after);
    this.#shared = { read, sink, followers: this, logger: options.logger };
  }

  /** The log of a room, if it is followed. */
  get(room_id: string): RoomLog | undefined {
    return this.#logs.get(room_id);
  }

  /** The rooms that are followed. */
  get ids(): string[] {
    return [...this.#logs.keys()];
  }

  /** Begins to follow a room whose entries up to `cursor` count as delivered. */
  follow(room_id: string, cursor: number): RoomLog {
    const log = new RoomLog(room_id, cursor, this.#shared);
    this.#logs.set(room_id, log);
    return log;
  }

  /** Whether a connection receives a room, or will as soon as its log is where the connection's snapshot is. */
  follows(connection: Connection, room_id: string): boolean {
    if (this.#options.delivery.isSubscribed(room_id, connection)) return true;
    return this.#logs.get(room_id)?.knownBy(connection) !== undefined;
  }

  /** Ends that a connection follows a room, unless it waits with a snapshot from after the number `rev`. */
  unfollow(room_id: string, connection: Connection, rev?: number): void {
    this.#options.delivery.unsubscribe(room_id, connection);
    this.#logs.get(room_id)?.forget(connection, rev);
    this.dropUnused(room_id);
  }

  /** Follows a room no more, if nobody needs it. */
  dropUnused(room_id: string): void {
    const log = this.#logs.get(room_id);
    if (log === undefined || log.isAwaited) return;
    if (this.#options.delivery.subscribers(room_id) > 0) return;
    this.#logs.delete(room_id);
    log.end();
  }

  /** The room is gone: follows it no more. @returns who waited to receive it */
  abandon(room_id: string): Connection[] {
    const waiting = this.#logs.get(room_id)?.abandon() ?? [];
    this.#logs.delete(room_id);
    return waiting;
  }

  /** Records that a user is no member of a room any more, unless one of its connections knows better. */
  removeMember(user: OnlineUser | undefined, room_id: string): void {
    if (user === undefined || [...user.connections].some((connection) => this.follows(connection, room_id))) return;
    this.#options.presence.removeRoom(user.id, room_id);
  }

  /** Reads a room's log above a number, with its `head`. */
  read(room_id: string, after: number): Promise<LogPage & { readonly head: number }> {
    this.#options.metrics.gapReads.inc();
    return this.#options.store.messages.log({ room_id, after });
  }

  admit(room_id: string, connection: Connection): void {
    if (!connection.closed) this.#options.delivery.subscribe(room_id, connection);
  }

  giveUp(room_id: string): void {
    const { presence, delivery } = this.#options;
    for (const connection of presence.usersIn(room_id).flatMap((user) => [...user.connections]))
      if (this.follows(connection, room_id)) delivery.drop(connection);
  }
}
