import { isoTime } from '../../models/time.ts';
import { ask, sql } from '../query.ts';
import { read } from '../read.ts';
import { ROOM_COLUMNS, type RoomRow, toRoom } from '../rows.ts';
import type { Row } from '../tables.ts';
import { idBefore, type PageInput, pageById } from './pages.ts';
import { nextPart, partEnd, partOf, type Walk } from './walk.ts';

/** Someone who was not seen for long. */
export interface StaleUser {
  readonly id: string;
  readonly username: string;
  /** ISO 8601. */
  readonly last_seen: string;
  readonly retired: boolean;
}

/** `before`: milliseconds since 1970. */
type SinceInput = PageInput & { readonly before: number };

type StaleRow = Pick<Row<'users'>, 'id' | 'username' | 'seen_at' | 'retired_at'>;

const STALE = `SELECT id, username, seen_at, retired_at FROM users
  WHERE id > ? AND seen_at < ? AND (retired_at IS NULL OR retired_at < ?) ORDER BY id LIMIT ?`;

const DELETED = "SELECT subject FROM erasures WHERE kind = 'room' ORDER BY begun_at, subject";

/**
 * `active_at` goes back with a clock that is behind when the server starts, the times of messages do not. That somebody is
 * gone may be pruning's own work.
 */
const UNUSED = `SELECT ${ROOM_COLUMNS} FROM rooms r WHERE r.id > ? AND r.active_at < ?
  AND NOT EXISTS (SELECT 1 FROM members m JOIN users u ON u.id = m.user_id
                  WHERE m.room_id = r.id AND u.retired_at IS NULL AND u.seen_at >= ?)
  AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.room_id = r.id AND m.changed = 0 AND m.rev > r.seq - 100
                  AND m.timestamp >= ? AND (m.system IS NULL OR replace(m.system, '"user_left"', '') = m.system))
  ORDER BY r.id LIMIT ?`;

const AUTHORS = `SELECT DISTINCT user_id FROM ${partOf('user_id, system')} WHERE system IS NULL`;

/** What is read to find what nobody uses any more. */
export const pruneReads = {
  /** Users who were not seen since a time, nor retired since then. */
  staleUsers: read(function* ({ before, after, limit }: SinceInput) {
    const [rows] = yield* ask(sql<StaleRow>(STALE, idBefore(after), before, before, limit + 1));
    return pageById(rows, limit, toStaleUser);
  }),

  /** Rooms that were not active since a time, and whose members, if any, are retired or were not seen since then. */
  unusedRooms: read(function* ({ before, after, limit }: SinceInput) {
    const [rows] = yield* ask(sql<RoomRow>(UNUSED, idBefore(after), before, before, before, limit + 1));
    return pageById(rows, limit, toRoom);
  }),

  /** Deleted rooms of which something is left, since that was interrupted or is under way. */
  deletedRooms: read<void, string[]>(function* () {
    const [rows] = yield* ask(sql<{ subject: string }>(DELETED));
    return rows.map(({ subject }) => subject);
  }),

  /** Who wrote the next of all messages. */
  authors: read(function* (input: Walk) {
    const [end, authors] = yield* ask(partEnd(input), sql<{ user_id: string }>(AUTHORS, input.after, input.rows));
    return { user_ids: authors.map(({ user_id }) => user_id), next: nextPart(end, input) };
  }),
};

const toStaleUser = ({ id, username, seen_at, retired_at }: StaleRow): StaleUser => ({
  id,
  username,
  last_seen: isoTime(seen_at),
  retired: retired_at !== null,
});
