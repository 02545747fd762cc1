import type { Logger } from '../../core/logger.ts';
import type { Connection } from '../connection.ts';
import type { Delivery } from '../delivery.ts';
import type { Presence } from '../presence.ts';
import { type CutOver, isGone } from './cut-over.ts';
import type { FollowedRooms } from './followed-rooms.ts';
import type { RecentEntries } from './recent.ts';
import type { SubscriptionQueue } from './subscription-queue.ts';

/** By what connections are brought into rooms. */
export interface WelcomesOptions {
  readonly cutOver: CutOver;
  readonly rooms: FollowedRooms;
  readonly recent: RecentEntries;
  readonly queue: SubscriptionQueue;
  readonly delivery: Delivery;
  readonly presence: Presence;
  readonly logger: Logger;
}

/** Brings connections into rooms that their users were made members of elsewhere. */
export class Welcomes {
  readonly #options: WelcomesOptions;
  /** Rooms that a command of a connection joins, which answers for them; true: a welcome was left to it. */
  readonly #joining = new Map<Connection, Map<string, boolean>>();

  constructor(options: WelcomesOptions) {
    this.#options = options;
  }

  /** A command of this connection is about to make it a member of a room and answers for it: it need not be welcomed. */
  expectJoin(connection: Connection, room_id: string): void {
    const joining = this.#joining.get(connection);
    if (joining === undefined) this.#joining.set(connection, new Map([[room_id, false]]));
    else if (!joining.has(room_id)) joining.set(room_id, false);
  }

  /** The command has ended. If it failed, and its user has become a member all the same, it is welcomed after all. */
  endJoin(connection: Connection, room_id: string): void {
    const joining = this.#joining.get(connection);
    const owed = joining?.get(room_id) === true;
    joining?.delete(room_id);
    if (joining?.size === 0) this.#joining.delete(connection);
    if (owed) this.welcome(connection, room_id);
  }

  /** Welcomes a connection, unless a command of its own answers for the room. */
  welcomeUnlessJoining(connection: Connection, room_id: string): void {
    const joining = this.#joining.get(connection);
    if (joining?.has(room_id)) joining.set(room_id, true);
    else this.welcome(connection, room_id);
  }

  /** Tells a connection of the room and subscribes it, if its user is a member then; after other changes of its subscriptions. */
  welcome(connection: Connection, room_id: string): void {
    const { recent, queue, delivery, logger } = this.#options;
    const bookmark = recent.open();
    void queue
      .run(connection, () => this.#open(connection, room_id))
      .catch((error: unknown) => {
        if (isGone(error)) return;
        logger.warn({ err: error, connection: connection.id }, 'a connection could not follow a room');
        delivery.drop(connection);
      })
      .finally(() => recent.close(bookmark));
  }

  async #open(connection: Connection, room_id: string): Promise<void> {
    const { cutOver, rooms, presence } = this.#options;
    if (rooms.follows(connection, room_id) || connection.closed) return;
    const opened = cutOver.open(connection, room_id, ({ room, users, messages }) => {
      const members = users.map((user) => presence.user(user));
      const payload = { room: presence.room({ ...room, member: true }), users: members, messages };
      connection.send({ event: 'room_info', payload });
    });
    await opened.catch((error: unknown) => {
      if (isGone(error)) rooms.removeMember(connection.identity?.user, room_id);
      throw error;
    });
  }
}
