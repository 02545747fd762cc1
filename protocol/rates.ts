import type { Wording } from './errors.ts';

/**
 * How often things may be done: data beside the commands, from which the server's limits, the documentation and
 * `server.limits` are made. The numbers are defaults; whoever runs a server may change them by their flat names.
 * This file uses no library, so that the SDK can ship it.
 */

/**
 * Whose use is counted together. IPv6 addresses count by their /64 network. `target`: the user to whom it is done, by
 * whomever; what comes to nothing does not count.
 */
export type RateScope = 'connection' | 'user' | 'address' | 'target';

/** A period in which things are counted. */
export type Period = 'second' | 'minute' | 'hour';

/** So many in a period on average, and so many at once. */
export interface Rate {
  readonly per: RateScope;
  /** How many in each period, in the long run. */
  readonly count: number;
  readonly period: Period;
  /** How many at once, after a time of rest. */
  readonly burst: number;
  /** When given, only commands that carry this field count. */
  readonly field?: string;
  /** When given, not commands are counted but bytes: those of a text field in UTF-8, where there is one, and some beside it. */
  readonly bytes?: { readonly of: string; readonly beside: number };
  /** What is counted. */
  readonly what: Wording;
}

/** The periods in milliseconds. */
export const PERIODS_MS: Readonly<Record<Period, number>> = { second: 1_000, minute: 60_000, hour: 3_600_000 };

/** The rates that are counted. What is above them is refused `RATE_LIMITED`, with `retry_after_ms`. */
export const RATES = {
  commands: {
    per: 'connection',
    count: 30,
    period: 'second',
    burst: 30,
    what: { en: 'commands of any kind, of a connection', tr: 'bir bağlantıdan gelen her tür komut' },
  },
  messages: {
    per: 'user',
    count: 5,
    period: 'second',
    burst: 20,
    what: { en: 'messages of a user', tr: 'bir kullanıcının mesajları' },
  },
  message_bytes: {
    per: 'address',
    count: 100_000_000,
    period: 'hour',
    burst: 20_000_000,
    // What the database keeps beside the text, with its indexes: 260 to 440 bytes (measured on 2026-11-28).
    bytes: { of: 'content', beside: 400 },
    what: {
      en: 'bytes of messages and edits from an address, and 400 for each, new rooms and members included',
      tr: 'bir adresten gelen mesaj ve düzenlemelerin baytı ve her biri için 400, yeni odalar ve üyeler de sayılır',
    },
  },
  changes: {
    per: 'user',
    count: 5,
    period: 'second',
    burst: 20,
    what: { en: 'edits and deletions of a user', tr: 'bir kullanıcının düzenleme ve silmeleri' },
  },
  joins: {
    per: 'user',
    count: 2,
    period: 'second',
    burst: 50,
    what: {
      en: 'rooms that a user joins or leaves, members that it adds or removes',
      tr: 'bir kullanıcının girdiği ya da çıktığı odalar, eklediği ya da çıkardığı üyeler',
    },
  },
  additions: {
    per: 'target',
    count: 60,
    period: 'hour',
    burst: 50,
    what: {
      en: 'rooms that others add a user to; what changes nothing does not count',
      tr: 'başkalarının bir kullanıcıyı eklediği odalar; bir şey değiştirmeyen sayılmaz',
    },
  },
  syncs: {
    per: 'user',
    count: 10,
    period: 'second',
    burst: 40,
    what: { en: 'syncs of a user', tr: 'bir kullanıcının sync istekleri' },
  },
  address_syncs: {
    per: 'address',
    count: 100,
    period: 'second',
    burst: 1_000,
    what: { en: 'syncs from an address', tr: 'bir adresten sync istekleri' },
  },
  reads: {
    per: 'user',
    count: 10,
    period: 'second',
    burst: 60,
    what: {
      en: 'lists and pages of history that a user reads',
      tr: 'bir kullanıcının okuduğu liste ve geçmiş sayfaları',
    },
  },
  address_reads: {
    per: 'address',
    count: 100,
    period: 'second',
    burst: 1_000,
    what: {
      en: 'lists and pages of history read from an address',
      tr: 'bir adresten okunan liste ve geçmiş sayfaları',
    },
  },
  typing_updates: {
    per: 'user',
    count: 3,
    period: 'second',
    burst: 10,
    what: { en: 'typing updates of a user', tr: 'bir kullanıcının yazıyor bildirimleri' },
  },
  room_creations: {
    per: 'user',
    count: 30,
    period: 'hour',
    burst: 10,
    what: { en: 'rooms that a user creates', tr: 'bir kullanıcının açtığı odalar' },
  },
  sign_ins: {
    per: 'address',
    count: 10,
    period: 'second',
    burst: 300,
    what: { en: 'sign-ins from an address', tr: 'bir adresten oturum açma' },
  },
  guests: {
    per: 'address',
    count: 30,
    period: 'minute',
    burst: 100,
    field: 'username',
    what: { en: 'new guests from an address', tr: 'bir adresten yeni konuk' },
  },
  handshakes: {
    per: 'address',
    count: 20,
    period: 'second',
    burst: 500,
    what: { en: 'new connections from an address', tr: 'bir adresten yeni bağlantı' },
  },
  http_requests: {
    per: 'address',
    count: 30,
    period: 'second',
    burst: 500,
    what: {
      en: 'HTTP requests from an address for anything but Socket.IO, /health and /metrics',
      tr: 'bir adresten Socket.IO, /health ve /metrics dışındaki HTTP istekleri',
    },
  },
  packets: {
    per: 'connection',
    count: 60,
    period: 'second',
    burst: 100,
    what: {
      en: 'packets of any kind from a connection; those above count as excess',
      tr: 'bir bağlantıdan gelen her tür paket; üstü fazladan sayılır',
    },
  },
  excess_packets: {
    per: 'address',
    count: 100,
    period: 'second',
    burst: 1_000,
    what: {
      en: 'packets in excess from an address; a connection that sends more is ended',
      tr: 'bir adresten gelen fazla paketler; daha çok gönderen bağlantı kapatılır',
    },
  },
} as const satisfies Readonly<Record<string, Rate>>;

/** The name of a rate. */
export type RateName = keyof typeof RATES;

/** All rates, in the order of the table. */
export const RATE_NAMES = Object.keys(RATES) as readonly string[] as readonly RateName[];

/** How much there may be of something. */
interface Cap {
  readonly value: number;
  /** What is counted. */
  readonly what: Wording;
  /** What happens above it, for the developer. */
  readonly above: string;
}

/** What may exist at once, or happen within a fixed time, by its flat name. */
export const CAPS = {
  connections_per_address: {
    value: 500,
    what: { en: 'connections from an address at once', tr: 'bir adresten aynı anda bağlantı' },
    above: 'A new connection is refused with status 429.',
  },
  connections_per_user: {
    value: 20,
    what: { en: 'connections of a user at once', tr: 'bir kullanıcının aynı anda bağlantısı' },
    above: '`authenticate` answers `RATE_LIMITED`.',
  },
  rooms_per_user: {
    value: 1_000,
    what: { en: 'rooms that a user is a member of', tr: 'bir kullanıcının üye olduğu odalar' },
    above:
      '`create_room` and `join_room` answer `LIMIT_REACHED`, and `add_member` for such a user. Who is in more already stays.',
  },
  unread_bytes_per_address: {
    value: 33_554_432,
    what: { en: 'bytes that wait for an address to read them', tr: 'bir adresin okumasını bekleyen bayt' },
    above: 'Those of its connections that have read nothing of the most for the longest are ended.',
  },
  wrong_passwords_per_room: {
    value: 5,
    what: { en: 'wrong passwords of a user for one room', tr: 'bir kullanıcının bir oda için yanlış parolası' },
    above: '`join_room` with a password answers `RATE_LIMITED`, whether it is right or wrong.',
  },
  wrong_passwords_per_address: {
    value: 20,
    what: { en: 'wrong room passwords from an address', tr: 'bir adresten yanlış oda parolası' },
    above: 'The same.',
  },
  wrong_passwords_ms: {
    value: 900_000,
    what: {
      en: 'how long wrong passwords are remembered after the last one, in ms',
      tr: 'yanlış parolalar sonuncusundan sonra ne kadar hatırlanır, ms',
    },
    above: 'They are forgotten.',
  },
} as const satisfies Readonly<Record<string, Cap>>;

/** The name of a cap. */
export type CapName = keyof typeof CAPS;

/** The numbers of rates and caps by their flat names: `messages_per_second`, `messages_burst`, `connections_per_user`. */
export type RateNumbers = Readonly<Record<string, number>>;

/** The flat name of how many a rate lets through in each period. */
export function countName(name: RateName): string {
  return `${name}_per_${RATES[name].period}`;
}

/** The flat name of how many a rate lets through at once. */
export function burstName(name: RateName): string {
  return `${name}_burst`;
}

/** The default numbers of all rates and caps. */
export const RATE_NUMBERS: RateNumbers = Object.freeze({
  ...Object.fromEntries(
    RATE_NAMES.flatMap((name) => [
      [countName(name), RATES[name].count],
      [burstName(name), RATES[name].burst],
    ]),
  ),
  ...Object.fromEntries(Object.entries(CAPS).map(([name, { value }]) => [name, value])),
});
