import type { EventName, EventPayload } from '../protocol/events.ts';
import type { Message } from '../protocol/message.ts';
import type { Room } from '../protocol/room.ts';
import type { SignedIn } from './connection.ts';
import { ChatRoom, type RoomHost } from './room.ts';
import { isEntry, isMessage, type LogEntry } from './room-log.ts';
import { type OpenedRoom, RoomState } from './room-state.ts';
import { type RoomEntry, Syncer } from './sync.ts';

/** The client, as its rooms see it. */
export interface RoomsOptions extends Omit<RoomHost, 'opened' | 'left'> {
  /** How many messages a room keeps loaded. */
  readonly messageLimit: number;
  /** Called when the list of the user's rooms, or whether they are up to date, has changed. */
  readonly onChange: () => void;
}

type Handlers = { readonly [E in EventName]?: (payload: EventPayload<E>) => void };

/** All rooms that a client knows: takes what the server says of them and keeps the open ones up to date. */
export class Rooms {
  /** The user's rooms, newest activity first. Another array after each change. */
  mine: readonly ChatRoom[] = [];
  /** The place of the next page of the user's rooms; null when all are in `mine`. */
  next: string | null = null;
  readonly #options: RoomsOptions;
  readonly #entries = new Map<string, RoomEntry>();
  readonly #syncer: Syncer;
  readonly #handlers: Handlers;
  #epoch = '';

  constructor(options: RoomsOptions) {
    this.#options = options;
    this.#syncer = new Syncer({
      connection: options.connection,
      epoch: () => this.#epoch,
      onEpoch: (epoch) => this.#setEpoch(epoch),
      onGone: (room_id) => this.left(room_id),
      onBusy: () => options.onChange(),
    });
    this.#handlers = {
      room_info: ({ room }) => this.#entered(room),
      room_deleted: ({ room_id }) => this.left(room_id),
      user_joined_room: ({ user, room }) => this.#entries.get(room.id)?.state.memberJoined(user, room),
      user_left_room: (payload) => this.#memberLeft(payload),
      typing_status: ({ room_id, is_typing, ...user }) => this.#entries.get(room_id)?.state.typing.set(user, is_typing),
      user_connected: ({ user }) => this.#presence(user.id, true),
      user_disconnected: ({ user_id }) => this.#presence(user_id, false),
    };
  }

  /** Whether open rooms are being brought up to date. */
  get isCatchingUp(): boolean {
    return this.#syncer.busy;
  }

  /** The room with this id, known or not. */
  get(room_id: string): ChatRoom {
    return this.#entry(room_id).room;
  }

  /** Takes an event of the server: as an entry of a room's log where it is one, and as what its name says, if it is known. */
  handle(name: string, payload: unknown): void {
    if (name !== 'room_deleted' && isEntry(payload)) this.#logged(payload);
    const handlers = this.#handlers as Readonly<Record<string, ((payload: unknown) => void) | undefined>>;
    if (Object.hasOwn(handlers, name)) handlers[name]?.(payload);
  }

  /** Takes the answer to a sign-in: open rooms are brought up to date from where they are. */
  signedIn({ epoch, rooms, rooms_next }: SignedIn): void {
    this.#syncer.restart();
    if (this.#epoch !== '' && this.#epoch !== epoch) this.#setEpoch(epoch);
    this.#epoch = epoch;
    const heads = new Map(rooms.map((room) => [room.id, room.seq]));
    for (const room of this.mine) if (rooms_next === null && !heads.has(room.id)) this.left(room.id);
    this.mine = [];
    this.addPage(rooms, rooms_next);
    for (const entry of this.#entries.values()) {
      const { state, room } = entry;
      if (state.log !== undefined && state.log.cursor !== heads.get(room.id)) this.#syncer.request(entry);
      if (state.reconnected()) state.onStaleMembers?.();
    }
  }

  /** Takes a page of the user's rooms. */
  addPage(rooms: readonly Room[], next: string | null): void {
    for (const room of rooms) {
      const { state } = this.#entry(room.id);
      if (state.status === 'gone') state.close();
      state.info = room;
    }
    const ids = new Set(rooms.map((room) => room.id));
    this.mine = [...this.mine.filter((room) => !ids.has(room.id)), ...rooms.map((room) => this.get(room.id))];
    this.next = next;
    this.#options.onChange();
  }

  /** This user is no member of the room any more. */
  left(room_id: string): void {
    const state = this.#entries.get(room_id)?.state;
    if (state !== undefined && state.status !== 'gone') state.close('gone');
    if (!this.mine.some((room) => room.id === room_id)) return;
    this.mine = this.mine.filter((room) => room.id !== room_id);
    this.#options.onChange();
  }

  /** Takes a newer state of a message from the answer to a command. */
  merge(message: Message): void {
    this.#entries.get(message.room_id)?.state.merge(message);
  }

  /** The outbox or a mark has changed: of one room, or of any. */
  refresh(room_id?: string): void {
    if (room_id !== undefined) this.#entries.get(room_id)?.state.changed();
    else for (const { state } of this.#entries.values()) state.changed();
  }

  /** Nobody is signed in any more: drops all that is loaded and known. */
  clear(): void {
    this.#syncer.stop();
    for (const { state } of this.#entries.values()) {
      state.close();
      state.info = undefined;
    }
    this.mine = [];
    this.next = null;
    this.#epoch = '';
    this.#options.onChange();
  }

  #entry(room_id: string): RoomEntry {
    const known = this.#entries.get(room_id);
    if (known !== undefined) return known;
    const state = new RoomState(room_id, this.#options);
    const room = new ChatRoom(state, {
      ...this.#options,
      opened: (answer) => this.#opened(answer),
      left: (id) => this.left(id),
    });
    const entry = { room, state };
    this.#entries.set(room_id, entry);
    return entry;
  }

  /** Another history: the numbers of the old one mean nothing in it. */
  #setEpoch(epoch: string): void {
    this.#epoch = epoch;
    const user = this.#options.user();
    if (user !== undefined) user.marks.epoch = epoch;
    for (const entry of this.#entries.values()) if (entry.state.log !== undefined) this.#syncer.startAfresh(entry);
  }

  #logged(logged: LogEntry): void {
    const entry = this.#entries.get(logged.room_id);
    const user = this.#options.user();
    if (entry?.state.log?.event(logged)) this.#syncer.request(entry);
    if (!isMessage(logged)) return;
    if (entry?.state.log === undefined && logged.user_id === user?.id) user.outbox.arrived(logged);
    if (entry !== undefined && logged.rev === logged.seq) this.#toFront(entry.room);
  }

  #opened(answer: OpenedRoom): void {
    this.#entered(answer.room);
    const entry = this.#entry(answer.room.id);
    if (entry.state.opened(answer)) this.#syncer.request(entry);
  }

  /** The user is a member: by this connection, another one, or the owner. */
  #entered(info: Room): void {
    const { room, state } = this.#entry(info.id);
    if (state.status === 'gone') state.close();
    state.info = info;
    if (!this.mine.includes(room)) this.mine = [room, ...this.mine];
    this.#options.onChange();
  }

  #memberLeft({ room_id, user_id }: EventPayload<'user_left_room'>): void {
    if (user_id === this.#options.user()?.id) this.left(room_id);
    else this.#entries.get(room_id)?.state.memberLeft(user_id);
  }

  #presence(user_id: string, is_active: boolean): void {
    for (const { state } of this.#entries.values()) state.presence(user_id, is_active);
  }

  #toFront(room: ChatRoom): void {
    if (this.mine[0] === room || !this.mine.includes(room)) return;
    this.mine = [room, ...this.mine.filter((other) => other !== room)];
    this.#options.onChange();
  }
}
