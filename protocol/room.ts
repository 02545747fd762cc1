import { z } from 'zod';
import { command, event } from './define.ts';
import { saying } from './fault.ts';
import { ClientId, Cursor, Id, Limit, LogNumber, Next, Password, Time, text } from './fields.ts';
import { LIMITS } from './limits.ts';
import { ada, garden, room } from './story.ts';
import { WRONG } from './words.ts';

/** Whether everyone may join a room. */
export const RoomType = z.enum(['public', 'private']);

/** A room as its members, and those who may see it in lists, see it. */
export const Room = z
  .object({
    id: Id,
    name: z.string(),
    type: RoomType,
    is_password_protected: z.boolean(),
    created_by: Id.meta({ description: 'The user who made the room.' }),
    owner_id: Id.nullable().meta({
      description:
        'The member who may add and remove members; null when nobody is left, and to who is no member of a private room.',
    }),
    created_at: Time,
    user_count: z.int().min(0).meta({ description: 'How many members the room has.' }),
    online_count: z
      .int()
      .min(0)
      .meta({ description: 'How many of them are online; 0 to who is no member of a private room.' }),
    seq: LogNumber.meta({
      description: "The number of the newest entry of the room's log; 0 to who is no member of a private room.",
    }),
  })
  .meta({ id: 'Room', description: 'A room.' });

/** See the schema of the same name. */
export type RoomType = z.infer<typeof RoomType>;
/** See the schema of the same name. */
export type Room = z.infer<typeof Room>;

/** The commands about rooms. */
export const COMMANDS = {
  create_room: command({
    summary: { en: 'Make a room.', tr: 'Oda kurar.' },
    description:
      'The creator is the first member and the owner. Public: anyone may join, and a `password` is `INVALID_INPUT`. ' +
      'Private with a password: listed, joined with the password. Private without: joined by `add_member` only, and ' +
      'listed to its members only.',
    payload: z
      .strictObject({
        name: text({ min: 1, max: LIMITS.room_name_max * 2, told: LIMITS.room_name_max }).meta({
          description: `1 to ${LIMITS.room_name_max} characters after trimming.`,
        }),
        type: RoomType.default('public'),
        password: Password.optional(),
        client_id: ClientId.optional(),
      })
      .refine((value) => value.type === 'private' || value.password === undefined, {
        ...saying(WRONG.publicRoom),
        path: ['password'],
      }),
    result: z.object({
      room: Room,
      duplicate: z.literal(true).optional().meta({ description: 'This `client_id` had made this room before.' }),
    }),
    needs: 'signed in',
    idempotent: 'client_id',
    rates: ['room_creations', 'message_bytes'],
    errors: ['LIMIT_REACHED'],
    causes: ['room_created', 'room_info'],
    example: {
      payload: { name: 'garden', type: 'public' as const },
      result: { room: { ...room, user_count: 1, online_count: 1, seq: 1 } },
    },
  }),

  get_rooms: command({
    summary: { en: 'List or search the rooms you may see.', tr: 'Görebildiğiniz odaları listeler ya da arar.' },
    description:
      'Newest activity first. `query` finds names that contain it, without regard to case, among your own rooms and ' +
      `the ${LIMITS.search_rooms} listed ones of newest activity; \`mine\` gives only rooms you are a member of. ` +
      'With no callback the first page comes as the event `rooms_list`.',
    payload: z.strictObject({
      query: text({ min: 1, max: LIMITS.room_name_max }).optional(),
      mine: z.boolean().default(false),
      after: Cursor.optional(),
      limit: Limit,
    }),
    result: z.object({ rooms: z.array(Room), next: Next }),
    needs: 'signed in',
    longAnswer: true,
    rates: ['reads', 'address_reads'],
    errors: [],
    causes: ['rooms_list'],
    example: { payload: { query: 'gar', limit: 20 }, result: { rooms: [room], next: null } },
  }),
};

/** The events about rooms. */
export const EVENTS = {
  rooms_list: event({
    summary: { en: 'The rooms you may see.', tr: 'Görebildiğiniz odalar.' },
    to:
      'The caller of `authenticate`, unless its `client` wants only its own rooms, and of `get_rooms` without a ' +
      'callback. Always a first page.',
    payload: z.array(Room),
    example: [room],
  }),

  room_created: event({
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
    example: {
      room_id: garden,
      name: 'garden',
      type: 'public' as const,
      is_password_protected: false,
      created_by: ada,
      created_at: '2026-11-22T09:30:05.000Z',
    },
  }),

  room_deleted: event({
    summary: { en: 'A room is gone.', tr: 'Bir oda silindi.' },
    to: 'Its members, when the operator has deleted it. The last event of that room.',
    payload: z.object({ room_id: Id }),
    example: { room_id: garden },
  }),
};
