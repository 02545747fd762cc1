import { foldCase } from '../../models/text.ts';
import { ask, sql } from '../query.ts';
import { read } from '../read.ts';
import {
  MESSAGE_COLUMNS,
  type MessageRow,
  ROOM_COLUMNS,
  type RoomRow,
  toMessage,
  toRoom,
  toUser,
  USER_COLUMNS,
  type UserRow,
} from '../rows.ts';
import type { Row } from '../tables.ts';
import { idBefore, type PageInput, pageById } from './pages.ts';
import { nextPart, partEnd, partOf, type Walk } from './walk.ts';

/** A room that was deleted, or a user who was erased. */
export interface Erased {
  readonly kind: 'room' | 'user';
  readonly id: string;
}

/** Names that contain the query are wanted. */
type SearchInput = PageInput & { readonly query: string | undefined };

const ROOMS = `SELECT ${ROOM_COLUMNS} FROM rooms r WHERE r.id > ? ORDER BY r.id LIMIT ?`;
const ROOMS_FOUND = `SELECT ${ROOM_COLUMNS} FROM rooms r
  WHERE r.id > ? AND replace(r.name_key, ?, '') <> r.name_key ORDER BY r.id LIMIT ?`;
const USERS = `SELECT ${USER_COLUMNS} FROM users u WHERE u.id > ? ORDER BY u.id LIMIT ?`;
/** Who has no name_key has a name all the same, which nothing holds for them any more. */
const USERS_FOUND = `SELECT ${USER_COLUMNS} FROM users u
  WHERE u.id > ? AND (u.name_key IS NULL OR replace(u.name_key, ?, '') <> u.name_key) ORDER BY u.id LIMIT ?`;
const USER = `SELECT ${USER_COLUMNS} FROM users u WHERE u.id = ?`;
const MEMBERSHIPS = `SELECT r.id AS room_id, r.name, m.joined_seq FROM members m JOIN rooms r ON r.id = m.room_id
  WHERE m.user_id = ? ORDER BY r.id`;
const MESSAGES = 'SELECT count(*) AS count FROM messages';
const MESSAGES_OF = `SELECT ${MESSAGE_COLUMNS} FROM ${partOf(MESSAGE_COLUMNS.replace(/^id, /, ''))}
  WHERE user_id = ? AND system IS NULL ORDER BY id`;
const ABOUT = `SELECT id FROM ${partOf('user_id')} WHERE user_id = ? LIMIT 1`;
const ERASURE = 'SELECT reached, total FROM erasures WHERE kind = ? AND subject = ?';

/** The values of a question about names, without a text to look for if it is empty: that is in every name. */
const search = ({ after, query = '', limit }: SearchInput) => ({
  from: idBefore(after),
  query: foldCase(query),
  limit: limit + 1,
});

/** What the command-line tools read. Long work goes in steps, so that a running server goes on. */
export const adminReads = {
  /** All rooms, in the order they were made; `query` finds names that contain it. */
  rooms: read(function* (input: SearchInput) {
    const { from, query, limit } = search(input);
    const question = query === '' ? sql<RoomRow>(ROOMS, from, limit) : sql<RoomRow>(ROOMS_FOUND, from, query, limit);
    const [rows] = yield* ask(question);
    return pageById(rows, input.limit, toRoom);
  }),

  /** All users, in the order they came; `query` finds names that contain it. */
  users: read(function* (input: SearchInput) {
    const { from, query, limit } = search(input);
    const question = query === '' ? sql<UserRow>(USERS, from, limit) : sql<UserRow>(USERS_FOUND, from, query, limit);
    const [rows] = yield* ask(question);
    const { items, next } = pageById(rows, input.limit, toUser);
    return { items: items.filter(({ username }) => foldCase(username).includes(query)), next };
  }),

  /** The user of this id. */
  user: read(function* ({ user_id }: { user_id: string }) {
    const [[row]] = yield* ask(sql<UserRow>(USER, user_id));
    return row && toUser(row);
  }),

  /** The rooms that a user is a member of. */
  memberships: read(function* ({ user_id }: { user_id: string }) {
    const [rows] = yield* ask(sql<{ room_id: string; name: string; joined_seq: number }>(MEMBERSHIPS, user_id));
    return rows;
  }),

  /** How many messages the database holds. */
  countMessages: read<void, number>(function* () {
    const [[messages]] = yield* ask(sql<{ count: number }>(MESSAGES));
    return messages?.count ?? 0;
  }),

  /** A user's own messages among the next of all, in the order of their ids. */
  messagesOf: read(function* (input: Walk & { user_id: string }) {
    const { user_id, after, rows } = input;
    const [end, own] = yield* ask(partEnd(input), sql<MessageRow>(MESSAGES_OF, after, rows, user_id));
    return { messages: own.map(toMessage), next: nextPart(end, input) };
  }),

  /** Whether there is such a user, or one of the next of all messages is by one or about one. */
  tellsOf: read(function* (input: Walk & { user_id: string }) {
    const { user_id, after, rows } = input;
    const [end, user, messages] = yield* ask(partEnd(input), sql(USER, user_id), sql(ABOUT, after, rows, user_id));
    return { tells: user.length > 0 || messages.length > 0, next: nextPart(end, input) };
  }),

  /** How far the erasing of something is; undefined when nothing is left to do. */
  erasure: read(function* ({ kind, id }: Erased) {
    const [[row]] = yield* ask(sql<Pick<Row<'erasures'>, 'reached' | 'total'>>(ERASURE, kind, id));
    return row && { reached: Math.min(row.reached, row.total), total: row.total };
  }),
};
