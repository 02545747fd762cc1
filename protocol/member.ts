import { z } from 'zod';
import { command, event } from './define.ts';
import { Empty, HasMore, Id, LogNumber } from './fields.ts';
import { Message } from './message.ts';
import { Room } from './room.ts';
import { adaUser, can, canUser, garden, joined, message, room } from './story.ts';
import { User } from './user.ts';

/** The commands about who is in a room. */
export const COMMANDS = {
  join_room: command({
    summary: { en: 'Become a member of a room.', tr: 'Bir odaya üye olur.' },
    description:
      'Answers with the newest 50 messages and the first 100 users. Membership lasts until `leave_room`, across ' +
      'connections and restarts. For a member it is a plain read: no password is asked, nobody is told. Every entry ' +
      'above `room.seq` follows as an event, after the answer. `NOT_A_MEMBER`: the membership ended while it was read. Fewer ' +
      'messages come where 50 would not fit in an answer; `has_more` says that there are older ones, for `get_messages` ' +
      'with `before`.',
    payload: z.strictObject({ room_id: Id, password: z.string().max(1024).optional() }),
    result: z.object({
      room: Room,
      users: z.array(User).meta({ description: 'The first 100 members, longest-standing first.' }),
      messages: z.array(Message).meta({ description: 'Oldest first.' }),
      has_more: HasMore.meta({ description: 'Whether there are older messages.' }),
    }),
    needs: 'signed in',
    longAnswer: true,
    rates: ['joins', 'message_bytes'],
    errors: ['NOT_A_MEMBER', 'WRONG_PASSWORD', 'LIMIT_REACHED'],
    causes: ['room_info', 'user_joined_room', 'message'],
    example: {
      payload: { room_id: garden },
      result: { room, users: [adaUser, canUser], messages: [joined, message], has_more: false },
    },
  }),

  leave_room: command({
    summary: { en: 'End the membership of a room.', tr: 'Oda üyeliğini bitirir.' },
    description:
      'When the owner leaves, the room passes to its longest-standing member. A room without members is kept, with ' +
      'its history.',
    payload: z.strictObject({ room_id: Id }),
    result: Empty,
    needs: 'member',
    rates: ['joins'],
    errors: [],
    causes: ['message', 'user_left_room'],
    example: { payload: { room_id: garden }, result: {} },
  }),

  add_member: command({
    summary: { en: 'Make a user a member of your room.', tr: 'Bir kullanıcıyı odanıza üye yapar.' },
    description: 'For the owner. Adding a member again answers ok and changes nothing.',
    payload: z.strictObject({ room_id: Id, user_id: Id }),
    result: Empty,
    needs: 'member',
    rates: ['joins', 'message_bytes', 'additions'],
    errors: ['FORBIDDEN', 'LIMIT_REACHED'],
    causes: ['room_info', 'user_joined_room', 'message'],
    example: { payload: { room_id: garden, user_id: can }, result: {} },
  }),

  remove_member: command({
    summary: { en: 'End a user’s membership of your room.', tr: 'Bir kullanıcının oda üyeliğini bitirir.' },
    description:
      'For the owner, who leaves with `leave_room` instead. Someone who is no member: `USER_NOT_FOUND`; oneself: `INVALID_INPUT`.',
    payload: z.strictObject({ room_id: Id, user_id: Id }),
    result: Empty,
    needs: 'member',
    rates: ['joins'],
    errors: ['FORBIDDEN'],
    causes: ['message', 'user_left_room'],
    example: { payload: { room_id: garden, user_id: can }, result: {} },
  }),
};

/** The events about who is in a room. */
export const EVENTS = {
  room_info: event({
    summary: { en: 'You are in this room now.', tr: 'Artık bu odadasınız.' },
    to:
      'The caller of `join_room` (with an acknowledgement `messages` is empty, since the answer holds them); all ' +
      'connections of who has made a room; all connections of a new member, before any entry of that room above ' +
      '`room.seq`.',
    payload: z.object({ room: Room, users: z.array(User), messages: z.array(Message) }),
    example: { room, users: [adaUser, canUser], messages: [] },
  }),

  user_joined_room: event({
    summary: { en: 'Someone joined a room.', tr: 'Birisi odaya katıldı.' },
    to: 'The room, right after the system message of that number.',
    payload: z.object({ user: User, room: Room, seq: LogNumber }),
    example: { user: canUser, room: { ...room, seq: 2 }, seq: 2 },
  }),

  user_left_room: event({
    summary: { en: 'Someone left a room.', tr: 'Birisi odadan ayrıldı.' },
    to:
      'The room, right after the system message of that number; for the one who leaves, on all connections, the last ' +
      'event of that room.',
    payload: z.object({ user_id: Id, username: z.string(), room_id: Id, seq: LogNumber }),
    example: { user_id: can, username: 'can', room_id: garden, seq: 6 },
  }),
};
