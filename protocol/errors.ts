/**
 * Every error code, with its wording for people. The codes never change; the wording may.
 * This file uses no library, so that the SDK can ship it.
 */

/** The languages the server words errors and pages in. */
export const LOCALES = ['en', 'tr'] as const;

/** One of the languages the server speaks. */
export type Locale = (typeof LOCALES)[number];

/** The language of this name; undefined where the server does not speak it. */
export function localeOf(name: unknown): Locale | undefined {
  return LOCALES.find((locale) => locale === name);
}

/** A text in each language. */
export type Wording = Readonly<Record<Locale, string>>;

/** What a code means, what people are told, and whether the same command may succeed when it is simply sent again. */
export interface ErrorDefinition {
  /** What it means, for the developer. */
  readonly description: string;
  /** What people are told. */
  readonly message: Wording;
  /** Whether repeating the same command later, unchanged, can succeed. */
  readonly retryable: boolean;
}

/** The table of error codes. */
export const ERRORS = {
  UNAUTHENTICATED: {
    description: 'The connection has not signed in: send `authenticate` first.',
    message: { en: 'Sign in first.', tr: 'Önce oturum açın.' },
    retryable: false,
  },
  INVALID_TOKEN: {
    description: 'The token is malformed, expired or revoked, or its user is gone. Sign in with a username.',
    message: {
      en: 'This session is not valid any more. Sign in again.',
      tr: 'Bu oturum artık geçerli değil. Yeniden oturum açın.',
    },
    retryable: false,
  },
  INVALID_INPUT: {
    description: 'The payload breaks the schema or a limit; `field` names the culprit.',
    message: { en: 'The request is not valid.', tr: 'İstek geçerli değil.' },
    retryable: false,
  },
  UNKNOWN_COMMAND: {
    description: 'There is no command of this name.',
    message: { en: 'There is no such command.', tr: 'Böyle bir komut yok.' },
    retryable: false,
  },
  ROOM_NOT_FOUND: {
    description: 'There is no such room, or the caller may not know of it.',
    message: { en: 'There is no such room.', tr: 'Böyle bir oda yok.' },
    retryable: false,
  },
  MESSAGE_NOT_FOUND: {
    description: 'There is no such message, it is deleted, or the caller may not know of it.',
    message: { en: 'There is no such message.', tr: 'Böyle bir mesaj yok.' },
    retryable: false,
  },
  USER_NOT_FOUND: {
    description: 'There is no such user; for `remove_member`, no such member.',
    message: { en: 'There is no such user.', tr: 'Böyle bir kullanıcı yok.' },
    retryable: false,
  },
  NOT_A_MEMBER: {
    description: 'The room exists, and this needs membership: `join_room` first.',
    message: { en: 'You are not a member of this room.', tr: 'Bu odanın üyesi değilsiniz.' },
    retryable: false,
  },
  WRONG_PASSWORD: {
    description: 'The room has a password, and the one given is missing or wrong.',
    message: { en: 'The password is wrong.', tr: 'Parola yanlış.' },
    retryable: false,
  },
  FORBIDDEN: {
    description: 'The caller is known and may not do this.',
    message: { en: 'You may not do this.', tr: 'Bunu yapma yetkiniz yok.' },
    retryable: false,
  },
  USERNAME_TAKEN: {
    description:
      'Another guest has this name, here or away, and keeps it until retired. `suggestion` is one that was free just now.',
    message: { en: 'This name is taken.', tr: 'Bu ad alınmış.' },
    retryable: false,
  },
  LIMIT_REACHED: {
    description:
      'The user (of `add_member`, the one who is to be added) is a member of as many rooms as `rooms_per_user` allows.',
    message: {
      en: 'No more rooms than these are allowed: leave one first.',
      tr: 'Bundan çok odaya izin yok: önce birinden çıkın.',
    },
    retryable: false,
  },
  RATE_LIMITED: {
    description: 'Too often. `retry_after_ms` says when to try again.',
    message: { en: 'Too many requests.', tr: 'Çok fazla istek.' },
    retryable: true,
  },
  OVERLOADED: {
    description:
      'The server has more work waiting than it takes on; nothing was done. `retry_after_ms`, when there, says when.',
    message: { en: 'The server is busy.', tr: 'Sunucu meşgul.' },
    retryable: true,
  },
  UNAVAILABLE: {
    description: 'The store cannot be written or read now, or the server is stopping. Nothing was saved; try again.',
    message: {
      en: 'The service is not available now. Nothing was saved.',
      tr: 'Hizmet şu anda kullanılamıyor. Hiçbir şey kaydedilmedi.',
    },
    retryable: true,
  },
  INTERNAL: {
    description: 'A fault of the server, logged there. Whether the command took effect is not known.',
    message: { en: 'Something went wrong on the server.', tr: 'Sunucuda bir hata oluştu.' },
    retryable: true,
  },
} as const satisfies Record<string, ErrorDefinition>;

/** One of the stable error codes. */
export type ErrorCode = keyof typeof ERRORS;

/** All codes, in the order of the table. */
export const ERROR_CODES = Object.keys(ERRORS) as readonly ErrorCode[] as readonly [ErrorCode, ...ErrorCode[]];
