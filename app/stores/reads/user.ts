import type { Page } from '../../models/cursor.ts';
import { decodeCursor } from '../../models/cursor.ts';
import { requireMember, type SeenRoom } from '../../models/room.ts';
import { foldCase } from '../../models/text.ts';
import { namesLike, type StoredUser } from '../../models/user.ts';
import { ask, each, sql } from '../query.ts';
import { read } from '../read.ts';
import { ACCOUNT_COLUMNS, type AccountRow, toUser } from '../rows.ts';
import { membersPage } from './members.ts';
import { type PageInput, toPage } from './pages.ts';
import { roomFacts, toFacts } from './room-facts.ts';
import { questionsAtSignIn, roomsAtSignIn } from './room-list.ts';

/** Identifies a token: its own id, and the generation of its user's tokens that it belongs to. */
export interface TokenIdentity {
  readonly user_id: string;
  readonly token_id: string;
  readonly generation: number;
}

/** Who signs in. */
export interface SessionInput {
  readonly user_id: string;
  /** Is checked when given. */
  readonly token: TokenIdentity | undefined;
  /** Whether only the user's own rooms are read. */
  readonly mine: boolean;
}

/** Everything a sign-in reads, in one snapshot. */
export interface SessionSnapshot {
  /** Undefined when there is no such user, or the token was revoked. */
  readonly user: StoredUser | undefined;
  /** The number that tokens made now must carry; raised when all tokens of the user are revoked. */
  readonly generation: number;
  /** Every room of the user, with the number of its newest entry. */
  readonly memberships: readonly (readonly [room_id: string, seq: number])[];
  /** The first 100 of the user's rooms, newest activity first. */
  readonly rooms: Page<SeenRoom>;
  /** The first page of all rooms that the user may see; null when only the user's own were asked for. */
  readonly visible: Page<SeenRoom> | null;
}

const NOBODY: SessionSnapshot = {
  user: undefined,
  generation: 0,
  memberships: [],
  rooms: { items: [], next: null },
  visible: null,
};

/** A user, and the generation of the tokens that are valid. */
type SessionRow = AccountRow & { readonly generation: number };

const ACCOUNT = `SELECT ${ACCOUNT_COLUMNS}, u.generation FROM users u WHERE u.id = ?`;
const REVOKED = 'SELECT token_id FROM revoked_tokens WHERE token_id = ?';
const HOLDER = 'SELECT id FROM users WHERE name_key = ?';
const NEWEST_SEEN = 'SELECT max(seen_at) AS at FROM users WHERE retired_at IS NULL';
const UNSEEN = 'SELECT id, username FROM users WHERE retired_at IS NULL AND seen_at < ? ORDER BY seen_at LIMIT ?';
const DEPARTING = 'SELECT user_id FROM departures WHERE user_id > ? ORDER BY user_id LIMIT ?';
const NEXT_DEPARTURE = `SELECT m.room_id FROM departures d JOIN members m ON m.user_id = d.user_id
  WHERE d.user_id = ? ORDER BY m.room_id LIMIT 1`;

/** What is read of users and their tokens. */
export const userReads = {
  /** A valid name that is like this one and free at the moment; undefined when a few looks found none. */
  freeNameLike: read(function* (username: string) {
    const names = namesLike(username);
    const [holders] = yield* ask(
      each<{ id: string }>(
        HOLDER,
        names.map((name) => [foldCase(name)]),
      ),
    );
    return names.find((_, i) => holders[i]?.length === 0);
  }),

  /** Reads what a sign-in answers. */
  session: read<SessionInput, SessionSnapshot>(function* ({ user_id, token, mine }) {
    const [[row], revoked, ...rooms] = yield* ask(
      sql<SessionRow>(ACCOUNT, user_id),
      each<{ token_id: string }>(REVOKED, token === undefined ? [] : [[token.token_id]]),
      ...questionsAtSignIn(user_id, mine),
    );
    if (row?.retired_at !== null) return NOBODY;
    if (token !== undefined && (token.generation !== row.generation || revoked.flat().length > 0)) return NOBODY;
    return { user: toUser(row), generation: row.generation, ...roomsAtSignIn(rooms, mine) };
  }),

  /** The retired users behind `after`, by id, who have not left all of their rooms yet. */
  departing: read(function* ({ after, limit }: { after: string; limit: number }) {
    const [rows] = yield* ask(sql<{ user_id: string }>(DEPARTING, after, limit));
    return rows.map(({ user_id }) => user_id);
  }),

  /** The room that a retired user must leave next, which may be gone; null when there is none. */
  nextDeparture: read(function* ({ user_id }: { user_id: string }) {
    const [[next]] = yield* ask(sql<{ room_id: string }>(NEXT_DEPARTURE, user_id));
    return next?.room_id ?? null;
  }),

  /** When any user who is not retired was last seen, in milliseconds since 1970; 0 when there is none. */
  newestSeen: read<void, number>(function* () {
    const [[newest]] = yield* ask(sql<{ at: number | null }>(NEWEST_SEEN));
    return newest?.at ?? 0;
  }),

  /** Some of the users who were last online before a time, and are not retired; the longest unseen first. */
  unseen: read(function* ({ before, limit }: { before: number; limit: number }) {
    const [rows] = yield* ask(sql<{ id: string; username: string }>(UNSEEN, before, limit));
    return rows;
  }),

  /** The members of a room, longest-standing first. Refuses `ROOM_NOT_FOUND`, `NOT_A_MEMBER`. */
  members: read(function* (input: PageInput & { room_id: string; user_id: string }) {
    const { room_id, limit } = input;
    const after = input.after === undefined ? 0 : Number(decodeCursor(input.after, ['number'])[0]);
    const [facts, rows] = yield* ask(roomFacts(input), membersPage({ room_id, after, limit: limit + 1 }));
    requireMember(toFacts(facts));
    return toPage(rows, { limit, item: toUser, keys: ({ joined_seq }) => [joined_seq] });
  }),
};
