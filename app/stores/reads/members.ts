import { type Query, sql } from '../query.ts';
import { USER_COLUMNS, type UserRow } from '../rows.ts';

/** A member of a room. */
export interface MemberRow extends UserRow {
  readonly joined_seq: number;
}

/** Not by `IS NULL`: PostgreSQL would look for the users in an index of all who are not retired. */
const STAYS = 'coalesce(u.retired_at, 0) = 0';
const MEMBERS = `SELECT ${USER_COLUMNS}, m.joined_seq FROM members m JOIN users u ON u.id = m.user_id
  WHERE m.room_id = ? AND m.joined_seq > ? AND ${STAYS} ORDER BY m.joined_seq LIMIT ?`;

/** Asks for members of a room who came after the entry `after`, longest-standing first. */
export const membersPage = (page: { room_id: string; after: number; limit: number }): Query<MemberRow[]> =>
  sql<MemberRow>(MEMBERS, page.room_id, page.after, page.limit);
