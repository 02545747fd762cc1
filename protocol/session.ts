import { z } from 'zod';
import { codePoints } from './code-points.ts';
import { command, event } from './define.ts';
import { LOCALES } from './errors.ts';
import { saying } from './fault.ts';
import { Empty, Next, text } from './fields.ts';
import { LIMITS } from './limits.ts';
import { Room } from './room.ts';
import { adaUser, epoch, room, token } from './story.ts';
import { User } from './user.ts';
import { atMost, WRONG } from './words.ts';

/** What a client tells of itself: text, since each set of values may grow. */
const Hint = text({ min: 1, max: 64 });

/**
 * What a client tells of itself when it signs in. It does so before it has heard what the server can do, so the object is
 * open: what a server does not know, a field or a text in one, is as good as absent.
 */
export const ClientInfo = z
  .looseObject({
    rooms: Hint.optional().meta({
      description: '`mine`: only the rooms of the user are wanted, and no `rooms_list` is sent.',
    }),
    device: Hint.optional().meta({ description: 'What its device is called, for people. Only checked so far.' }),
    locale: Hint.optional().meta({
      description: 'The language of error messages on this connection: `en` or `tr`. Counts before that beside it.',
    }),
  })
  .refine((value) => codePoints(JSON.stringify(value)) <= LIMITS.client_max, saying(atMost(LIMITS.client_max)))
  .meta({
    id: 'ClientInfo',
    description:
      'What a client tells of itself when it signs in. A field, or a text in one, that the server does not know is ' +
      'ignored; a known field that is no text of 1 to 64 characters is `INVALID_INPUT`.',
  });

/** What a client may send with the Socket.IO handshake (`auth`): a sign-in, and the language of what people read. */
export const HandshakeAuth = z
  .object({
    username: z.string().optional().meta({ description: 'Signs in as `authenticate` would.' }),
    token: z.string().optional().meta({ description: 'Signs in as `authenticate` would.' }),
    locale: z.enum(LOCALES).optional().catch(undefined).meta({ description: 'The language of error messages.' }),
    client: ClientInfo.optional(),
  })
  .meta({ id: 'HandshakeAuth', description: 'The `auth` object of the Socket.IO handshake; all of it is optional.' });

/** See the schema of the same name. */
export type HandshakeAuth = z.infer<typeof HandshakeAuth>;

/** The commands about sessions. */
export const COMMANDS = {
  authenticate: command({
    summary: {
      en: 'Sign in as a guest with a name, or come back with a token.',
      tr: 'Bir adla konuk olarak oturum açar ya da belirteçle geri döner.',
    },
    description:
      'Exactly one of `username` and `token`. A guest gets a signed token, good for a year from its last use; a ' +
      'connection with it is the same user, with the same rooms and the same name, which nobody else can take until ' +
      'the guest is retired. The same fields may be sent as the `auth` of the handshake. A second sign-in on one ' +
      'connection is `FORBIDDEN`. After the answer the connection receives the events of all rooms of the user.',
    payload: z
      .strictObject({
        username: text({ min: LIMITS.username_min, max: 256, told: LIMITS.username_max })
          .optional()
          .meta({
            description: `${LIMITS.username_min} to ${LIMITS.username_max} characters after NFKC and trimming.`,
          }),
        token: z.string().max(4096).optional(),
        client: ClientInfo.optional(),
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
    needs: 'anyone',
    admitted: true,
    rates: ['sign_ins', 'guests'],
    errors: ['INVALID_TOKEN', 'USERNAME_TAKEN', 'FORBIDDEN'],
    causes: ['connect_response', 'rooms_list', 'user_connected'],
    example: {
      payload: { username: 'ada' },
      result: {
        user: adaUser,
        token,
        epoch,
        rooms: [room],
        rooms_next: null,
        server: { protocol: 1, features: [], limits: { content_max: 4000 } },
      },
    },
  }),

  sign_out: command({
    summary: {
      en: 'Revoke this token, or all of the user’s tokens; a guest is gone for good.',
      tr: 'Bu belirteci ya da kullanıcının tüm belirteçlerini geçersiz kılar; konuk bir daha dönemez.',
    },
    description:
      'The token (with `everywhere`, each token of the user) is revoked and its connections end. A guest has one token, ' +
      'so it can never come back: it is offline at once, leaves its rooms, and its name is free. Its messages stay.',
    payload: z.strictObject({ everywhere: z.boolean().default(false) }),
    result: Empty,
    needs: 'signed in',
    rates: [],
    errors: [],
    causes: ['user_disconnected', 'message', 'user_left_room'],
    example: { payload: { everywhere: false }, result: {} },
  }),
};

/** The event about sessions. */
export const EVENTS = {
  connect_response: event({
    summary: { en: 'You are signed in.', tr: 'Oturumunuz açıldı.' },
    to: 'The caller of `authenticate`, after its answer.',
    payload: z.object({ status: z.literal('success'), user: User, token: z.string(), epoch: z.string() }),
    example: { status: 'success' as const, user: adaUser, token, epoch },
  }),
};
