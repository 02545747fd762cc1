import type { RoomFacts } from '../../models/room.ts';
import { each, type Query, sql } from '../query.ts';
import { ROOM_COLUMNS, type RoomRow } from '../rows.ts';

/** A room, and whether a user is a member of it. */
export interface FactsRow extends RoomRow {
  /** 1 or 0. */
  readonly member: number;
}

/**
 * 1 when a user, whose id is the value, is a member of the room of an id, else null. Not by EXISTS, of which PostgreSQL
 * makes joins and lists of all members where it believes tables to be small.
 */
export const membership = (room_id: string): string =>
  `(SELECT 1 FROM members m WHERE m.room_id = ${room_id} AND m.user_id = ?)`;

const FACTS = `SELECT ${ROOM_COLUMNS}, coalesce(${membership('r.id')}, 0) AS member FROM rooms r`;
const FACTS_OF_ROOM = `${FACTS} WHERE r.id = ?`;
const FACTS_BY_CLIENT_ID = `${FACTS} WHERE r.created_by = ? AND r.client_id = ?`;

/** Asks for what the rules about a room look at, for {@link toFacts}. */
export const roomFacts = ({ room_id, user_id }: { room_id: string; user_id: string }): Query<FactsRow[]> =>
  sql<FactsRow>(FACTS_OF_ROOM, user_id, room_id);

/** Asks for the same of many rooms. */
export const factsOfRooms = (room_ids: readonly string[], user_id: string): Query<FactsRow[][]> =>
  each<FactsRow>(
    FACTS_OF_ROOM,
    room_ids.map((room_id) => [user_id, room_id]),
  );

/** Asks for the same of the room that the user made with this key. */
export const factsByClientId = (user_id: string, client_id: string): Query<FactsRow[]> =>
  sql<FactsRow>(FACTS_BY_CLIENT_ID, user_id, user_id, client_id);

/** What the rules look at. */
export function toFacts([room]: readonly FactsRow[] = []): RoomFacts<FactsRow> {
  return { room, member: room?.member === 1 };
}
