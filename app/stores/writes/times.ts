import { listedAt } from '../../models/room.ts';
import type { Wanted } from '../known-rows.ts';
import { write } from '../write.ts';

/** Rooms whose activity lies after `at`, newest first, of which so many were set before. */
interface Ahead {
  readonly room_ids: readonly string[];
  readonly place: number;
  /** The clock, in milliseconds since 1970. */
  readonly at: number;
}

/** Times that a wrong clock has left in the future. */
export const timeWrites = {
  /** Sets the activity of rooms to now, in the order that it was in: before whatever is done from now on. */
  settleRooms: write({
    rooms: ({ room_ids }: Ahead) => room_ids,
    reads: ({ room_ids }) => room_ids.map((id): Wanted => ['rooms', 'id', id]),
    run(tx, { room_ids, place, at }): void {
      tx.activity.settle(at);
      for (const [i, id] of room_ids.entries()) {
        const room = tx.get('rooms', 'id', id);
        if (room === undefined || room.active_at <= at) continue;
        const active_at = at - 1 - place - i;
        tx.update('rooms', room, { active_at, listed_at: listedAt({ ...room, active_at }) });
      }
    },
  }),

  /**
   * Sets when users were here to now. Not `seen_at`: a clock that is behind for a moment would make everybody someone to
   * be retired.
   */
  settleUsers: write({
    reads: (_: { readonly at: number }) => [],
    run(tx, { at }): void {
      tx.run('users', 'UPDATE users SET connected_at = ? WHERE connected_at > ?', at, at);
      tx.run('users', 'UPDATE users SET last_activity = ? WHERE last_activity > ?', at, at);
    },
  }),
};
