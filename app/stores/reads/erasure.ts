import { ask, sql } from '../query.ts';
import { read } from '../read.ts';
import type { Row } from '../tables.ts';
import type { NextErasure } from '../writes/erasure.ts';
import { type PartEnd, partEnd, partOf } from './walk.ts';

/** So many rows of a room are removed in one step. */
const ROWS_REMOVED = 500;
/** So many messages are changed in one step: each is told to the members of its room. */
const ROWS_CHANGED = 100;
/** So many are looked through in one step. */
const ROWS_SCANNED = 4_000;

/** The oldest; a user who has not left all rooms yet may still say something. */
const NEXT = `SELECT e.kind, e.subject, e.position FROM erasures e
  WHERE e.kind = 'room' OR (SELECT 1 FROM departures d WHERE d.user_id = e.subject) IS NULL
  ORDER BY e.begun_at, e.subject LIMIT 1`;

const MESSAGES_OF_ROOM = `SELECT count(*) AS count
  FROM (SELECT id FROM messages WHERE room_id = ? LIMIT ${ROWS_REMOVED}) m`;
const MEMBERS_OF_ROOM = `SELECT count(*) AS count
  FROM (SELECT user_id FROM members WHERE room_id = ? LIMIT ${ROWS_REMOVED}) m`;

/** `place`: the how many-th of those that are looked at. */
const MESSAGES_OF_USER = `SELECT id, room_id, place
  FROM (SELECT m.*, row_number() OVER (ORDER BY id) AS place FROM ${partOf('room_id, user_id')}) n
  WHERE user_id = ? ORDER BY id LIMIT ${ROWS_CHANGED}`;

interface FoundRow {
  readonly id: string;
  readonly room_id: string;
  readonly place: number;
}

/** What is read about erasures. */
export const erasureReads = {
  /** What the next step is about; null when there is nothing that can be removed now. */
  next: read<void, NextErasure | null>(function* () {
    const [[erasure]] = yield* ask(sql<Pick<Row<'erasures'>, 'kind' | 'subject' | 'position'>>(NEXT));
    if (erasure === undefined) return null;
    const { kind, subject, position: after } = erasure;
    if (kind === 'room') {
      const [[messages], [members]] = yield* ask(
        sql<{ count: number }>(MESSAGES_OF_ROOM, subject),
        sql<{ count: number }>(MEMBERS_OF_ROOM, subject),
      );
      return { kind, subject, messages: messages?.count ?? 0, members: members?.count ?? 0 };
    }
    const [[end], found] = yield* ask(
      partEnd({ after, rows: ROWS_SCANNED }),
      sql<FoundRow>(MESSAGES_OF_USER, after, ROWS_SCANNED, subject),
    );
    const messages = found.map(({ id, room_id }) => ({ id, room_id }));
    return { kind, subject, ...lookedAt(found, end), messages };
  }),
};

/** How far the messages were looked at: to the last of those that are changed, or else as far as was looked. */
function lookedAt(found: readonly FoundRow[], end: PartEnd | undefined): { last: string | null; looked: number } {
  const full = found[ROWS_CHANGED - 1];
  if (full !== undefined) return { last: full.id, looked: full.place };
  return { last: end?.last ?? null, looked: end?.looked ?? 0 };
}
