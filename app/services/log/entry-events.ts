import { logEvent, membershipChange } from '../../models/message.ts';
import type { LogEntry } from '../../stores/store.ts';
import type { Outgoing } from '../connection.ts';
import type { Presence } from '../presence.ts';

/** The events that tell a room of one entry of its log, in order: the message, and who joined or left by it. */
export function entryEvents({ message, joined }: LogEntry, presence: Presence): Outgoing[] {
  const told: Outgoing = { event: logEvent(message), payload: message };
  const change = membershipChange(message);
  if (change === undefined) return [told];
  const { room_id, seq, username } = message;
  if ('left' in change) {
    return [
      told,
      {
        event: 'user_left_room',
        payload: { user_id: change.left, username, room_id, seq },
      },
    ];
  }
  if (joined === undefined) return [told];
  const payload = {
    user: presence.user(joined.user),
    room: presence.room({ ...joined.room, member: true }),
    seq,
  };
  return [told, { event: 'user_joined_room', payload }];
}
