import { type Query, sql } from '../query.ts';
import { STAYS, USER_COLUMNS, type UserRow } from '../rows.ts';

/** A member of a room. */
export interface MemberRow extends UserRow {
  readonly joined_seq: number;
}

const MEMBERS = `SELECT ${USER_COLUMNS}, m.joined_seq FROM members m JOIN users u ON u.id = m.user_id
  WHERE m.room_id = ? AND m.joined_seq > ? AND ${STAYS} ORDER BY m.joined_seq LIMIT ?`;

/** Asks for members of a room who came after the entry `after`, longest-standing first. */
export const membersPage = (page: { room_id: string; after: number; limit: number }): Query<MemberRow[]> =>
  sql<MemberRow>(MEMBERS, page.room_id, page.after, page.limit);
