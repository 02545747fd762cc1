import type { System } from '../../../protocol/message.ts';
import { Refusal } from '../../models/refusal.ts';
import { ownerAfterJoin, ownerAfterLeave, requirePlace } from '../../models/room.ts';
import { STAYS, toMessage, toRoom, toUser } from '../rows.ts';
import type { Row } from '../tables.ts';
import type { Tx } from '../tx.ts';
import { appendSystem } from './log.ts';

/** The ways in which memberships begin and end, and rooms change hands: each stores one entry of the room, and tells it. */

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
  /** Milliseconds since 1970. */
  readonly at: number;
}

/**
 * The user, who may become a member of one room more, by the word of `added_by` if it is another's. Hold the lock of the
 * user, and call before the first change.
 * @throws Refusal `LIMIT_REACHED`, and `UNAUTHENTICATED` (added: `USER_NOT_FOUND`) when the user is gone
 */
export function candidate(tx: Tx, { user_id, rooms_max }: Joining, added_by?: string): Row<'users'> {
  const user = tx.get('users', 'id', user_id);
  if (user?.retired_at !== null) throw new Refusal(added_by === undefined ? 'UNAUTHENTICATED' : 'USER_NOT_FOUND');
  const [counted] = tx.all<{ count: number }>('SELECT count(*) AS count FROM members WHERE user_id = ?', user_id);
  requirePlace(counted?.count ?? 0, rooms_max, added_by === undefined ? undefined : 'user_id');
  return user;
}

/** Makes a {@link candidate} a member; who joins a room without an owner owns it. */
export function addMember(
  tx: Tx,
  { room, user, added_by }: { room: Row<'rooms'>; user: Row<'users'>; added_by?: string },
  { message_id, at }: Membership,
): void {
  const owner_id = ownerAfterJoin(room.owner_id, user.id);
  const system: System = {
    type: 'user_joined',
    user_id: user.id,
    username: user.username,
    ...(added_by && { added_by }),
    ...(owner_id !== room.owner_id && { new_owner_id: owner_id }),
  };
  const message = appendSystem(tx, room, { message_id, at }, { system, active_at: at });
  tx.insert('members', { room_id: room.id, user_id: user.id, joined_seq: message.seq });
  tx.update('rooms', room, { user_count: room.user_count + 1, owner_id });
  tx.tell({ message: toMessage(message), joined: { user: toUser(user), room: toRoom(room) } });
}

/**
 * Ends a membership; the owner's room passes on. Call before the first change of a call.
 * @param about `removed_by`: by whose word, if it was another's; `active_at`: null when nobody did anything
 */
export function removeMember(
  tx: Tx,
  room: Row<'rooms'>,
  { user_id, message_id, at }: Membership,
  about: { readonly removed_by?: string; readonly active_at: number | null },
): void {
  const { removed_by, active_at } = about;
  const member = tx.get('members', 'id', room.id, user_id);
  const username = tx.get('users', 'id', user_id)?.username ?? '';
  const owner_id = ownerAfterLeave(room.owner_id, user_id, () => eldest(tx, room.id, user_id));
  if (member !== undefined) tx.delete('members', member);
  const system: System = {
    type: 'user_left',
    user_id,
    username,
    ...(removed_by && { removed_by }),
    ...(owner_id !== room.owner_id && owner_id !== null && { new_owner_id: owner_id }),
  };
  tx.update('rooms', room, { user_count: room.user_count - 1, owner_id });
  const message = appendSystem(tx, room, { message_id, at }, { system, active_at });
  tx.tell({ message: toMessage(message) });
}

/** Gives the room to one of its members, by the word of the operator. */
export function promote(tx: Tx, room: Row<'rooms'>, { user_id, message_id, at }: Membership): void {
  const previous_owner_id = room.owner_id;
  const system: System = {
    type: 'role_changed',
    role: 'owner',
    user_id,
    username: tx.get('users', 'id', user_id)?.username ?? '',
    by: null,
    ...(previous_owner_id && { previous_owner_id }),
  };
  tx.update('rooms', room, { owner_id: user_id });
  tx.tell({ message: toMessage(appendSystem(tx, room, { message_id, at }, { system, active_at: at })) });
}

/** The longest-standing of the others; one who is retired and about to leave only when there is no other. */
function eldest(tx: Tx, room_id: string, left: string): string | null {
  const staying = `SELECT m.user_id FROM members m JOIN users u ON u.id = m.user_id
    WHERE m.room_id = ? AND m.user_id <> ? AND ${STAYS} ORDER BY m.joined_seq LIMIT 1`;
  const any = 'SELECT user_id FROM members WHERE room_id = ? AND user_id <> ? ORDER BY joined_seq LIMIT 1';
  const first = (text: string) => tx.all<{ user_id: string }>(text, room_id, left)[0]?.user_id;
  return first(staying) ?? first(any) ?? null;
}
