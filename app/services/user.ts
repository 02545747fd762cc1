import { decodeCursor, encodeCursor } from '../models/cursor.ts';
import type { Store } from '../stores/store.ts';
import type { Routes } from './dispatch.ts';
import type { Presence } from './presence.ts';

/** What the commands about users work on. */
export interface UserOptions {
  readonly store: Pick<Store, 'users'>;
  readonly presence: Presence;
}

/** Listing users. */
export function userRoutes({ store, presence }: UserOptions) {
  return {
    /** The members of a room, or everyone who is online. */
    async get_users({ caller: { user }, payload: { room_id, after, limit } }) {
      if (room_id === undefined) {
        const page = presence.list(after === undefined ? 0 : Number(decodeCursor(after, ['number'])[0]), limit);
        return { users: page.users, next: page.next === null ? null : encodeCursor([page.next]) };
      }
      const page = await store.users.members({ room_id, user_id: user.id, after, limit });
      return { users: page.items.map((member) => presence.user(member)), next: page.next };
    },
  } satisfies Partial<Routes>;
}
