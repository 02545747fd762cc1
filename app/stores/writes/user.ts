import { Refusal } from '../../models/refusal.ts';
import { foldCase } from '../../models/text.ts';
import { isReserved, SEEN_STEP_MS, type StoredUser } from '../../models/user.ts';
import type { Wanted } from '../known-rows.ts';
import { toUser } from '../rows.ts';
import { write } from '../write.ts';
import { inRoom } from './log.ts';
import { removeMember } from './membership.ts';
import { NOTICES, notify } from './notice.ts';
import { retire, retirementReads, revokeAll } from './retirement.ts';

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

const one = ({ user_id }: { readonly user_id: string }) => [user_id];
const notices = () => [NOTICES];

/** Changes of users and their tokens. */
export const userWrites = {
  /** Makes a guest, who holds the name until retired. Refuses `USERNAME_TAKEN`. */
  create: write({
    users: ({ id }: NewUser) => [id],
    reads: ({ id, username }): Wanted[] => [
      ['users', 'id', id],
      ['users', 'name', foldCase(username)],
    ],
    run(tx, { id, username, at, seen_at = at }): StoredUser {
      const name_key = foldCase(username);
      if (isReserved(name_key) || tx.get('users', 'name', name_key) !== undefined)
        throw new Refusal('USERNAME_TAKEN', { field: 'username' });
      const times = { created_at: at, connected_at: at, last_activity: at, seen_at };
      return toUser(tx.insert('users', { id, username, name_key, generation: 0, ...times }));
    },
  }),

  /**
   * Revokes one token (until `expires_at`, when it is void anyway), or every token of the user so far. `retired`: the user
   * can never come back, as a guest, who has this one token and nothing else to sign in with: it cannot act from here on,
   * its name is free, and its rooms are to be left by `depart`.
   */
  revoke: write({
    users: one,
    counters: notices,
    reads({ user_id, token_id }: RevokeInput): Wanted[] {
      const token: Wanted[] = token_id === null ? [] : [['revoked_tokens', 'id', token_id]];
      return [...retirementReads(user_id), ...token];
    },
    run(tx, { user_id, token_id, expires_at, at }): { retired: boolean } {
      const user = tx.get('users', 'id', user_id);
      if (user !== undefined) retire(tx, user, at);
      if (token_id === null) {
        if (user !== undefined) revokeAll(tx, user);
      } else {
        if (tx.get('revoked_tokens', 'id', token_id) === undefined)
          tx.insert('revoked_tokens', { token_id, expires_at });
        notify(tx, { kind: 'token_revoked', subject: user_id, token_id });
      }
      return { retired: true };
    },
  }),

  /** Forgets that tokens were revoked which expired before a time: they mean nothing any more. */
  forgetRevoked: write({
    reads: (_: { readonly expired_before: number }) => [],
    run(tx, { expired_before }): void {
      tx.run('revoked_tokens', 'DELETE FROM revoked_tokens WHERE expires_at < ?', expired_before);
    },
  }),

  /** Keeps when users were last seen, at the latest at `at`. */
  touch: write({
    users: ({ users }: { readonly users: readonly LastSeen[]; readonly at: number }) => users.map(({ id }) => id),
    reads: ({ users }) => users.map(({ id }): Wanted => ['users', 'id', id]),
    run(tx, { users, at }): void {
      for (const { id, connected_at, last_activity } of users) {
        const user = tx.get('users', 'id', id);
        if (user === undefined) continue;
        tx.update('users', user, { connected_at, last_activity });
        // Seldom, since it stands in an index.
        if (user.seen_at < at - SEEN_STEP_MS) tx.update('users', user, { seen_at: at });
      }
    },
  }),

  /** Retires a guest as `revoke` does, unless it was online since then, or is retired; whether it did. */
  retireUnseen: write({
    users: one,
    counters: notices,
    reads: ({ user_id }: { readonly user_id: string; readonly unseen_since: number; readonly at: number }) =>
      retirementReads(user_id),
    run(tx, { user_id, unseen_since, at }): boolean {
      const user = tx.get('users', 'id', user_id);
      if (user === undefined || user.seen_at >= unseen_since || user.retired_at !== null) return false;
      retire(tx, user, at);
      revokeAll(tx, user);
      return true;
    },
  }),

  /**
   * Lets a retired user leave the room that it must leave next (`nextDeparture` names it), or with null notes that there
   * is none left. False when nothing was left to do. `message_id` is for the system message.
   */
  depart: write({
    rooms: ({ room_id }: Departure) => (room_id === null ? [] : [room_id]),
    users: one,
    reads: ({ user_id, room_id }): Wanted[] => [
      ['departures', 'id', user_id],
      ...(room_id === null ? [] : inRoom(room_id, user_id)),
    ],
    run(tx, { user_id, room_id, message_id, at }): boolean {
      const departure = tx.get('departures', 'id', user_id);
      if (departure === undefined) return false;
      if (room_id === null) {
        if (tx.all('SELECT room_id FROM members WHERE user_id = ? LIMIT 1', user_id).length > 0) return true;
        tx.delete('departures', departure);
        return false;
      }
      const member = tx.get('members', 'id', room_id, user_id);
      if (member === undefined) return true;
      const room = tx.get('rooms', 'id', room_id);
      // Nobody did anything, so the room is no more active than before. Of a room that was deleted this is what is left.
      if (room === undefined) tx.delete('members', member);
      else removeMember(tx, room, { room_id, user_id, message_id, at }, { active_at: null });
      return true;
    },
  }),
};

interface RevokeInput {
  readonly user_id: string;
  readonly token_id: string | null;
  readonly expires_at: number;
  readonly at: number;
}

interface Departure {
  readonly user_id: string;
  readonly room_id: string | null;
  readonly message_id: string;
  readonly at: number;
}
