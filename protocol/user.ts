import { z } from 'zod';
import { command, event } from './define.ts';
import { Cursor, Id, Limit, Next, Time } from './fields.ts';
import { adaUser, can, canUser, garden } from './story.ts';

/** Someone who chats. */
export const User = z
  .object({
    id: Id,
    username: z.string().meta({ description: 'The name as the user wrote it, normalised (NFKC).' }),
    is_active: z.boolean().meta({ description: 'Online: connected now, or disconnected less than 20 s ago.' }),
    connected_at: Time.meta({ description: 'When the newest connection signed in.' }),
    last_activity: Time.meta({ description: 'When the user last sent a command, to the minute.' }),
  })
  .meta({ id: 'User', description: 'Someone who chats.' });

/** See the schema of the same name. */
export type User = z.infer<typeof User>;

/** The commands about users. */
export const COMMANDS = {
  get_users: command({
    summary: {
      en: 'List the members of a room, or who is online.',
      tr: 'Oda üyelerini ya da çevrimiçi olanları listeler.',
    },
    description: 'With `room_id` the members, longest-standing first; without it everyone who is online.',
    payload: z.strictObject({ room_id: Id.optional(), after: Cursor.optional(), limit: Limit }),
    result: z.object({ users: z.array(User), next: Next }),
    needs: 'member',
    longAnswer: true,
    rates: ['reads', 'address_reads'],
    errors: [],
    causes: [],
    example: { payload: { room_id: garden }, result: { users: [adaUser, canUser], next: null } },
  }),
};

/** The events about who is online. */
export const EVENTS = {
  user_connected: event({
    summary: { en: 'Someone came online.', tr: 'Birisi çevrimiçi oldu.' },
    to: 'Others: everyone up to 500 users online, above that those who share a room of at most 200 online.',
    payload: z.object({ user: User }),
    example: { user: canUser },
  }),

  user_disconnected: event({
    summary: { en: 'Someone went offline.', tr: 'Birisi çevrimdışı oldu.' },
    to: 'As `user_connected`, 20 s after the last connection of the user ended.',
    payload: z.object({ user_id: Id, username: z.string() }),
    example: { user_id: can, username: 'can' },
  }),
};
