import type { Store } from '../../app/stores/store.ts';

let made = 0;

/** An id that no other has, of the form of all ids. */
export const newId = (): string => `00000000-0000-7000-8000-${String(++made).padStart(12, '0')}`;

/** A new guest. */
export const guest = (store: Store, username: string) => store.users.create({ id: newId(), username, at: 1 });

/** A new room, which `user_id` owns. */
export async function roomOf(store: Store, user_id: string, type: 'public' | 'private' = 'public') {
  const input = { room_id: newId(), message_id: newId(), name: 'garden', type, password_hash: null, client_id: null };
  return (await store.rooms.create({ ...input, user_id, rooms_max: 1_000, at: 1 })).room;
}

/** A message to send. */
export const message = (room_id: string, user_id: string, content: string, client_id: string | null = null) => ({
  id: newId(),
  room_id,
  user_id,
  username: 'ada',
  content,
  client_id,
  at: 1,
});
