import { LIMITS } from '../../../protocol/limits.ts';
import type { Page } from '../../models/cursor.ts';
import { decodeCursor, encodeCursor } from '../../models/cursor.ts';
import type { SeenRoom } from '../../models/room.ts';
import { foldCase } from '../../models/text.ts';
import type { RoomListInput } from '../store.ts';
import type { Database } from './database.ts';
import { ROOM_COLUMNS, type RoomRow, toRoom } from './rows.ts';

/** A row of `rooms` in a list. */
export interface ListedRow extends RoomRow {
  /** What its place in the list goes by. */
  place: number;
  /** 1 or 0. */
  member: number;
}

/** Where in a list to begin: after the room of this place and id. */
interface From {
  readonly place: number;
  readonly id: string;
}

const BEGINNING: From = { place: Number.MAX_SAFE_INTEGER, id: '' };

/** Whether the name contains the query, in words that other engines know too, with no sign that is a wildcard. */
const contains = (name_key: string) => `($query IS NULL OR replace(${name_key}, $query, '') <> ${name_key})`;

const OWN = `SELECT ${ROOM_COLUMNS}, r.active_at AS place, 1 AS member FROM members m JOIN rooms r ON r.id = m.room_id
  WHERE m.user_id = $user_id AND (r.active_at, r.id) < ($place, $id) AND ${contains('r.name_key')}
  ORDER BY r.active_at DESC, r.id DESC LIMIT $limit`;

/** The rooms that the caller is no member of, in the order of the index `rooms_listed`. */
const OTHERS = (
  from: string,
  name: string,
) => `SELECT ${ROOM_COLUMNS}, ${name}.listed_at AS place, 0 AS member FROM ${from}
  WHERE ${name}.listed_at IS NOT NULL AND (${name}.listed_at, ${name}.id) < ($place, $id)
    AND NOT EXISTS (SELECT 1 FROM members m WHERE m.room_id = ${name}.id AND m.user_id = $user_id)`;
const LISTED = `${OTHERS('rooms r', 'r')} ORDER BY r.listed_at DESC, r.id DESC LIMIT $limit`;
/** From the index alone up to the rooms that are found. */
const NEWEST = `(SELECT id, listed_at, name_key FROM rooms WHERE listed_at IS NOT NULL
  ORDER BY listed_at DESC, id DESC LIMIT ${LIMITS.search_rooms})`;
const FOUND = `${OTHERS(`${NEWEST} n JOIN rooms r ON r.id = n.id`, 'n')} AND ${contains('n.name_key')}
  ORDER BY n.listed_at DESC, n.id DESC LIMIT $limit`;

type Search = From & { readonly user_id: string; readonly query: string | null; readonly limit: number };

const ownRows = (db: Database, search: Search): ListedRow[] => db.allNamed<ListedRow>(OWN, { ...search });

function otherRows(db: Database, { query, ...search }: Search): ListedRow[] {
  if (query === null) return db.allNamed<ListedRow>(LISTED, search);
  return db.allNamed<ListedRow>(FOUND, { ...search, query });
}

/** Two lists in one, each newest activity first; of rooms of the same place the one with the greater id. */
function merge(a: readonly ListedRow[], b: readonly ListedRow[]): ListedRow[] {
  return [...a, ...b].sort((x, y) => y.place - x.place || (y.id < x.id ? -1 : 1));
}

function toPage(rows: readonly ListedRow[], limit: number): Page<SeenRoom> {
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return {
    items: items.map((row) => ({ ...toRoom(row), member: row.member === 1 })),
    next: last ? encodeCursor([last.place, last.id]) : null,
  };
}

/** A page of rooms, newest activity first: the caller's own, and unless `mine` those that are listed to all. */
export function listRooms(db: Database, { user_id, query, mine, after, limit }: RoomListInput): Page<SeenRoom> {
  const [place, id] = after === undefined ? [] : decodeCursor(after, ['number', 'string']);
  const from = after === undefined ? BEGINNING : { place: Number(place), id: String(id) };
  const search = { ...from, user_id, query: query === undefined ? null : foldCase(query), limit: limit + 1 };
  const own = ownRows(db, search);
  return toPage(mine ? own : merge(own, otherRows(db, search)), limit);
}

/** All that a sign-in is told of rooms, from one walk over the user's own; `mine`: nothing of others. */
export function roomsAtSignIn(db: Database, user_id: string, mine: boolean) {
  const search = { ...BEGINNING, user_id, query: null };
  const own = ownRows(db, { ...search, limit: Number.MAX_SAFE_INTEGER });
  const most = LIMITS.page_default + 1;
  const visible = () => merge(own.slice(0, most), otherRows(db, { ...search, limit: most }));
  return {
    memberships: own.map(({ id, seq }) => [id, seq] as const),
    rooms: toPage(own, LIMITS.page_max),
    visible: mine ? null : toPage(visible(), LIMITS.page_default),
  };
}
