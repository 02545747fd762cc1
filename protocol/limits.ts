import type { Wording } from './errors.ts';

/*
 * Every size that the protocol bounds, in one place. Lengths of text are counted in Unicode code points, sizes in UTF-8
 * bytes, times in milliseconds; all bounds are inclusive. `authenticate` tells the numbers in force as `server.limits`.
 * This file uses no library, so that the SDK can ship it.
 */

/** A number, and what it bounds. */
interface Limit {
  readonly value: number;
  readonly what: Wording;
}

/** The table of limits. The values are those of a server that is not told otherwise. */
export const LIMIT_TABLE = {
  username_min: {
    value: 1,
    what: { en: 'shortest username, after normalisation', tr: 'en kısa kullanıcı adı, normalleştirildikten sonra' },
  },
  username_max: {
    value: 32,
    what: { en: 'longest username, after normalisation', tr: 'en uzun kullanıcı adı, normalleştirildikten sonra' },
  },
  room_name_max: {
    value: 80,
    what: {
      en: 'longest room name, after trimming; the shortest is 1',
      tr: 'en uzun oda adı, kırpıldıktan sonra; en kısası 1',
    },
  },
  password_min: { value: 8, what: { en: 'shortest room password', tr: 'en kısa oda parolası' } },
  password_max: { value: 128, what: { en: 'longest room password', tr: 'en uzun oda parolası' } },
  content_max: {
    value: 4_000,
    what: {
      en: 'longest message; the shortest is 1, and shows something',
      tr: 'en uzun mesaj; en kısası 1, görünen bir şey içerir',
    },
  },
  client_id_max: {
    value: 64,
    what: { en: 'longest `client_id`; the shortest is 1', tr: 'en uzun `client_id`; en kısası 1' },
  },
  client_max: {
    value: 2_048,
    what: { en: 'longest `client` of a sign-in, as JSON', tr: 'oturum açarken en uzun `client`, JSON olarak' },
  },
  packet_bytes: {
    value: 65_536,
    what: {
      en: 'largest packet from a client, framing included; a larger one ends the connection',
      tr: 'istemciden gelen en büyük paket, çerçevesiyle; daha büyüğü bağlantıyı kapatır',
    },
  },
  early_commands: {
    value: 100,
    what: {
      en: 'most commands of a connection that wait while it signs in; more are `OVERLOADED`',
      tr: 'bir bağlantının oturum açılırken bekleyen komutları, en çok; fazlası `OVERLOADED`',
    },
  },
  early_bytes: {
    value: 131_072,
    what: {
      en: 'most bytes of JSON that they may carry together',
      tr: 'bunların birlikte taşıyabileceği JSON, en çok bayt',
    },
  },
  json_depth: {
    value: 8,
    what: {
      en: 'how deep a payload may nest; an object of plain values has depth 1',
      tr: 'gönderilen en çok kaç düzey iç içe olabilir; düz değerli nesne 1 düzeydir',
    },
  },
  answer_bytes: {
    value: 262_144,
    what: {
      en: 'largest answer or event; a page that would be longer ends early and says so',
      tr: 'en büyük yanıt ya da olay; daha uzun olacak sayfa erken biter ve bunu söyler',
    },
  },
  page_default: {
    value: 50,
    what: { en: 'items in a page when the client does not say', tr: 'istemci söylemezse bir sayfadaki öğe sayısı' },
  },
  page_max: { value: 100, what: { en: 'most items in a page', tr: 'bir sayfadaki en çok öğe' } },
  search_rooms: {
    value: 5_000,
    what: {
      en: "how many rooms, those of newest activity, `get_rooms` with a `query` looks at, beside the caller's own",
      tr: '`query` ile `get_rooms` çağıranın kendi odaları dışında en yeni etkinlikli kaç odaya bakar',
    },
  },
  sync_rooms: { value: 100, what: { en: 'most rooms in one `sync`', tr: 'bir `sync` isteğindeki en çok oda' } },
  sync_messages: {
    value: 300,
    what: { en: 'most messages of one room in one `sync`', tr: 'bir `sync` yanıtında bir odanın en çok mesajı' },
  },
  typing_lapse_ms: {
    value: 8_000,
    what: {
      en: 'how long `is_typing: true` holds without being repeated',
      tr: 'yinelenmeyen `is_typing: true` ne kadar geçerli',
    },
  },
  typing_per_second: {
    value: 5,
    what: { en: 'most typing events a second that a room is sent', tr: 'bir odaya saniyede en çok yazıyor olayı' },
  },
  presence_grace_ms: {
    value: 20_000,
    what: {
      en: 'how long a user stays online after the last connection ended; the operator can change it',
      tr: 'son bağlantı bittikten sonra kullanıcı ne kadar çevrimiçi kalır; işleten değiştirebilir',
    },
  },
} as const satisfies Readonly<Record<string, Limit>>;

/** The name of a limit. */
export type LimitName = keyof typeof LIMIT_TABLE;

/** The limits as plain numbers. */
export const LIMITS = Object.freeze(
  Object.fromEntries(Object.entries(LIMIT_TABLE).map(([name, { value }]) => [name, value])),
) as { readonly [L in LimitName]: (typeof LIMIT_TABLE)[L]['value'] };
