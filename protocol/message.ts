import { z } from 'zod';
import { command, event } from './define.ts';
import { saying } from './fault.ts';
import { ClientId, Content, HasMore, Id, Limit, LogNumber, Time } from './fields.ts';
import { deleted, garden, hello, joined, message, updated } from './story.ts';
import { WRONG } from './words.ts';

/** What a system message says, for programs. Clients ignore a `type` that they do not know. */
export const System = z
  .discriminatedUnion('type', [
    z.object({
      type: z.literal('user_joined'),
      user_id: Id,
      username: z.string(),
      added_by: Id.optional().meta({ description: 'The owner who added the user, when it was not the user.' }),
      new_owner_id: Id.optional().meta({ description: 'The user, who owns the room now, when it had no members.' }),
    }),
    z.object({
      type: z.literal('user_left'),
      user_id: Id,
      username: z.string(),
      removed_by: Id.optional().meta({ description: 'The owner who removed the user, when it was not the user.' }),
      new_owner_id: Id.optional().meta({ description: 'Who owns the room now, when the one who left owned it.' }),
    }),
    z.object({
      type: z.literal('role_changed'),
      role: z.literal('owner').meta({ description: 'What the user is in the room now.' }),
      user_id: Id,
      username: z.string(),
      by: Id.nullable().meta({ description: 'Who did it; null: the operator of the server.' }),
      previous_owner_id: Id.optional().meta({ description: 'Who owned the room before.' }),
    }),
  ])
  .meta({ id: 'System', description: 'What a system message says, for programs.' });

/** A message in its newest state. Its place (`seq`) never changes; `rev` is the number of its newest change. */
export const Message = z
  .object({
    id: Id,
    room_id: Id,
    seq: LogNumber.meta({ description: 'Its place in the room; never changes.' }),
    rev: LogNumber.meta({
      description: 'The number of its newest change; equals `seq` until it is edited or deleted.',
    }),
    user_id: Id.meta({ description: 'The author; of a system message, the user it is about.' }),
    username: z.string().meta({ description: "The author's name when it was sent." }),
    content: z.string().meta({ description: 'The text; empty when deleted.' }),
    timestamp: Time.meta({ description: "When it was sent, by the server's clock. Order by `seq`, not by this." }),
    is_system_message: z.boolean(),
    system: System.optional(),
    edited: z.boolean(),
    edited_at: Time.nullable(),
    deleted: z.boolean().meta({ description: 'A tombstone: `content` is empty.' }),
    deleted_at: Time.nullable(),
    client_id: z.string().optional().meta({ description: "The sender's own key, as sent." }),
  })
  .meta({ id: 'Message', description: 'A message in its newest state.' });

/** See the schema of the same name. */
export type System = z.infer<typeof System>;
/** See the schema of the same name. */
export type Message = z.infer<typeof Message>;

/** The commands about messages. */
export const COMMANDS = {
  send_message: command({
    summary: { en: 'Say something in a room.', tr: 'Odaya mesaj yazar.' },
    description:
      'The acknowledgement means that the message is on disk. With a `client_id` it is safe to repeat: the same user, ' +
      'room and `client_id` always give the first message back, with `duplicate: true`, for as long as it exists.',
    payload: z.strictObject({ room_id: Id, content: Content, client_id: ClientId.optional() }),
    result: z.object({ message: Message, duplicate: z.literal(true).optional() }),
    needs: 'member',
    idempotent: 'client_id',
    rates: ['messages', 'message_bytes'],
    errors: [],
    causes: ['message'],
    example: {
      payload: { room_id: garden, content: 'Hello!', client_id: 'c7b0c1de-1f6b-4f5e-9d3a-8a2b6c4e0f17' },
      result: { message },
    },
  }),

  update_message: command({
    summary: { en: 'Change what you said.', tr: 'Kendi mesajınızı düzenler.' },
    description:
      'For the author, while a member. The same content again answers ok and takes no number. A deleted message is ' +
      '`MESSAGE_NOT_FOUND`, a system message or someone else’s `FORBIDDEN`.',
    payload: z.strictObject({ message_id: Id, content: Content }),
    result: z.object({ message: Message }),
    needs: 'member',
    rates: ['changes', 'message_bytes'],
    errors: ['FORBIDDEN'],
    causes: ['message_updated'],
    example: { payload: { message_id: hello, content: 'Hello, garden!' }, result: { message: updated } },
  }),

  delete_message: command({
    summary: { en: 'Take back what you said.', tr: 'Kendi mesajınızı siler.' },
    description:
      'For the author, while a member. A tombstone stays in its place. Deleting it again answers ok and takes no number.',
    payload: z.strictObject({ message_id: Id }),
    result: z.object({ message: Message }),
    needs: 'member',
    rates: ['changes'],
    errors: ['FORBIDDEN'],
    causes: ['message_deleted'],
    example: { payload: { message_id: hello }, result: { message: deleted } },
  }),

  get_messages: command({
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
    result: z.object({ messages: z.array(Message).meta({ description: 'Oldest first.' }), has_more: HasMore }),
    needs: 'member',
    longAnswer: true,
    rates: ['reads', 'address_reads'],
    errors: [],
    causes: [],
    example: {
      payload: { room_id: garden, before: 4, limit: 20 },
      result: { messages: [joined, message], has_more: true },
    },
  }),
};

/** The events about messages: the log of a room. */
export const EVENTS = {
  message: event({
    summary: { en: 'A new message.', tr: 'Yeni mesaj.' },
    to: 'The room, the sender too.',
    log: true,
    payload: Message,
    example: message,
  }),

  message_updated: event({
    summary: { en: 'A message was edited.', tr: 'Bir mesaj düzenlendi.' },
    to: 'The room: the whole message, in its new state.',
    log: true,
    payload: Message,
    example: updated,
  }),

  message_deleted: event({
    summary: { en: 'A message was deleted.', tr: 'Bir mesaj silindi.' },
    to: 'The room: the tombstone.',
    log: true,
    payload: Message,
    example: deleted,
  }),
};
