import type { System } from '../../../protocol/message.ts';
import { systemContent } from '../../models/message.ts';
import { ERASED_USERNAME } from '../../models/user.ts';
import type { Wanted } from '../known-rows.ts';
import type { Row } from '../tables.ts';
import type { Tx } from '../tx.ts';
import { write } from '../write.ts';
import { revise } from './log.ts';

/** Lets one step at a time be done, on however many servers. */
export const ERASURES = 'erasures';

/** What an erasure is to do next, as the read `next` has found it. */
export type NextErasure =
  /** So many of a deleted room's messages, or when there are none so many of its memberships. */
  | { readonly kind: 'room'; readonly subject: string; readonly messages: number; readonly members: number }
  /** Messages by or about an erased user; `last` is the last that was looked at, null at the end. */
  | {
      readonly kind: 'user';
      readonly subject: string;
      readonly last: string | null;
      readonly looked: number;
      readonly messages: readonly { readonly id: string; readonly room_id: string }[];
    };

type NextOfUser = Extract<NextErasure, { kind: 'user' }>;
type NextOfRoom = Extract<NextErasure, { kind: 'room' }>;

/** Notes that something is to be erased step by step; `total` is about how many rows that concerns. Hold {@link ERASURES}. */
export function beginErasure(
  tx: Tx,
  { kind, subject, total }: Pick<Row<'erasures'>, 'kind' | 'subject' | 'total'>,
  at: number,
): void {
  if (tx.get('erasures', 'id', kind, subject) !== undefined) return;
  tx.insert('erasures', { kind, subject, begun_at: at, reached: 0, total, position: '' });
}

/** What is left of deleted rooms and erased users, removed step by step. It outlives a restart. */
export const erasureWrites = {
  /** Does a step, in one short transaction. */
  step: write({
    rooms: ({ next }: { readonly next: NextErasure; readonly at: number }) =>
      next.kind === 'room' ? [next.subject] : [...new Set(next.messages.map(({ room_id }) => room_id))],
    counters: () => [ERASURES],
    reads: ({ next }): Wanted[] => [
      ['erasures', 'id', next.kind, next.subject],
      ...(next.kind === 'room'
        ? [['rooms', 'id', next.subject] as const]
        : next.messages.flatMap(({ id, room_id }): Wanted[] => [
            ['messages', 'id', id],
            ['rooms', 'id', room_id],
          ])),
    ],
    run(tx, { next, at }): void {
      const erasure = tx.get('erasures', 'id', next.kind, next.subject);
      if (erasure === undefined) return;
      if (next.kind === 'room') eraseRoom(tx, erasure, next);
      else eraseUser(tx, { erasure, next, at });
    },
  }),
};

function eraseRoom(tx: Tx, erasure: Row<'erasures'>, { subject, messages, members }: NextOfRoom): void {
  // Of a room that is there nothing is removed, whatever led here.
  const gone = tx.get('rooms', 'id', subject) === undefined;
  if (!gone || messages + members === 0) {
    tx.delete('erasures', erasure);
    return;
  }
  tx.update('erasures', erasure, { reached: erasure.reached + (messages || members) });
  if (messages > 0) {
    const text = 'DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE room_id = ? LIMIT ?)';
    tx.run('messages', text, subject, messages);
  } else {
    const some = 'SELECT user_id FROM members WHERE room_id = ? LIMIT ?';
    const text = `DELETE FROM members WHERE room_id = ? AND user_id IN (${some})`;
    tx.run('members', text, subject, subject, members);
  }
}

function eraseUser(tx: Tx, { erasure, next, at }: { erasure: Row<'erasures'>; next: NextOfUser; at: number }): void {
  for (const { id } of next.messages) {
    const message = tx.get('messages', 'id', id);
    if (message === undefined) continue;
    const room = tx.get('rooms', 'id', message.room_id);
    if (room === undefined) tx.delete('messages', message);
    else eraseMessage(tx, { room, message, at });
  }
  if (next.last === null) tx.delete('erasures', erasure);
  else tx.update('erasures', erasure, { reached: erasure.reached + next.looked, position: next.last });
}

/**
 * A message of the user becomes a tombstone; a system message about the user loses the name. Each takes a number; what
 * was done before is left as it is.
 */
function eraseMessage(tx: Tx, about: { room: Row<'rooms'>; message: Row<'messages'>; at: number }): void {
  const { message, at } = about;
  if (message.username === ERASED_USERNAME && (message.system !== null || message.deleted_at !== null)) return;
  const erased = { username: ERASED_USERNAME, client_id: null };
  if (message.system === null) {
    revise(tx, about, { ...erased, content: '', deleted_at: message.deleted_at ?? at });
  } else {
    const system: System = { ...(JSON.parse(message.system) as System), username: ERASED_USERNAME };
    const columns = { system: JSON.stringify(system), content: systemContent(system), edited_at: at };
    revise(tx, about, { ...erased, ...columns });
  }
}
