import type { Page } from '../models/cursor.ts';
import type { SeenRoom } from '../models/room.ts';
import type { StoredUser } from '../models/user.ts';

/** Who signs in. */
export interface SessionInput {
  readonly user_id: string;
  /** Is checked when given. */
  readonly token: TokenIdentity | undefined;
  /** Whether only the user's own rooms are read. */
  readonly mine: boolean;
}

/** Everything a sign-in reads, in one snapshot. */
export interface SessionSnapshot {
  /** Undefined when there is no such user, or the token was revoked. */
  readonly user: StoredUser | undefined;
  /** The number that tokens made now must carry; raised when all tokens of the user are revoked. */
  readonly generation: number;
  /** Every room of the user, with the number of its newest entry. */
  readonly memberships: readonly (readonly [room_id: string, seq: number])[];
  /** The first 100 of the user's rooms, newest activity first. */
  readonly rooms: Page<SeenRoom>;
  /** The first page of all rooms that the user may see; null when only the user's own were asked for. */
  readonly visible: Page<SeenRoom> | null;
}

/** Identifies a token: its own id, and the generation of its user's tokens that it belongs to. */
export interface TokenIdentity {
  readonly user_id: string;
  readonly token_id: string;
  readonly generation: number;
}

/** A guest to make; `at` is in milliseconds since 1970. */
export interface NewUser {
  readonly id: string;
  readonly username: string;
  readonly at: number;
  /** When the guest was seen, if that is known better than by `at`. */
  readonly seen_at?: number;
}

/** When a user last signed in and did something, in milliseconds since 1970. */
export interface LastSeen {
  readonly id: string;
  readonly connected_at: number;
  readonly last_activity: number;
}

/** Users and their tokens. */
export interface UserStore {
  /** Makes a guest, who holds the name until retired. Refuses `USERNAME_TAKEN`. */
  create(input: NewUser): Promise<StoredUser>;
  /** A valid name that is like this one and free at the moment; undefined when a few looks found none. */
  freeNameLike(username: string): Promise<string | undefined>;
  /** Reads what a sign-in answers. */
  session(input: SessionInput): Promise<SessionSnapshot>;
  /**
   * Revokes one token (until `expires_at`, when it is void anyway), or every token of the user so far. `retired`: the user
   * can never come back: it cannot act from here on, its name is free, and its rooms are to be left by {@link depart}.
   */
  revoke(input: {
    user_id: string;
    token_id: string | null;
    expires_at: number;
    at: number;
  }): Promise<{ retired: boolean }>;
  /** The retired users behind `after`, by id, who have not left all of their rooms yet. */
  departing(input: { after: string; limit: number }): Promise<string[]>;
  /** Lets a retired user leave one of its rooms; false when there was none left. `message_id` is for the system message. */
  depart(input: { user_id: string; message_id: string; at: number }): Promise<boolean>;
  /** Keeps when users were last seen, at the latest at `at`. */
  touch(input: { users: readonly LastSeen[]; at: number }): Promise<void>;
  /** When any user who is not retired was last seen, in milliseconds since 1970; 0 when there is none. */
  newestSeen(): Promise<number>;
  /** Forgets that tokens were revoked which expired before a time. */
  forgetRevoked(input: { expired_before: number }): Promise<void>;
  /** Some of the users who were last online before a time, and are not retired; the longest unseen first. */
  unseen(input: { before: number; limit: number }): Promise<{ id: string; username: string }[]>;
  /** Retires a guest as {@link revoke} does, unless it was online since then, or is retired; whether it did. */
  retireUnseen(input: { user_id: string; unseen_since: number; at: number }): Promise<boolean>;
  /** The members of a room, longest-standing first. Refuses `ROOM_NOT_FOUND`, `NOT_A_MEMBER`. */
  members(input: {
    room_id: string;
    user_id: string;
    after: string | undefined;
    limit: number;
  }): Promise<Page<StoredUser>>;
}
