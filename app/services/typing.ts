import { LIMITS } from '../../protocol/limits.ts';
import { Refusal } from '../models/refusal.ts';
import type { Store } from '../stores/store.ts';
import type { Connection, Delivery, OnlineUser } from './delivery.ts';

/** What typing needs. */
export interface TypingOptions {
  readonly store: Pick<Store, 'rooms'>;
  readonly delivery: Delivery;
  /** How long `is_typing: true` holds without being repeated, in milliseconds. */
  readonly lapseMs: number;
}

interface Typist {
  readonly connection: Connection;
  readonly timer: NodeJS.Timeout;
}

/** Who is typing in which room: lapses by itself, is never stored, and is sent at most five times a second a room. */
export class Typing {
  readonly #options: TypingOptions;
  /** By room, then by user. */
  readonly #rooms = new Map<string, Map<string, Typist>>();
  /** How many events each room was sent in this second. */
  readonly #sent = new Map<string, number>();
  #second = 0;

  constructor(options: TypingOptions) {
    this.#options = options;
  }

  /**
   * Takes the word of a client that it types, or no longer.
   * @throws Refusal `ROOM_NOT_FOUND`, `NOT_A_MEMBER`
   */
  async set(
    connection: Connection,
    user: OnlineUser,
    { room_id, is_typing }: { room_id: string; is_typing: boolean },
  ): Promise<void> {
    if (!user.rooms.has(room_id)) {
      const refused = await this.#options.store.rooms.standing({ room_id, user_id: user.id });
      if (refused !== undefined) throw new Refusal(refused);
    }
    if (is_typing) this.#start(connection, user, room_id);
    else this.stop(user, room_id);
  }

  /** Ends the typing of a user in a room, if there is any. */
  stop(user: OnlineUser, room_id: string): void {
    const typists = this.#rooms.get(room_id);
    const typist = typists?.get(user.id);
    if (typists === undefined || typist === undefined) return;
    clearTimeout(typist.timer);
    typists.delete(user.id);
    if (typists.size === 0) this.#rooms.delete(room_id);
    this.#publish(user, room_id, false);
  }

  /** Ends all typing of a connection that has ended. */
  disconnect(connection: Connection, user: OnlineUser): void {
    if (this.#rooms.size === 0) return;
    for (const room_id of user.rooms) {
      if (this.#rooms.get(room_id)?.get(user.id)?.connection === connection) this.stop(user, room_id);
    }
  }

  /** Stops all timers. */
  close(): void {
    for (const typists of this.#rooms.values()) for (const { timer } of typists.values()) clearTimeout(timer);
    this.#rooms.clear();
  }

  #start(connection: Connection, user: OnlineUser, room_id: string): void {
    const typists = this.#rooms.get(room_id) ?? new Map<string, Typist>();
    this.#rooms.set(room_id, typists);
    clearTimeout(typists.get(user.id)?.timer);
    const timer = setTimeout(() => this.stop(user, room_id), this.#options.lapseMs);
    timer.unref();
    typists.set(user.id, { connection, timer });
    this.#publish(user, room_id, true);
  }

  /** What is above the limit is not sent: clients forget a typing user by themselves. */
  #publish(user: OnlineUser, room_id: string, is_typing: boolean): void {
    const second = Math.floor(performance.now() / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#sent.clear();
    }
    const sent = this.#sent.get(room_id) ?? 0;
    if (sent >= LIMITS.typing_per_second) return;
    this.#sent.set(room_id, sent + 1);
    const payload = { user_id: user.id, username: user.username, room_id, is_typing };
    this.#options.delivery.publish(room_id, { event: 'typing_status', payload }, user.id);
  }
}
