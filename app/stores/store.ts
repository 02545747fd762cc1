import type { ErrorCode } from '../../protocol/errors.ts';
import type { Message } from '../../protocol/message.ts';
import type { RoomType } from '../../protocol/room.ts';
import type { Page } from '../models/cursor.ts';
import type { RawJson } from '../models/raw-json.ts';
import type { SeenRoom, StoredRoom } from '../models/room.ts';
import type { StoredUser } from '../models/user.ts';
import type { UserStore } from './user-store.ts';

/**
 * What a database engine does for the services. Times go in as milliseconds since 1970 and come out as ISO strings.
 * A write resolves after COMMIT has returned; a rule that depends on stored state is checked in that transaction.
 * Each method rejects with a `Refusal` of the code it names, with `OVERLOADED` when too much work is waiting, or with
 * `UNAVAILABLE` when the database cannot be used now (then nothing was written).
 */
export interface Store {
  /** Identifies the history: changes when a backup is restored. */
  readonly epoch: string;
  /** Whether a commit is under way, so that more entries will be told very soon. */
  readonly isCommitting: boolean;
  readonly users: UserStore;
  readonly rooms: RoomStore;
  readonly messages: MessageStore;
  readonly erasures: ErasureStore;
  /** Calls back when another process has written to the database, such as a command-line tool. One listener. */
  onOutsideWrite(listener: () => void): void;
  /** What happened outside of rooms' logs after a number, in order. */
  notices(input: { after: number }): Promise<Notice[]>;
  /** The number of the newest notice; 0 when there is none. */
  newestNotice(): Promise<number>;
  /**
   * Calls back with the log entries of each commit, in order of commit, before the promises of its writes resolve.
   * One listener; the tail.
   */
  onEntries(listener: (entries: readonly LogEntry[]) => void): void;
  /** Calls back once if the engine dies and cannot go on; what was being written has an unknown outcome. */
  onFailure(listener: (error: Error) => void): void;
  /**
   * Sets times that decide something, and lie after `at`, to it: the activity of rooms, in the order that it was in, and
   * when users were last seen.
   */
  settleTimes(input: { at: number }): Promise<void>;
  /** Whether something in the database was found to be damaged since it was opened; the rest is there all the same. */
  readonly isDamaged: boolean;
  /** What keeps the database from being read right now, found by reading; undefined when nothing does. Never rejects. */
  probeRead(): Promise<StoreFault | undefined>;
  /** What keeps the database from being written right now, found by writing. Never rejects. */
  probeWrite(): Promise<StoreFault | undefined>;
  /** Finishes what is waiting and closes the database. */
  close(): Promise<void>;
}

/**
 * Why a database cannot be used: another process holds its lock, there is no room on the disk, it may not be written,
 * the disk fails, a part of it cannot be read for good, its file cannot be opened, too much is waiting for it, or
 * something else.
 */
export type StoreFault = 'locked' | 'full' | 'read_only' | 'io' | 'damaged' | 'unopened' | 'overloaded' | 'other';

/** Something that servers must hear of and that is in no room's log. Numbers only rise. */
export type Notice = { readonly number: number } & (
  | ({ readonly kind: 'token_revoked'; readonly token_id: string } & Revoked)
  /** Every token of the user up to this generation. */
  | ({ readonly kind: 'tokens_revoked'; readonly generation: number } & Revoked)
  | { readonly kind: 'room_deleted'; readonly room_id: string }
);

/** Whose tokens were revoked. */
export interface Revoked {
  readonly user_id: string;
  /** The name that the user has now, which is another one when it was erased; undefined when there is no such user. */
  readonly username: string | undefined;
  /** Whether the user can never come back. */
  readonly retired: boolean;
}

/** One entry of a room's log: a message in the state that the change left it in. */
export interface LogEntry {
  readonly message: Message;
  /** For a join: who joined and the room, as they were right after. */
  readonly joined?: { readonly user: StoredUser; readonly room: StoredRoom };
}

/** A room as someone enters it, in one snapshot. */
export interface RoomSnapshot {
  /** `seq` in it is the number up to which this snapshot tells everything. */
  readonly room: StoredRoom;
  readonly users: readonly StoredUser[];
  readonly messages: RawJson<Message[]>;
  readonly has_more: boolean;
}

/** What {@link RoomStore.list} is asked. */
export interface RoomListInput {
  readonly user_id: string;
  /** Only names that contain it, among the user's own and the `LIMITS.search_rooms` of newest activity of those listed. */
  readonly query: string | undefined;
  readonly mine: boolean;
  readonly after: string | undefined;
  readonly limit: number;
}

/** Rooms and their members. */
export interface RoomStore {
  /** Makes a room with its creator as owner and first member. `room_id` is used unless `client_id` repeats. */
  create(input: {
    room_id: string;
    message_id: string;
    name: string;
    type: RoomType;
    password_hash: string | null;
    client_id: string | null;
    user_id: string;
    rooms_max: number;
    at: number;
  }): Promise<{ room: SeenRoom; duplicate: boolean }>;
  /** The room that this user made with this key before, if any. */
  byClientId(input: { user_id: string; client_id: string }): Promise<SeenRoom | undefined>;
  /** What joining needs: the password hash of a room that the user may see. Refuses `ROOM_NOT_FOUND`. */
  access(input: {
    room_id: string;
    user_id: string;
  }): Promise<{ type: RoomType; password_hash: string | null; member: boolean }>;
  /**
   * Makes a user a member; `verified_hash` is the password hash that the given password matched. A member stays one, and
   * who joins a room that nobody is in owns it.
   */
  join(input: Membership & Joining & { verified_hash: string | null }): Promise<void>;
  /** Ends a membership; the room passes to its longest-standing member when its owner leaves. */
  leave(input: Membership): Promise<void>;
  /** Makes `user_id` a member by the word of the owner `by`; false when it was one before. */
  add(input: Membership & Joining & { by: string }): Promise<boolean>;
  /** Ends the membership of `user_id` by the word of the owner `by`. */
  remove(input: Membership & { by: string }): Promise<void>;
  /** The room with its newest messages and first users, for a member. Refuses `ROOM_NOT_FOUND`, `NOT_A_MEMBER`. */
  snapshot(input: { room_id: string; user_id: string }): Promise<RoomSnapshot>;
  /**
   * The rooms that a user may see (`mine`: is a member of), newest activity first; a room with a password stands before
   * its members by its newest activity, before others by the day of it.
   */
  list(input: RoomListInput): Promise<Page<SeenRoom>>;
  /** The newest number of each of these rooms; a room that is gone is absent. */
  heads(input: { room_ids: readonly string[] }): Promise<{ room_id: string; head: number }[]>;
  /** Lets a member act in a room. Refuses `ROOM_NOT_FOUND`, `NOT_A_MEMBER`. */
  requireMember(input: { room_id: string; user_id: string }): Promise<void>;
}

/** Who is to be a member of a room more: refused `LIMIT_REACHED` when the user is a member of `rooms_max` already. */
export interface Joining {
  readonly user_id: string;
  readonly rooms_max: number;
}

/** A change of one user's membership of one room; `message_id` is for the system message that records it. */
export interface Membership {
  readonly room_id: string;
  readonly user_id: string;
  readonly message_id: string;
  readonly at: number;
}

/** The answer of `sync` for one room. */
export type RoomSync =
  | { room_id: string; head: number; messages: Message[]; has_more: boolean; reset: boolean }
  | { room_id: string; error: ErrorCode };

/** What a send answers. */
export interface Sent {
  readonly message: Message;
  /** The message was there already, under this key. */
  readonly duplicate?: true;
}

/** Messages, which are the log. */
export interface MessageStore {
  /** Stores a message, or answers the one that this user sent to this room with this `client_id` before. */
  send(input: SendInput): Promise<Sent>;
  /** The message that this user sent to this room with this key before, if any; wants no membership. */
  byClientId(input: { room_id: string; user_id: string; client_id: string }): Promise<Message | undefined>;
  /** Changes the content. Refuses `MESSAGE_NOT_FOUND`, `NOT_A_MEMBER`, `FORBIDDEN`. */
  edit(input: { message_id: string; user_id: string; content: string; at: number }): Promise<Message>;
  /** Leaves a tombstone. Refuses `MESSAGE_NOT_FOUND`, `NOT_A_MEMBER`, `FORBIDDEN`. */
  delete(input: { message_id: string; user_id: string; at: number }): Promise<Message>;
  /** A page by place, oldest first; `before` and `after` are exclusive. Refuses `ROOM_NOT_FOUND`, `NOT_A_MEMBER`. */
  page(input: {
    room_id: string;
    user_id: string;
    before: number | undefined;
    after: number | undefined;
    limit: number;
  }): Promise<{ messages: RawJson<Message[]>; has_more: boolean }>;
  /** What changed in rooms since the given numbers, in one snapshot; a room that may not be read answers for itself. */
  sync(input: { user_id: string; rooms: readonly { room_id: string; seq: number }[] }): Promise<RawJson<RoomSync[]>>;
  /** Entries above a number in order, for the tail; of a message changed twice only the newest state. */
  log(input: { room_id: string; after: number }): Promise<{ entries: LogEntry[]; head: number; has_more: boolean }>;
}

/** A room that was deleted, or a user who was erased. */
export interface Erased {
  readonly kind: 'room' | 'user';
  readonly id: string;
}

/** What is left of deleted rooms and erased users, removed step by step. It outlives a restart. */
export interface ErasureStore {
  /** Removes some, in one short transaction; false when there was nothing that could be removed now. */
  step(input: { at: number }): Promise<boolean>;
}

/** A message to store. */
export interface SendInput {
  readonly id: string;
  readonly room_id: string;
  readonly user_id: string;
  readonly username: string;
  readonly content: string;
  readonly client_id: string | null;
  readonly at: number;
}
