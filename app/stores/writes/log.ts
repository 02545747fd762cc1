import type { System } from '../../../protocol/message.ts';
import { systemContent } from '../../models/message.ts';
import { listedAt, type RoomFacts } from '../../models/room.ts';
import type { Wanted } from '../known-rows.ts';
import { toMessage } from '../rows.ts';
import type { NewRow, Row } from '../tables.ts';
import type { Tx } from '../tx.ts';

/** The log of a room: every lasting change in it takes the room's next number, in the transaction that stores it. */

/** A message to store, before it has its place. */
type NewMessage = Omit<NewRow<'messages'>, 'room_id' | 'changed' | 'seq' | 'rev'>;

/** The rows that {@link roomFacts} looks at. */
export const inRoom = (room_id: string, user_id: string): Wanted[] => [
  ['rooms', 'id', room_id],
  ['members', 'id', room_id, user_id],
  ['users', 'id', user_id],
];

/**
 * What the rules look at. Who is retired leaves its rooms one after another, but is a member of nothing from then on.
 * Reads what {@link inRoom} names.
 */
export function roomFacts(tx: Tx, room_id: string, user_id: string): RoomFacts<Row<'rooms'>> {
  const room = tx.get('rooms', 'id', room_id);
  const member =
    room !== undefined &&
    tx.get('members', 'id', room_id, user_id) !== undefined &&
    tx.get('users', 'id', user_id)?.retired_at === null;
  return { room, member };
}

/**
 * Stores a new message as the room's next entry, and leaves the telling of it to the caller.
 * @param active_at when something was done in the room, in milliseconds since 1970; null when nothing was
 */
export function append(tx: Tx, room: Row<'rooms'>, message: NewMessage, active_at: number | null): Row<'messages'> {
  const seq = nextNumber(tx, room, active_at);
  return tx.insert('messages', { ...message, room_id: room.id, changed: 0, seq, rev: seq });
}

/** Stores a system message as the room's next entry; as {@link append}. */
export function appendSystem(
  tx: Tx,
  room: Row<'rooms'>,
  { message_id: id, at }: { readonly message_id: string; readonly at: number },
  about: { readonly system: System; readonly active_at: number | null },
): Row<'messages'> {
  const { system, active_at } = about;
  const { user_id, username } = system;
  const content = systemContent(system);
  const message = { id, user_id, username, content, timestamp: at, system: JSON.stringify(system) };
  return append(tx, room, message, active_at);
}

/** Changes a message; the change is the room's next entry, and is told. */
export function revise(
  tx: Tx,
  { room, message, at }: { room: Row<'rooms'>; message: Row<'messages'>; at: number },
  columns: Partial<Row<'messages'>>,
): void {
  const rev = nextNumber(tx, room, at);
  tx.update('messages', message, { ...columns, changed: 1, rev });
  tx.tell({ message: toMessage(message) });
}

function nextNumber(tx: Tx, room: Row<'rooms'>, at: number | null): number {
  const seq = room.seq + 1;
  const active_at = at === null ? null : tx.activity.next(room.active_at, at);
  if (active_at === null) tx.update('rooms', room, { seq });
  else tx.update('rooms', room, { seq, active_at, listed_at: listedAt({ ...room, active_at }) });
  return seq;
}
