import type { System } from '../../../protocol/message.ts';
import { systemContent } from '../../models/message.ts';
import { Refusal } from '../../models/refusal.ts';
import { ownerAfterJoin, requirePlace } from '../../models/room.ts';
import type { Joining, LogEntry, Membership } from '../store.ts';
import type { Database } from './database.ts';
import { appendSystemMessage } from './message.ts';
import type { RoomCache } from './room-cache.ts';
import { ACCOUNT_COLUMNS, type AccountRow, type RoomRow, toRoom, toUser } from './rows.ts';

/** The ways in which memberships begin and end, and rooms change hands: each stores one entry of the room. */
export interface Memberships {
  /**
   * The user, who may become a member of one room more, by the word of `added_by` if it is another's.
   * @throws Refusal `LIMIT_REACHED`, and `UNAUTHENTICATED` (added: `USER_NOT_FOUND`) when the user is gone
   */
  candidate(who: Joining, added_by?: string): AccountRow;
  /**
   * Makes a user a member, by the word of `added_by` if it was another's; who joins a room without an owner owns it.
   * @throws Refusal as {@link Memberships.candidate}
   */
  addMember(room: RoomRow, who: Membership & Joining, added_by?: string): LogEntry;
  /** Ends a membership, by the word of `removed_by` if it was another's; the owner's room passes on. */
  removeMember(room: RoomRow, who: Membership, removed_by?: string): LogEntry;
  /** Ends the membership of a user who is retired: nobody did anything, so the room is no more active than before. */
  depart(room: RoomRow, who: Membership): LogEntry;
  /** Gives the room to one of its members, by the word of the operator. */
  promote(room: RoomRow, who: Membership): LogEntry;
}

/** What the writer does with memberships, in the transaction of whoever calls it. */
export function memberships(db: Database, rooms: RoomCache): Memberships {
  const user = (id: string) => db.get<AccountRow>(`SELECT ${ACCOUNT_COLUMNS} FROM users u WHERE u.id = ?`, id);
  const nameOf = (id: string) => user(id)?.username ?? '';

  function append(room: RoomRow, { message_id: id, at }: Membership, system: System, active_at: number | null = at) {
    return appendSystemMessage(db, rooms, { room, id, system, content: systemContent(system), at, active_at });
  }

  function end(room: RoomRow, who: Membership, about: { removed_by?: string | undefined; active_at?: null }): LogEntry {
    const { user_id } = who;
    const { removed_by, active_at } = about;
    const new_owner_id = rooms.removeMember(room, user_id);
    const system: System = {
      type: 'user_left',
      user_id,
      username: nameOf(user_id),
      ...(removed_by && { removed_by }),
      ...(new_owner_id && { new_owner_id }),
    };
    return { message: append(room, who, system, active_at) };
  }

  function candidate({ user_id, rooms_max }: Joining, added_by?: string): AccountRow {
    const row = user(user_id);
    if (row?.retired_at !== null) throw new Refusal(added_by === undefined ? 'UNAUTHENTICATED' : 'USER_NOT_FOUND');
    const sql = 'SELECT count(*) AS count FROM members WHERE user_id = ?';
    const rooms = db.get<{ count: number }>(sql, user_id)?.count ?? 0;
    requirePlace(rooms, rooms_max, added_by === undefined ? undefined : 'user_id');
    return row;
  }

  return {
    candidate,

    addMember(room, who, added_by) {
      const { user_id } = who;
      const row = candidate(who, added_by);
      const owner_id = ownerAfterJoin(room.owner_id, user_id);
      const message = append(room, who, {
        type: 'user_joined',
        user_id,
        username: row.username,
        ...(added_by && { added_by }),
        ...(owner_id !== room.owner_id && { new_owner_id: owner_id }),
      });
      rooms.addMember(room, user_id, message.seq);
      return { message, joined: { user: toUser(row), room: toRoom(room) } };
    },

    removeMember: (room, who, removed_by) => end(room, who, { removed_by }),
    depart: (room, who) => end(room, who, { active_at: null }),

    promote(room, who) {
      const { user_id } = who;
      const previous_owner_id = room.owner_id;
      rooms.setOwner(room, user_id);
      const message = append(room, who, {
        type: 'role_changed',
        role: 'owner',
        user_id,
        username: nameOf(user_id),
        by: null,
        ...(previous_owner_id && { previous_owner_id }),
      });
      return { message };
    },
  };
}
