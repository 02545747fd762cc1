import { Refusal } from '../../models/refusal.ts';
import { ERASED_USERNAME } from '../../models/user.ts';
import type { Wanted } from '../known-rows.ts';
import { write } from '../write.ts';
import { beginErasure, ERASURES } from './erasure.ts';
import { inRoom } from './log.ts';
import { type Membership, promote } from './membership.ts';
import { NOTICE_COUNTER, NOTICES, notify } from './notice.ts';
import { retire, retirementReads, revokeAll } from './retirement.ts';

/** Changes that the command-line tools and the server's tidying make. */
export const adminWrites = {
  /** Gives a room to one of its members. Refuses `ROOM_NOT_FOUND`, and `USER_NOT_FOUND` for who is no member. */
  setOwner: write({
    rooms: ({ room_id }: Membership) => [room_id],
    reads: ({ room_id, user_id }) => inRoom(room_id, user_id),
    run(tx, input): void {
      const room = tx.get('rooms', 'id', input.room_id);
      if (room === undefined) throw new Refusal('ROOM_NOT_FOUND');
      const member = tx.get('members', 'id', input.room_id, input.user_id);
      if (member === undefined || tx.get('users', 'id', input.user_id)?.retired_at !== null)
        throw new Refusal('USER_NOT_FOUND');
      if (room.owner_id !== input.user_id) promote(tx, room, input);
    },
  }),

  /**
   * Deletes a room: it is gone for everybody at once, and what is stored of it is removed by `erasures.step`. Refuses
   * `ROOM_NOT_FOUND`; with `unused_since` also when the room has members, or was active since then.
   */
  deleteRoom: write({
    rooms: ({ room_id }: { readonly room_id: string; readonly at: number; readonly unused_since?: number }) => [
      room_id,
    ],
    counters: () => [ERASURES, NOTICES],
    reads: ({ room_id }): Wanted[] => [['rooms', 'id', room_id], ['erasures', 'id', 'room', room_id], NOTICE_COUNTER],
    run(tx, { room_id, at, unused_since }): void {
      const room = tx.get('rooms', 'id', room_id);
      const used = unused_since !== undefined && room && (room.user_count > 0 || room.active_at >= unused_since);
      if (room === undefined || used) throw new Refusal('ROOM_NOT_FOUND');
      tx.delete('rooms', room);
      beginErasure(tx, { kind: 'room', subject: room_id, total: room.seq + room.user_count }, at);
      notify(tx, { kind: 'room_deleted', subject: room_id });
    },
  }),

  /**
   * Erases a user: revokes all tokens, takes the name, and retires it. Its rooms are then left by `users.depart`, and its
   * messages made tombstones by `erasures.step`.
   */
  eraseUser: write({
    users: ({ user_id }: { readonly user_id: string; readonly at: number }) => [user_id],
    counters: () => [ERASURES, NOTICES],
    reads: ({ user_id }): Wanted[] => [...retirementReads(user_id), ['erasures', 'id', 'user', user_id]],
    run(tx, { user_id, at }): void {
      const [messages] = tx.all<{ total: number }>('SELECT CAST(COALESCE(sum(seq), 0) AS BIGINT) AS total FROM rooms');
      beginErasure(tx, { kind: 'user', subject: user_id, total: messages?.total ?? 0 }, at);
      const user = tx.get('users', 'id', user_id);
      if (user === undefined) return;
      tx.update('users', user, { username: ERASED_USERNAME });
      retire(tx, user, at);
      revokeAll(tx, user);
    },
  }),

  /** Removes a retired user who has left all of its rooms; false when it is not one. Rooms still tell of it. */
  deleteUser: write({
    users: ({ user_id }: { readonly user_id: string }) => [user_id],
    reads: ({ user_id }): Wanted[] => [
      ['users', 'id', user_id],
      ['departures', 'id', user_id],
    ],
    run(tx, { user_id }): boolean {
      const user = tx.get('users', 'id', user_id);
      if (user === undefined || user.retired_at === null || tx.get('departures', 'id', user_id) !== undefined)
        return false;
      tx.delete('users', user);
      return true;
    },
  }),
};
