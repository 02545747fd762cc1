import type { Message, System } from '../../protocol/message.ts';
import type { StoredRoom } from '../models/room.ts';
import { isoTime } from '../models/time.ts';
import type { StoredUser } from '../models/user.ts';
import { columnsOf, type Row } from './tables.ts';

/** A row of `users`, as far as it is told to others. */
export type UserRow = Pick<Row<'users'>, 'id' | 'username' | 'connected_at' | 'last_activity'>;

/** The same, with since when the user can never come back; null: it can. */
export type AccountRow = UserRow & Pick<Row<'users'>, 'retired_at'>;

/** A row of `rooms`, as far as reads look at it. */
export type RoomRow = Omit<Row<'rooms'>, 'name_key' | 'client_id' | 'listed_at'>;

/** A row of `messages`, as far as clients see it. */
export type MessageRow = Omit<Row<'messages'>, 'changed'>;

/** The columns that {@link RoomRow} needs, of `rooms r`. */
export const ROOM_COLUMNS =
  'r.id, r.name, r.type, r.password_hash, r.created_by, r.owner_id, r.created_at, r.active_at, r.seq, r.user_count';

/** The columns that {@link UserRow} needs, of `users u`. */
export const USER_COLUMNS = 'u.id, u.username, u.connected_at, u.last_activity';

/** The columns that {@link AccountRow} needs, of `users u`. */
export const ACCOUNT_COLUMNS = `${USER_COLUMNS}, u.retired_at`;

/**
 * Whether a user of `users u` is not retired. Not by `IS NULL`: while PostgreSQL knows nothing of the table, it would look for
 * the user in the index of all who are not, and not by the id.
 */
export const STAYS = 'coalesce(u.retired_at, 0) = 0';

/** The columns of {@link MessageRow}. */
export const MESSAGE_COLUMNS = columnsOf('messages')
  .filter((column) => column !== 'changed')
  .join(', ');

/** A row as the services see it. */
export function toUser(row: UserRow): StoredUser {
  return {
    id: row.id,
    username: row.username,
    connected_at: isoTime(row.connected_at),
    last_activity: isoTime(row.last_activity),
  };
}

/** A row as the services see it; the password hash stays behind. */
export function toRoom(row: RoomRow): StoredRoom {
  return {
    id: row.id,
    name: row.name,
    type: row.type,
    is_password_protected: row.password_hash !== null,
    created_by: row.created_by,
    owner_id: row.owner_id,
    created_at: isoTime(row.created_at),
    user_count: row.user_count,
    seq: row.seq,
  };
}

/** A row as clients see it. */
export function toMessage(row: MessageRow): Message {
  const message: Message = {
    id: row.id,
    room_id: row.room_id,
    seq: row.seq,
    rev: row.rev,
    user_id: row.user_id,
    username: row.username,
    content: row.content,
    timestamp: isoTime(row.timestamp),
    is_system_message: row.system !== null,
    edited: row.edited_at !== null,
    edited_at: row.edited_at === null ? null : isoTime(row.edited_at),
    deleted: row.deleted_at !== null,
    deleted_at: row.deleted_at === null ? null : isoTime(row.deleted_at),
  };
  if (row.system !== null) message.system = JSON.parse(row.system) as System;
  if (row.client_id !== null) message.client_id = row.client_id;
  return message;
}
