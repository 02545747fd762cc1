import { RawJson } from '../../app/models/raw-json.ts';
import { Refusal } from '../../app/models/refusal.ts';
import type { LogEntry, RoomSnapshot } from '../../app/stores/store.ts';
import type { Message, Room, System } from '../../protocol/index.ts';
import { type About, plainMessage, TIME } from './plain-message.ts';
import type { Stored } from './stored.ts';

/** A room of the simulated store. */
interface SimRoom {
  readonly id: string;
  seq: number;
  readonly messages: Message[];
  /** Users and the entries that made them members. */
  readonly members: Map<string, number>;
}

/** Small pages, so that reading a log takes several. */
const LOG_PAGE = 3;
const NEWEST = 5;

/**
 * A store in memory whose every step is taken when it is told to: a write waits, commits, and is replied to; a read
 * waits, looks, and is replied to. As with the embedded store, writes commit in batches, one batch at a time, and
 * reads are replied to in their order; how the two are interleaved is for the caller to say.
 */
export class SimStore {
  readonly rooms = new Map<string, SimRoom>();
  readonly #deleted: SimRoom[] = [];
  #listener: (entries: readonly LogEntry[]) => void = () => {};
  readonly #writes: { readonly apply: () => LogEntry[]; readonly settle: (error?: unknown) => void }[] = [];
  #committed: (() => void) | undefined;
  readonly #reads: (() => () => void)[] = [];
  readonly #replies: (() => void)[] = [];
  #ids = 0;

  /** Called back with the entries of each batch that was replied to. */
  onEntries(listener: (entries: readonly LogEntry[]) => void): void {
    this.#listener = listener;
  }

  /** Makes a room of somebody's, at once. */
  addRoom(id: string, user_id: string): LogEntry[] {
    this.rooms.set(id, { id, seq: 0, messages: [], members: new Map() });
    return this.join(id, user_id);
  }

  /** Removes a room, at once. */
  deleteRoom(id: string): void {
    const room = this.rooms.get(id);
    if (room === undefined || !this.rooms.delete(id)) return;
    this.#deleted.push(room);
  }

  /** The steps that can be taken now. */
  steps(): (() => void)[] {
    const steps: (() => void)[] = [];
    const committed = this.#committed;
    if (committed !== undefined) {
      steps.push(() => {
        this.#committed = undefined;
        committed();
      });
    } else if (this.#writes.length > 0) steps.push(() => this.#commit());
    if (this.#reads.length > 0) steps.push(() => this.#look());
    const [reply] = this.#replies;
    if (reply !== undefined) {
      steps.push(() => {
        this.#replies.shift();
        reply();
      });
    }
    return steps;
  }

  /** Waits to be committed; resolves, or rejects with what `apply` throws, when it is replied to. */
  write(apply: () => LogEntry[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#writes.push({ apply, settle: (error) => (error === undefined ? resolve() : reject(error)) });
    });
  }

  /** Waits to look; resolves when it is replied to. */
  read<T>(look: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#reads.push(() => {
        try {
          const value = look();
          return () => resolve(value);
        } catch (error) {
          return () => reject(error);
        }
      });
    });
  }

  /** Stores a message as the room's next entry. Throws a refusal when the author is no member. */
  say(room_id: string, user_id: string): LogEntry[] {
    const room = this.#room(room_id, user_id);
    const seq = ++room.seq;
    const message = this.#message({ room_id, seq, user_id, content: `text ${++this.#ids}` });
    room.messages.push(message);
    return [{ message }];
  }

  /** Changes a message as the room's next entry: a new content, or a tombstone. */
  change(room_id: string, user_id: string, choose: (own: readonly Message[]) => Message | undefined): LogEntry[] {
    const room = this.#room(room_id, user_id);
    const own = room.messages.filter((one) => one.user_id === user_id && !one.deleted && one.system === undefined);
    const before = choose(own);
    if (before === undefined) return [];
    const message = { ...before, rev: ++room.seq, content: `text ${++this.#ids}`, edited: true, edited_at: TIME };
    room.messages[room.messages.indexOf(before)] = message;
    return [{ message }];
  }

  /** Makes someone a member, unless it is one. */
  join(room_id: string, user_id: string): LogEntry[] {
    const room = this.rooms.get(room_id);
    if (room === undefined || room.members.has(user_id)) return [];
    const message = this.#system(room, { type: 'user_joined', user_id, username: user_id });
    room.members.set(user_id, message.seq);
    const user = { id: user_id, username: user_id, connected_at: TIME, last_activity: TIME };
    return [{ message, joined: { user, room: this.#describe(room) } }];
  }

  /** Ends a membership. Throws a refusal when there is none. */
  leave(room_id: string, user_id: string): LogEntry[] {
    const room = this.#room(room_id, user_id);
    room.members.delete(user_id);
    return [{ message: this.#system(room, { type: 'user_left', user_id, username: user_id }) }];
  }

  isMember(room_id: string, user_id: string): boolean {
    return this.rooms.get(room_id)?.members.has(user_id) ?? false;
  }

  /** What the tail reads when someone enters. */
  snapshot({ room_id, user_id }: { room_id: string; user_id: string }): RoomSnapshot {
    const room = this.#room(room_id, user_id);
    const messages = room.messages.slice(-NEWEST);
    return {
      room: this.#describe(room),
      users: [],
      messages: RawJson.of(messages),
      has_more: room.messages.length > NEWEST,
    };
  }

  /** What the tail reads where it misses entries. */
  log({ room_id, after }: { room_id: string; after: number }): {
    entries: LogEntry[];
    head: number;
    has_more: boolean;
  } {
    const room = this.rooms.get(room_id);
    if (room === undefined) return { entries: [], head: after, has_more: false };
    const changed = room.messages.filter(({ rev }) => rev > after).toSorted((a, b) => a.rev - b.rev);
    const entries = changed.slice(0, LOG_PAGE).map((message) => ({ message }));
    return { entries, head: room.seq, has_more: changed.length > LOG_PAGE };
  }

  /** The newest number of each room. */
  heads({ room_ids }: { room_ids: readonly string[] }): { room_id: string; head: number }[] {
    return room_ids.flatMap((room_id) => {
      const room = this.rooms.get(room_id);
      return room === undefined ? [] : [{ room_id, head: room.seq }];
    });
  }

  /** The rooms of a user, as a sign-in reads them. */
  roomsOf(user_id: string): Omit<Room, 'online_count'>[] {
    return [...this.rooms.values()].filter(({ members }) => members.has(user_id)).map((room) => this.#describe(room));
  }

  /** All of it, as the checker reads a database, and the rooms that were deleted as they were. */
  stored(): Stored {
    const rooms = [...this.rooms.values(), ...this.#deleted];
    return {
      integrity: 'ok',
      rooms: rooms.map(({ id, seq, members }) => ({
        id,
        seq,
        created_by: '',
        owner_id: null,
        user_count: members.size,
        deleted: !this.rooms.has(id),
      })),
      members: rooms.flatMap(({ id, members }) =>
        [...members].map(([user_id, joined_seq]) => ({ room_id: id, user_id, joined_seq })),
      ),
      messages: rooms.flatMap(({ messages }) => messages),
    };
  }

  #commit(): void {
    const batch = this.#writes.splice(0).map(({ apply, settle }) => {
      try {
        return { entries: apply(), settle: () => settle() };
      } catch (error) {
        return { entries: [], settle: () => settle(error) };
      }
    });
    this.#committed = () => {
      this.#listener(batch.flatMap(({ entries }) => entries));
      for (const { settle } of batch) settle();
    };
  }

  #look(): void {
    const reply = this.#reads.shift()?.();
    if (reply !== undefined) this.#replies.push(reply);
  }

  #room(room_id: string, user_id: string): SimRoom {
    const room = this.rooms.get(room_id);
    if (room?.members.has(user_id)) return room;
    throw new Refusal(room === undefined ? 'ROOM_NOT_FOUND' : 'NOT_A_MEMBER');
  }

  #system(room: SimRoom, system: System): Message {
    const { user_id, type } = system;
    const message = this.#message({ room_id: room.id, seq: ++room.seq, user_id, content: type });
    const stored = { ...message, is_system_message: true, system };
    room.messages.push(stored);
    return stored;
  }

  #message(about: Omit<About, 'id'>): Message {
    return plainMessage({ id: `message ${++this.#ids}`, ...about });
  }

  #describe({ id, seq, members }: SimRoom): Omit<Room, 'online_count'> {
    return {
      id,
      name: id,
      type: 'public',
      is_password_protected: false,
      created_by: '',
      owner_id: null,
      created_at: TIME,
      user_count: members.size,
      seq,
    };
  }
}
