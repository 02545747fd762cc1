import type { ParsedPayload } from '../../protocol/commands.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { Store } from '../stores/store.ts';
import type { SignedIn } from './caller.ts';
import type { Connection, OnlineUser } from './connection.ts';
import type { Delivery } from './delivery.ts';
import type { Routes } from './dispatch.ts';

/** How {@link Typing} checks members and tells rooms. */
export interface TypingOptions {
  readonly store: Pick<Store, 'rooms'>;
  readonly delivery: Pick<Delivery, 'publishVolatile'>;
  /** How long `is_typing: true` holds without being repeated, in milliseconds. */
  readonly lapseMs: number;
}

const SECOND_MS = 1_000;

interface Typist {
  /** What ends it when it ends; undefined: it lapses. */
  readonly connection: Connection | undefined;
  readonly timer: NodeJS.Timeout;
}

/** Who types: what it takes of a caller. */
type Typer = Pick<SignedIn, 'user' | 'connection'>;

/** What a room has been told, and still must be. */
interface TypingRoom {
  readonly typists: Map<string, Typist>;
  /** Users that the room believes to be typing. */
  readonly told: Map<string, Typer['user']>;
  /** When it was sent the last events, by the clock of `performance.now()`: no more than may be sent in a second. */
  readonly sent: number[];
}

/** The command about typing. */
export function typingRoutes(typing: Typing) {
  return {
    async typing_status({ caller, payload }) {
      await typing.set(caller, payload);
      return {};
    },
  } satisfies Partial<Routes>;
}

/**
 * Who is typing in which room: lapses by itself, is never stored, and is sent at most five times in any second a room. A
 * beginning above that is not sent; an end that a room must hear waits, and goes before the next beginning.
 */
export class Typing {
  readonly #options: TypingOptions;
  readonly #rooms = new Map<string, TypingRoom>();
  #owing: NodeJS.Timeout | undefined;

  constructor(options: TypingOptions) {
    this.#options = options;
  }

  /**
   * Takes the word of a client that it types, or no longer.
   * @throws Refusal `ROOM_NOT_FOUND`, `NOT_A_MEMBER`
   */
  async set({ user, connection }: Typer, { room_id, is_typing }: ParsedPayload<'typing_status'>): Promise<void> {
    const rooms = connection?.identity?.user.rooms;
    if (!rooms?.has(room_id)) {
      await this.#options.store.rooms.requireMember({ room_id, user_id: user.id });
      // Its connection or its membership may have ended meanwhile, and would end nothing any more.
      if (connection !== undefined && (connection.closed || !rooms?.has(room_id))) return;
    }
    if (is_typing) this.#start(user, room_id, connection);
    else this.stop(user, room_id);
  }

  /** Ends the typing of a user in a room, if there is any. */
  stop(user: { readonly id: string }, room_id: string): void {
    const room = this.#rooms.get(room_id);
    const typist = room?.typists.get(user.id);
    if (room === undefined || typist === undefined) return;
    clearTimeout(typist.timer);
    room.typists.delete(user.id);
    this.#settle(room, room_id);
  }

  /** Ends all typing of a connection that has ended. */
  disconnect(connection: Connection, user: OnlineUser): void {
    if (this.#rooms.size === 0) return;
    for (const room_id of user.rooms) {
      if (this.#rooms.get(room_id)?.typists.get(user.id)?.connection === connection) this.stop(user, room_id);
    }
  }

  /** Stops all timers. */
  close(): void {
    clearTimeout(this.#owing);
    for (const { typists } of this.#rooms.values()) for (const { timer } of typists.values()) clearTimeout(timer);
    this.#rooms.clear();
  }

  #start(user: Typer['user'], room_id: string, connection: Connection | undefined): void {
    const room = this.#rooms.get(room_id) ?? { typists: new Map(), told: new Map(), sent: [] };
    this.#rooms.set(room_id, room);
    clearTimeout(room.typists.get(user.id)?.timer);
    const timer = setTimeout(() => this.stop(user, room_id), this.#options.lapseMs);
    timer.unref();
    room.typists.set(user.id, { connection, timer });
    // Ends that wait come first, or in a busy room they would for ever.
    this.#settle(room, room_id);
    if (this.#publish(room, user, room_id, true)) room.told.set(user.id, user);
  }

  /** Tells a room of those who have ended, as far as it may be told now. */
  #settle(room: TypingRoom, room_id: string): void {
    for (const user of room.told.values()) {
      if (room.typists.has(user.id)) continue;
      if (!this.#publish(room, user, room_id, false)) {
        this.#settleLater();
        return;
      }
      room.told.delete(user.id);
    }
    // Kept for a second more, or the count would begin anew.
    if (room.typists.size === 0) this.#settleLater();
  }

  #settleLater(): void {
    this.#owing ??= setTimeout(() => {
      this.#owing = undefined;
      for (const [room_id, room] of this.#rooms) {
        if (room.typists.size > 0 || room.told.size > 0) this.#settle(room, room_id);
        else if ((room.sent.at(-1) ?? 0) + SECOND_MS > performance.now()) this.#settleLater();
        else this.#rooms.delete(room_id);
      }
    }, SECOND_MS).unref();
  }

  /** False when the room was told as much as it may be within the last second. */
  #publish(room: TypingRoom, user: Typer['user'], room_id: string, is_typing: boolean): boolean {
    const now = performance.now();
    if (room.sent.length >= LIMITS.typing_per_second) {
      if (now - (room.sent[0] ?? 0) < SECOND_MS) return false;
      room.sent.shift();
    }
    room.sent.push(now);
    const payload = { user_id: user.id, username: user.username, room_id, is_typing };
    this.#options.delivery.publishVolatile(room_id, { event: 'typing_status', payload }, user.id);
    return true;
  }
}
