import { z } from 'zod';
import { ErrorBody } from './answer.ts';
import type { Wording } from './errors.ts';
import { EXAMPLES } from './examples.ts';
import { Id, LogNumber, Message, Room, RoomType, Time, User } from './models.ts';
import type { EventName } from './names.ts';

/** One event: what it holds and who receives it. */
export interface EventDefinition<P extends z.ZodType = z.ZodType> {
  /** One line for people. */
  readonly summary: Wording;
  /** Who receives it, and when. */
  readonly to: string;
  /** The object that is sent. */
  readonly payload: P;
  /** A valid payload. */
  readonly example: z.input<P>;
}

const define = <P extends z.ZodType>(definition: EventDefinition<P>) => definition;

/** All events, server → client. */
export const EVENTS = {
  connect_response: define({
    summary: { en: 'You are signed in.', tr: 'Oturumunuz açıldı.' },
    to: 'The caller of `authenticate`, after its answer.',
    payload: z.object({ status: z.literal('success'), user: User, token: z.string(), epoch: z.string() }),
    example: EXAMPLES.events.connect_response,
  }),
  rooms_list: define({
    summary: { en: 'The rooms you may see.', tr: 'Görebildiğiniz odalar.' },
    to: 'The caller of `authenticate`, and of `get_rooms` without a callback. Always the first page.',
    payload: z.array(Room),
    example: EXAMPLES.events.rooms_list,
  }),
  room_created: define({
    summary: { en: 'There is a new room.', tr: 'Yeni bir oda var.' },
    to: 'Those who may see the room; with more than 500 users online, its creator alone.',
    payload: z.object({
      room_id: Id,
      name: z.string(),
      type: RoomType,
      is_password_protected: z.boolean(),
      created_by: Id,
      created_at: Time,
    }),
    example: EXAMPLES.events.room_created,
  }),
  room_deleted: define({
    summary: { en: 'A room is gone.', tr: 'Bir oda silindi.' },
    to: 'Its members. The last event of that room.',
    payload: z.object({ room_id: Id }),
    example: EXAMPLES.events.room_deleted,
  }),
  room_info: define({
    summary: { en: 'You are in this room now.', tr: 'Artık bu odadasınız.' },
    to:
      'The caller of `join_room` (`messages` is empty when the answer holds them); all connections of a new member, ' +
      'before any entry of that room.',
    payload: z.object({ room: Room, users: z.array(User), messages: z.array(Message) }),
    example: EXAMPLES.events.room_info,
  }),
  user_joined_room: define({
    summary: { en: 'Someone joined a room.', tr: 'Birisi odaya katıldı.' },
    to: 'The room.',
    payload: z.object({ user: User, room: Room, seq: LogNumber }),
    example: EXAMPLES.events.user_joined_room,
  }),
  user_left_room: define({
    summary: { en: 'Someone left a room.', tr: 'Birisi odadan ayrıldı.' },
    to: 'The room; for the one who leaves, on all connections, the last event of that room.',
    payload: z.object({ user_id: Id, username: z.string(), room_id: Id, seq: LogNumber }),
    example: EXAMPLES.events.user_left_room,
  }),
  message: define({
    summary: { en: 'A new message.', tr: 'Yeni mesaj.' },
    to: 'The room, the sender too.',
    payload: Message,
    example: EXAMPLES.events.message,
  }),
  message_updated: define({
    summary: { en: 'A message was edited.', tr: 'Bir mesaj düzenlendi.' },
    to: 'The room.',
    payload: Message,
    example: EXAMPLES.events.message_updated,
  }),
  message_deleted: define({
    summary: { en: 'A message was deleted.', tr: 'Bir mesaj silindi.' },
    to: 'The room.',
    payload: Message,
    example: EXAMPLES.events.message_deleted,
  }),
  typing_status: define({
    summary: { en: 'Someone is typing, or no longer.', tr: 'Birisi yazıyor ya da artık yazmıyor.' },
    to: 'The room but the sender. Not in the log: forget a typing user after 10 s.',
    payload: z.object({ user_id: Id, username: z.string(), room_id: Id, is_typing: z.boolean() }),
    example: EXAMPLES.events.typing_status,
  }),
  user_connected: define({
    summary: { en: 'Someone came online.', tr: 'Birisi çevrimiçi oldu.' },
    to: 'Others: everyone up to 500 users online, above that those who share a room of at most 200 online.',
    payload: z.object({ user: User }),
    example: EXAMPLES.events.user_connected,
  }),
  user_disconnected: define({
    summary: { en: 'Someone went offline.', tr: 'Birisi çevrimdışı oldu.' },
    to: 'As `user_connected`, 20 s after the last connection of the user ended.',
    payload: z.object({ user_id: Id, username: z.string() }),
    example: EXAMPLES.events.user_disconnected,
  }),
  server_closing: define({
    summary: {
      en: 'The server stops: come back after a while.',
      tr: 'Sunucu kapanıyor: biraz sonra yeniden bağlanın.',
    },
    to: 'Every connection of a server that is stopped, at its own turn; the connection then ends.',
    payload: z.object({
      retry_after_ms: z
        .int()
        .min(0)
        .meta({ description: 'How long to wait before connecting again; differs for each.' }),
    }),
    example: EXAMPLES.events.server_closing,
  }),
  error: define({
    summary: { en: 'A command without a callback was refused.', tr: 'Geri çağrısı olmayan bir komut reddedildi.' },
    to: 'The caller.',
    payload: ErrorBody.extend({ event: z.string().meta({ description: 'The name of the command.' }) }),
    example: EXAMPLES.events.error,
  }),
} as const satisfies Record<EventName, EventDefinition>;

/** What an event holds. */
export type EventPayload<E extends EventName> = z.output<(typeof EVENTS)[E]['payload']>;
