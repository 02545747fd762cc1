import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandResult, ParsedPayload } from '../../protocol/commands.ts';
import { WRONG } from '../../protocol/words.ts';
import { decodeCursor, encodeCursor } from '../models/cursor.ts';
import { RawJson, type WithRaw } from '../models/raw-json.ts';
import { Refusal } from '../models/refusal.ts';
import { normalizeRoomName, normalizeRoomQuery, type StoredRoom } from '../models/room.ts';
import type { RoomSnapshot, Store } from '../stores/store.ts';
import type { Connection, OnlineUser } from './connection.ts';
import type { Delivery } from './delivery.ts';
import type { Guess, PasswordThrottle } from './limits/password-throttle.ts';
import type { Tail } from './log/tail.ts';
import type { PasswordService } from './password.ts';
import type { Presence } from './presence.ts';

/** What {@link Rooms} are made of. */
export interface RoomOptions {
  readonly store: Store;
  readonly passwords: PasswordService;
  readonly presence: Presence;
  readonly tail: Tail;
  readonly delivery: Delivery;
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number;
  readonly newId: () => string;
  /** Slows the guessing of passwords; null: it is not limited. */
  readonly guesses: PasswordThrottle | null;
  /** What the address of a connection is counted by. */
  readonly addressOf: (connection: Connection) => string;
  /** How many rooms a user may be a member of. */
  readonly roomsPerUser: number;
  /** Counts that a user is added to a room; see `Limits.addition`. */
  readonly onAddition: (user_id: string) => () => void;
}

/** What a room is like from outside; null: the caller may know of none. */
type Access = Awaited<ReturnType<Store['rooms']['access']>> | null;

/** Making, joining, leaving and listing rooms. */
export class Rooms {
  readonly #options: RoomOptions;
  #decoy: Promise<string> | undefined;

  constructor(options: RoomOptions) {
    this.#options = options;
  }

  /**
   * Makes a room, or gives back the one that this `client_id` made. `answer` is called before any of its entries.
   * @throws Refusal `INVALID_INPUT`, `LIMIT_REACHED`
   */
  async create(
    connection: Connection,
    user: OnlineUser,
    payload: ParsedPayload<'create_room'>,
    answer: (result: CommandResult<'create_room'>) => void,
  ): Promise<void> {
    const { store, passwords, presence, tail, now, newId } = this.#options;
    const name = normalizeRoomName(payload.name);
    const client_id = payload.client_id ?? null;
    const before = client_id === null ? undefined : await store.rooms.byClientId({ user_id: user.id, client_id });
    if (before !== undefined) return answer({ room: presence.room(before), duplicate: true });
    const password_hash = payload.password === undefined ? null : await passwords.hash(payload.password);
    const room_id = newId();
    const bookmark = tail.bookmark();
    tail.expectJoin(connection, room_id);
    try {
      const room = { room_id, message_id: newId(), name, type: payload.type, password_hash, client_id, at: now() };
      const created = await store.rooms.create({ ...room, user_id: user.id, rooms_max: this.#options.roomsPerUser });
      if (created.duplicate) return answer({ room: presence.room(created.room), duplicate: true });
      const made = presence.room(created.room);
      answer({ room: made });
      connection.send({ event: 'room_info', payload: { room: made, users: [presence.describe(user)], messages: [] } });
      await tail.attach(connection, [[room_id, created.room.seq]], bookmark);
      this.#announce(user, created.room);
    } finally {
      tail.endJoin(connection, room_id);
      tail.release(bookmark);
    }
  }

  /**
   * Makes the caller a member and reads the room; for a member it is a plain read. `answer` is called at the place
   * in the connection's stream that the snapshot stands for.
   * @throws Refusal `ROOM_NOT_FOUND`, `WRONG_PASSWORD`, `INVALID_INPUT`, `LIMIT_REACHED`, `RATE_LIMITED` after wrong
   *   passwords, `NOT_A_MEMBER` when the membership has ended meanwhile
   */
  async join(
    connection: Connection,
    user: OnlineUser,
    { room_id, password }: ParsedPayload<'join_room'>,
    answer: (result: WithRaw<CommandResult<'join_room'>>) => void,
  ): Promise<void> {
    const { store, tail, now, newId } = this.#options;
    const access = await this.#access(user, room_id, password !== undefined);
    tail.expectJoin(connection, room_id);
    try {
      if (!access?.member) {
        const guess = { user_id: user.id, room_id, address: this.#options.addressOf(connection) };
        const verified_hash = await this.#verify(access, password, guess);
        const who = { user_id: user.id, rooms_max: this.#options.roomsPerUser };
        await store.rooms.join({ ...who, room_id, message_id: newId(), at: now(), verified_hash });
      }
      await tail.open(connection, room_id, (snapshot) => answer(this.#describe(snapshot)));
    } finally {
      tail.endJoin(connection, room_id);
    }
  }

  /** @throws Refusal `ROOM_NOT_FOUND`, `NOT_A_MEMBER` */
  async leave(user: OnlineUser, { room_id }: ParsedPayload<'leave_room'>): Promise<void> {
    const { store, now, newId } = this.#options;
    await store.rooms.leave({ room_id, user_id: user.id, message_id: newId(), at: now() });
  }

  /** @throws Refusal `ROOM_NOT_FOUND`, `NOT_A_MEMBER`, `FORBIDDEN`, `USER_NOT_FOUND`, `LIMIT_REACHED`, `RATE_LIMITED` */
  async addMember(owner: OnlineUser, { room_id, user_id }: ParsedPayload<'add_member'>): Promise<void> {
    const { store, now, newId, roomsPerUser, onAddition } = this.#options;
    const takeBack = onAddition(user_id);
    let added = false;
    try {
      const who = { user_id, rooms_max: roomsPerUser };
      added = await store.rooms.add({ ...who, room_id, by: owner.id, message_id: newId(), at: now() });
    } finally {
      if (!added) takeBack();
    }
  }

  /** @throws Refusal `ROOM_NOT_FOUND`, `NOT_A_MEMBER`, `FORBIDDEN`, `USER_NOT_FOUND` */
  async removeMember(owner: OnlineUser, { room_id, user_id }: ParsedPayload<'remove_member'>): Promise<void> {
    const { store, now, newId } = this.#options;
    await store.rooms.remove({ room_id, user_id, by: owner.id, message_id: newId(), at: now() });
  }

  /** The rooms that the caller may see, newest activity first. @throws Refusal `INVALID_INPUT` for an empty query */
  async list(user: OnlineUser, { query, ...asked }: ParsedPayload<'get_rooms'>): Promise<CommandResult<'get_rooms'>> {
    const { store, presence } = this.#options;
    const name = query === undefined ? undefined : normalizeRoomQuery(query);
    const page = await store.rooms.list({ ...asked, user_id: user.id, query: name, after: asked.after });
    return { rooms: page.items.map((room) => presence.room(room)), next: page.next };
  }

  /** The members of a room, or everyone who is online. @throws Refusal `ROOM_NOT_FOUND`, `NOT_A_MEMBER` */
  async users(
    user: OnlineUser,
    { room_id, after, limit }: ParsedPayload<'get_users'>,
  ): Promise<CommandResult<'get_users'>> {
    const { store, presence } = this.#options;
    if (room_id === undefined) {
      const page = presence.list(after === undefined ? 0 : Number(decodeCursor(after, ['number'])[0]), limit);
      return { users: page.users, next: page.next === null ? null : encodeCursor([page.next]) };
    }
    const page = await store.users.members({ room_id, user_id: user.id, after, limit });
    return { users: page.items.map((member) => presence.user(member)), next: page.next };
  }

  /** What the caller may know of a room. With a password, a room that is none is asked for it like any other. */
  async #access(user: OnlineUser, room_id: string, withPassword: boolean): Promise<Access> {
    try {
      return await this.#options.store.rooms.access({ room_id, user_id: user.id });
    } catch (error) {
      if (withPassword && error instanceof Refusal && error.code === 'ROOM_NOT_FOUND') return null;
      throw error;
    }
  }

  /** The hash that the password was found to match; null for a room that has none. */
  async #verify(
    access: Access,
    password: string | undefined,
    who: { user_id: string; room_id: string; address: string },
  ): Promise<string | null> {
    if (access?.type === 'public') {
      if (password === undefined) return null;
      throw new Refusal('INVALID_INPUT', { field: 'password', detail: WRONG.publicRoom });
    }
    const hash = access?.password_hash ?? null;
    const wrong = hash === null ? new Refusal('ROOM_NOT_FOUND') : new Refusal('WRONG_PASSWORD', { field: 'password' });
    if (password === undefined) throw wrong;
    const guess = this.#options.guesses?.begin(who);
    if ((await this.#matches(password, hash, guess)) && hash !== null) {
      guess?.right();
      return hash;
    }
    guess?.wrong();
    await sleep(guess?.holdMs ?? 0);
    throw wrong;
  }

  /** Takes as long where there is no hash as where there is one. */
  async #matches(password: string, hash: string | null, guess: Guess | undefined): Promise<boolean> {
    const { passwords } = this.#options;
    try {
      this.#decoy ??= this.#makeDecoy();
      return await passwords.verify(password, hash ?? (await this.#decoy));
    } catch (error) {
      guess?.void();
      throw error;
    }
  }

  /** A hash that nothing matches. Where there was no time to make it, it is made anew the next time. */
  #makeDecoy(): Promise<string> {
    const { passwords, newId } = this.#options;
    const made = passwords.hash(newId());
    made.catch(() => {
      this.#decoy = undefined;
    });
    return made;
  }

  #describe({ room, users, messages, has_more }: RoomSnapshot): WithRaw<CommandResult<'join_room'>> {
    const { presence } = this.#options;
    return {
      room: presence.room({ ...room, member: true }),
      // Once, though it goes into the answer and into `room_info`.
      users: RawJson.of(users.map((user) => presence.user(user))),
      messages,
      has_more,
    };
  }

  /** Tells those who may see a new room. */
  #announce(creator: OnlineUser, room: StoredRoom): void {
    const { presence, delivery } = this.#options;
    const { id: room_id, name, type, is_password_protected, created_by, created_at } = room;
    const payload = { room_id, name, type, is_password_protected, created_by, created_at };
    const listed = type === 'public' || is_password_protected;
    const told = listed && presence.tellsEveryone ? presence.connections() : creator.connections;
    delivery.sendAll(told, { event: 'room_created', payload });
  }
}
