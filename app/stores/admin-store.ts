import type { Message } from '../../protocol/message.ts';
import type { Page } from '../models/cursor.ts';
import type { StoredRoom } from '../models/room.ts';
import type { StoredUser } from '../models/user.ts';
import type { Erased, Membership, Store } from './store.ts';

/** A store with what only the command-line tools need. */
export interface ToolStore extends Store {
  readonly admin: AdminStore;
}

/** Someone who was not seen for long. */
export interface StaleUser {
  readonly id: string;
  readonly username: string;
  /** ISO 8601. */
  readonly last_seen: string;
  readonly retired: boolean;
}

/** What the command-line tools do. Long work goes in steps, each a transaction, so that a running server goes on. */
export interface AdminStore {
  /** All rooms, in the order they were made; `query` finds names that contain it. */
  rooms(input: { query: string | undefined; after: string | undefined; limit: number }): Promise<Page<StoredRoom>>;
  /** All users, in the order they came; `query` finds names that contain it. */
  users(input: { query: string | undefined; after: string | undefined; limit: number }): Promise<Page<StoredUser>>;
  /** The user of this id. */
  user(input: { user_id: string }): Promise<StoredUser | undefined>;
  /** The rooms that a user is a member of. */
  memberships(input: { user_id: string }): Promise<{ room_id: string; name: string; joined_seq: number }[]>;
  /** How many messages the database holds. */
  countMessages(): Promise<number>;
  /** A user's own messages in the order they were stored, of the next rows after the row `after` (0: the first). */
  messagesOf(input: {
    user_id: string;
    after: number;
    rows: number;
  }): Promise<{ messages: Message[]; next: number | null }>;
  /** Gives a room to one of its members. Refuses `ROOM_NOT_FOUND`, and `USER_NOT_FOUND` for who is no member. */
  setOwner(input: Membership): Promise<void>;
  /**
   * Deletes a room: it is gone for everybody at once, and what is stored of it is removed by `erasures.step`. Refuses
   * `ROOM_NOT_FOUND`; with `unused_since` also when the room has members, or was active since then.
   */
  deleteRoom(input: { room_id: string; at: number; unused_since?: number }): Promise<void>;
  /** Deleted rooms of which something is left, since that was interrupted or is under way. */
  deletedRooms(): Promise<string[]>;
  /** Whether there is such a user, or any message of one or about one. Looks through all messages. */
  tellsOf(input: { user_id: string }): Promise<boolean>;
  /**
   * Erases a user: revokes all tokens, takes the name, and retires it. Its rooms are then left by `users.depart`, and its
   * messages made tombstones by `erasures.step`.
   */
  eraseUser(input: { user_id: string; at: number }): Promise<void>;
  /** How far the erasing of something is; undefined when nothing is left to do. */
  erasure(input: Erased): Promise<{ reached: number; total: number } | undefined>;
  /** Users who were not seen since a time, nor retired since then. */
  staleUsers(input: { before: number; after: string | undefined; limit: number }): Promise<Page<StaleUser>>;
  /** Who wrote the next messages after the row `after` (0: the first). */
  authors(input: { after: number; rows: number }): Promise<{ user_ids: string[]; next: number | null }>;
  /** Removes a retired user who has left all of its rooms; false when it is not one. */
  deleteUser(input: { user_id: string }): Promise<boolean>;
  /** Rooms that were not active since a time, and whose members, if any, are retired or were not seen since then. */
  unusedRooms(input: { before: number; after: string | undefined; limit: number }): Promise<Page<StoredRoom>>;
}
