import { LIMITS } from '../../../protocol/limits.ts';
import { decodeCursor, type Page } from '../../models/cursor.ts';
import type { SeenRoom } from '../../models/room.ts';
import { foldCase } from '../../models/text.ts';
import { each, type Query, sql } from '../query.ts';
import { ROOM_COLUMNS, toRoom } from '../rows.ts';
import { type PageInput, toPage } from './pages.ts';
import { type FactsRow, membership } from './room-facts.ts';

/** A room in a list. */
interface ListedRow extends FactsRow {
  /** What its place in the list goes by. */
  readonly place: number;
}

/** Where in a list to begin, and how much of it: after the room of this place and id. */
interface Part {
  readonly user_id: string;
  readonly place: number;
  readonly id: string;
  readonly limit: number;
}

const BEGINNING = { place: Number.MAX_SAFE_INTEGER, id: '' };

/** Whether the name contains a text, in words that all engines know, with no sign that is a wildcard. */
const contains = (name_key: string) => `AND replace(${name_key}, ?, '') <> ${name_key}`;

const own = (filter: string) => `SELECT ${ROOM_COLUMNS}, r.active_at AS place, 1 AS member
  FROM members m JOIN rooms r ON r.id = m.room_id
  WHERE m.user_id = ? AND (r.active_at, r.id) < (?, ?) ${filter}
  ORDER BY r.active_at DESC, r.id DESC LIMIT ?`;
const OWN = own('');
const OWN_FOUND = own(contains('r.name_key'));

/** The rooms that the caller is no member of, in the order of the index `rooms_listed`, which `name` stands for. */
const others = ({ from, name, filter }: { from: string; name: string; filter: string }) => `
  SELECT ${ROOM_COLUMNS}, ${name}.listed_at AS place, 0 AS member FROM ${from}
  WHERE ${name}.listed_at IS NOT NULL AND (${name}.listed_at, ${name}.id) < (?, ?)
    AND ${membership(`${name}.id`)} IS NULL ${filter}
  ORDER BY ${name}.listed_at DESC, ${name}.id DESC LIMIT ?`;
const LISTED = others({ from: 'rooms r', name: 'r', filter: '' });
/** From the index alone up to the rooms that are found. */
const NEWEST = `(SELECT id, listed_at, name_key FROM rooms WHERE listed_at IS NOT NULL
  ORDER BY listed_at DESC, id DESC LIMIT ${LIMITS.search_rooms})`;
const LISTED_FOUND = others({
  from: `${NEWEST} n JOIN rooms r ON r.id = n.id`,
  name: 'n',
  filter: contains('n.name_key'),
});

/** What a list of rooms is asked with. */
export interface RoomListInput extends PageInput {
  readonly user_id: string;
  /** Only names that contain it, among the user's own and the `LIMITS.search_rooms` of newest activity of those listed. */
  readonly query: string | undefined;
  readonly mine: boolean;
}

/** The answers to {@link questionsOfList} or {@link questionsAtSignIn}: the user's own rooms, and those listed to others. */
export type ListAnswers = readonly [own: readonly ListedRow[], listed: readonly (readonly ListedRow[])[]];

/** Asks for a page of rooms: the caller's own, and unless `mine` those that are listed to all. */
export function questionsOfList(input: RoomListInput): [Query<ListedRow[]>, Query<ListedRow[][]>] {
  const { user_id, query, mine, after, limit } = input;
  const [place, id] = after === undefined ? [] : decodeCursor(after, ['number', 'string']);
  const from = after === undefined ? BEGINNING : { place: Number(place), id: String(id) };
  const part: Part = { ...from, user_id, limit: limit + 1 };
  if (query === undefined) return [ownRooms(part), listedRooms(part, mine)];
  const name = foldCase(query);
  return [
    sql<ListedRow>(OWN_FOUND, user_id, part.place, part.id, name, part.limit),
    each<ListedRow>(LISTED_FOUND, mine ? [] : [[part.place, part.id, user_id, name, part.limit]]),
  ];
}

/** Asks for all that a sign-in is told of rooms, from one walk over the user's own; `mine`: nothing of others. */
export function questionsAtSignIn(user_id: string, mine: boolean): [Query<ListedRow[]>, Query<ListedRow[][]>] {
  return [
    ownRooms({ ...BEGINNING, user_id, limit: Number.MAX_SAFE_INTEGER }),
    listedRooms({ ...BEGINNING, user_id, limit: LIMITS.page_default + 1 }, mine),
  ];
}

const ownRooms = ({ user_id, place, id, limit }: Part) => sql<ListedRow>(OWN, user_id, place, id, limit);

const listedRooms = ({ user_id, place, id, limit }: Part, mine: boolean) =>
  each<ListedRow>(LISTED, mine ? [] : [[place, id, user_id, limit]]);

/** The page that was asked for. */
export const listPage = ([own, listed]: ListAnswers, limit: number): Page<SeenRoom> =>
  roomPage(merge(own, listed.flat()), limit);

/** What a sign-in is told of rooms. */
export function roomsAtSignIn([own, listed]: ListAnswers, mine: boolean) {
  const visible = () => merge(own.slice(0, LIMITS.page_default + 1), listed.flat());
  return {
    memberships: own.map(({ id, seq }) => [id, seq] as const),
    rooms: roomPage(own, LIMITS.page_max),
    visible: mine ? null : roomPage(visible(), LIMITS.page_default),
  };
}

/** Two lists in one, each newest activity first; of rooms of the same place the one with the greater id. */
function merge(a: readonly ListedRow[], b: readonly ListedRow[]): readonly ListedRow[] {
  if (b.length === 0) return a;
  return [...a, ...b].sort((x, y) => y.place - x.place || (y.id < x.id ? -1 : 1));
}

function roomPage(rows: readonly ListedRow[], limit: number): Page<SeenRoom> {
  const item = (row: ListedRow) => ({ ...toRoom(row), member: row.member === 1 });
  return toPage(rows, { limit, item, keys: ({ place, id }) => [place, id] });
}
