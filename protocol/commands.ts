import { z } from 'zod';
import { isBlank } from './blank.ts';
import { type Command, define } from './define.ts';
import { ERROR_CODES } from './errors.ts';
import { EXAMPLES } from './examples.ts';
import { saying } from './fault.ts';
import { LIMITS } from './limits.ts';
import { Id, LogNumber, Message, Room, RoomType, text, User } from './models.ts';
import type { CommandName } from './names.ts';
import { WRONG } from './words.ts';

const Empty = z.strictObject({});
const Content = text({ min: 1, max: LIMITS.content_max }).refine((value) => !isBlank(value), saying(WRONG.blank));
const Password = text({ min: LIMITS.password_min, max: LIMITS.password_max });
const ClientId = text({ min: 1, max: LIMITS.client_id_max }).meta({
  description: "The sender's own key, best a UUID: a repeat with the same key gives the first one back.",
});
const Cursor = z.string().max(512).meta({ description: '`next` of the page before; opaque.' });
const Next = z.string().nullable().meta({ description: 'Give it as `after` for the next page; null at the end.' });
const Limit = z.int().min(1).max(LIMITS.page_max).default(LIMITS.page_default);
const Messages = z.array(Message).meta({ description: 'Oldest first.' });
const HasMore = z.boolean().meta({ description: 'Whether there are more beyond this page.' });

/** All commands, client → server. */
export const COMMANDS = {
  authenticate: define({
    summary: {
      en: 'Sign in as a guest with a name, or come back with a token.',
      tr: 'Bir adla konuk olarak oturum açar ya da belirteçle geri döner.',
    },
    description:
      'Exactly one of `username` and `token`. A guest gets a signed token, good for a year from its last use; a ' +
      'connection with it is the same user, with the same rooms. A returning user whose name was taken meanwhile ' +
      'gets a free one. The same fields may be sent as the `auth` of the handshake. A second sign-in on one ' +
      'connection is `FORBIDDEN`. After the answer the connection receives the events of all rooms of the user.',
    payload: z
      .strictObject({
        username: text({ min: LIMITS.username_min, max: 256, told: LIMITS.username_max })
          .optional()
          .meta({
            description: `${LIMITS.username_min} to ${LIMITS.username_max} characters after NFKC and trimming.`,
          }),
        token: z.string().max(4096).optional(),
      })
      .refine((value) => (value.username === undefined) !== (value.token === undefined), {
        ...saying(WRONG.oneOfTwo),
        path: ['username'],
      }),
    result: z.object({
      user: User,
      token: z.string().meta({ description: 'Keep it: it is how this user comes back.' }),
      epoch: z.string().meta({ description: 'Identifies the history; another one means: start afresh.' }),
      rooms: z.array(Room).meta({ description: "The user's rooms, newest activity first, at most 100." }),
      rooms_next: Next.meta({ description: 'For `get_rooms` with `mine: true`, when there are more.' }),
      server: z.object({
        protocol: z.int(),
        features: z.array(z.string()).meta({ description: 'Optional features that all nodes have.' }),
        limits: z.record(z.string(), z.number()),
      }),
    }),
    caller: 'anyone',
    rates: ['sign_ins', 'guests'],
    errors: ['INVALID_TOKEN', 'USERNAME_TAKEN', 'FORBIDDEN'],
    causes: ['connect_response', 'rooms_list', 'user_connected'],
    example: EXAMPLES.commands.authenticate,
  }),

  sign_out: define({
    summary: {
      en: 'Revoke this token, or all of the user’s tokens; a guest is gone for good.',
      tr: 'Bu belirteci ya da kullanıcının tüm belirteçlerini geçersiz kılar; konuk bir daha dönemez.',
    },
    description:
      'The token (with `everywhere`, each token of the user) is revoked and its connections end. A guest has one token, ' +
      'so it can never come back: it is offline at once, leaves its rooms, and its name is free. Its messages stay.',
    payload: z.strictObject({ everywhere: z.boolean().default(false) }),
    result: Empty,
    caller: 'signed in',
    rates: [],
    errors: [],
    causes: ['user_disconnected', 'message', 'user_left_room'],
    example: EXAMPLES.commands.sign_out,
  }),

  create_room: define({
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
    caller: 'signed in',
    rates: ['room_creations', 'message_bytes'],
    errors: ['LIMIT_REACHED'],
    causes: ['room_created', 'room_info'],
    example: EXAMPLES.commands.create_room,
  }),

  join_room: define({
    summary: { en: 'Become a member of a room.', tr: 'Bir odaya üye olur.' },
    description:
      'Answers with the newest 50 messages and the first 100 users. Membership lasts until `leave_room`, across ' +
      'connections and restarts. For a member it is a plain read: no password is asked, nobody is told. Every entry ' +
      'above `room.seq` follows as an event, after the answer. `NOT_A_MEMBER`: the membership ended while it was read.',
    payload: z.strictObject({ room_id: Id, password: z.string().max(1024).optional() }),
    result: z.object({
      room: Room,
      users: z.array(User).meta({ description: 'The first 100 members, longest-standing first.' }),
      messages: Messages,
      has_more: HasMore.meta({ description: 'Whether there are older messages.' }),
    }),
    caller: 'signed in',
    rates: ['joins', 'message_bytes'],
    errors: ['ROOM_NOT_FOUND', 'NOT_A_MEMBER', 'WRONG_PASSWORD', 'LIMIT_REACHED'],
    causes: ['room_info', 'user_joined_room', 'message'],
    example: EXAMPLES.commands.join_room,
  }),

  leave_room: define({
    summary: { en: 'End the membership of a room.', tr: 'Oda üyeliğini bitirir.' },
    description:
      'When the owner leaves, the room passes to its longest-standing member. A room without members is kept, with ' +
      'its history.',
    payload: z.strictObject({ room_id: Id }),
    result: Empty,
    caller: 'signed in',
    rates: ['joins'],
    errors: ['ROOM_NOT_FOUND', 'NOT_A_MEMBER'],
    causes: ['message', 'user_left_room'],
    example: EXAMPLES.commands.leave_room,
  }),

  add_member: define({
    summary: { en: 'Make a user a member of your room.', tr: 'Bir kullanıcıyı odanıza üye yapar.' },
    description: 'For the owner. Adding a member again answers ok and changes nothing.',
    payload: z.strictObject({ room_id: Id, user_id: Id }),
    result: Empty,
    caller: 'signed in',
    rates: ['joins', 'message_bytes', 'additions'],
    errors: ['ROOM_NOT_FOUND', 'NOT_A_MEMBER', 'FORBIDDEN', 'USER_NOT_FOUND', 'LIMIT_REACHED'],
    causes: ['room_info', 'user_joined_room', 'message'],
    example: EXAMPLES.commands.add_member,
  }),

  remove_member: define({
    summary: { en: 'End a user’s membership of your room.', tr: 'Bir kullanıcının oda üyeliğini bitirir.' },
    description: 'For the owner, who leaves with `leave_room` instead. Someone who is no member: `USER_NOT_FOUND`.',
    payload: z.strictObject({ room_id: Id, user_id: Id }),
    result: Empty,
    caller: 'signed in',
    rates: ['joins'],
    errors: ['ROOM_NOT_FOUND', 'NOT_A_MEMBER', 'FORBIDDEN', 'USER_NOT_FOUND'],
    causes: ['message', 'user_left_room'],
    example: EXAMPLES.commands.remove_member,
  }),

  get_rooms: define({
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
    caller: 'signed in',
    rates: ['reads', 'address_reads'],
    errors: [],
    causes: ['rooms_list'],
    example: EXAMPLES.commands.get_rooms,
  }),

  get_users: define({
    summary: {
      en: 'List the members of a room, or who is online.',
      tr: 'Oda üyelerini ya da çevrimiçi olanları listeler.',
    },
    description: 'With `room_id` the members, longest-standing first; without it everyone who is online.',
    payload: z.strictObject({ room_id: Id.optional(), after: Cursor.optional(), limit: Limit }),
    result: z.object({ users: z.array(User), next: Next }),
    caller: 'signed in',
    rates: ['reads', 'address_reads'],
    errors: ['ROOM_NOT_FOUND', 'NOT_A_MEMBER'],
    causes: [],
    example: EXAMPLES.commands.get_users,
  }),

  send_message: define({
    summary: { en: 'Say something in a room.', tr: 'Odaya mesaj yazar.' },
    description:
      'The acknowledgement means that the message is on disk. With a `client_id` it is safe to repeat: the same user, ' +
      'room and `client_id` always give the first message back, with `duplicate: true`, for as long as it exists.',
    payload: z.strictObject({ room_id: Id, content: Content, client_id: ClientId.optional() }),
    result: z.object({ message: Message, duplicate: z.literal(true).optional() }),
    caller: 'signed in',
    rates: ['messages', 'message_bytes'],
    errors: ['ROOM_NOT_FOUND', 'NOT_A_MEMBER'],
    causes: ['message'],
    example: EXAMPLES.commands.send_message,
  }),

  update_message: define({
    summary: { en: 'Change what you said.', tr: 'Kendi mesajınızı düzenler.' },
    description:
      'For the author, while a member. The same content again answers ok and takes no number. A deleted message is ' +
      '`MESSAGE_NOT_FOUND`, a system message or someone else’s `FORBIDDEN`.',
    payload: z.strictObject({ message_id: Id, content: Content }),
    result: z.object({ message: Message }),
    caller: 'signed in',
    rates: ['changes', 'message_bytes'],
    errors: ['MESSAGE_NOT_FOUND', 'NOT_A_MEMBER', 'FORBIDDEN'],
    causes: ['message_updated'],
    example: EXAMPLES.commands.update_message,
  }),

  delete_message: define({
    summary: { en: 'Take back what you said.', tr: 'Kendi mesajınızı siler.' },
    description:
      'For the author, while a member. A tombstone stays in its place. Deleting it again answers ok and takes no number.',
    payload: z.strictObject({ message_id: Id }),
    result: z.object({ message: Message }),
    caller: 'signed in',
    rates: ['changes'],
    errors: ['MESSAGE_NOT_FOUND', 'NOT_A_MEMBER', 'FORBIDDEN'],
    causes: ['message_deleted'],
    example: EXAMPLES.commands.delete_message,
  }),

  get_messages: define({
    summary: { en: 'Read the history of a room.', tr: 'Oda geçmişini okur.' },
    description:
      'Oldest first. `before` and `after` are `seq` numbers, exclusive, not both; neither gives the newest. Members ' +
      'read the whole history.',
    payload: z
      .strictObject({
        room_id: Id,
        before: LogNumber.optional(),
        after: LogNumber.optional(),
        limit: Limit,
      })
      .refine((value) => value.before === undefined || value.after === undefined, {
        ...saying(WRONG.both),
        path: ['after'],
      }),
    result: z.object({ messages: Messages, has_more: HasMore }),
    caller: 'signed in',
    rates: ['reads', 'address_reads'],
    errors: ['ROOM_NOT_FOUND', 'NOT_A_MEMBER'],
    causes: [],
    example: EXAMPLES.commands.get_messages,
  }),

  sync: define({
    summary: { en: 'Catch up on what was missed.', tr: 'Kaçırılan değişiklikleri getirir.' },
    description:
      'Each message whose `rev` is above the given number, in order of `rev`, at most 300 a room. Rooms are filled in ' +
      'the order asked; those that no longer fit come with no messages and `has_more: true`. `reset: true` (another ' +
      "epoch, or a number above the head) means: drop that room's state and `join_room`. One at a time a connection.",
    payload: z.strictObject({
      epoch: z.string().max(64),
      rooms: z.array(z.strictObject({ room_id: Id, seq: LogNumber })).max(LIMITS.sync_rooms),
    }),
    result: z.object({
      epoch: z.string(),
      rooms: z.array(
        z.union([
          z.object({ room_id: Id, head: LogNumber, messages: z.array(Message), has_more: HasMore, reset: z.boolean() }),
          z.object({ room_id: Id, error: z.enum(ERROR_CODES) }),
        ]),
      ),
    }),
    caller: 'signed in',
    rates: ['syncs', 'address_syncs'],
    errors: [],
    causes: [],
    example: EXAMPLES.commands.sync,
  }),

  typing_status: define({
    summary: { en: 'Tell a room that you are typing, or no longer.', tr: 'Odaya yazmakta olduğunuzu bildirir.' },
    description: '`is_typing: true` lapses after 8 s, and when the user sends, leaves or disconnects.',
    payload: z.strictObject({ room_id: Id, is_typing: z.boolean() }),
    result: Empty,
    caller: 'signed in',
    rates: ['typing_updates'],
    errors: ['ROOM_NOT_FOUND', 'NOT_A_MEMBER'],
    causes: ['typing_status'],
    example: EXAMPLES.commands.typing_status,
  }),
} as const satisfies Record<CommandName, Command>;

/** What a client may write as the payload of a command. */
export type CommandPayload<C extends CommandName> = z.input<(typeof COMMANDS)[C]['payload']>;

/** The payload of a command as the server sees it: checked, with the defaults filled in. */
export type ParsedPayload<C extends CommandName> = z.output<(typeof COMMANDS)[C]['payload']>;

/** What the acknowledgement of a command holds beside `ok: true`. */
export type CommandResult<C extends CommandName> = z.output<(typeof COMMANDS)[C]['result']>;
