import type { Locale, Needs } from '../../protocol/index.ts';
import type { FieldWords } from './schema-fields.ts';

/** The labels of the documentation page. */
export interface DocsWords extends FieldWords {
  readonly title: string;
  readonly heading: string;
  readonly description: string;
  readonly contents: string;
  readonly intro: string;
  readonly english?: string;
  readonly conventions: string;
  readonly signingIn: string;
  readonly log: string;
  readonly rules: string;
  readonly compatibility: string;
  readonly commands: string;
  readonly events: string;
  readonly models: string;
  readonly errors: string;
  readonly limits: string;
  readonly rates: string;
  readonly http: string;
  readonly payload: string;
  readonly result: string;
  readonly causes: string;
  readonly example: string;
  readonly answer: string;
  readonly answers: string;
  readonly query: string;
  readonly open: string;
  readonly to: string;
  readonly needs: Readonly<Record<Needs, string>>;
  readonly common: string;
  readonly errorsIntro: string;
  readonly limitsIntro: string;
  readonly ratesIntro: string;
  readonly again: string;
  readonly documents: string;
}

/** The labels of the documentation page in each language. */
export const DOCS_WORDS: Readonly<Record<Locale, DocsWords>> = {
  en: {
    title: 'Sohbet: documentation',
    heading: 'Documentation',
    description: 'Every command, event, model, error code and limit of Sohbet, and its HTTP endpoints, on one page.',
    contents: 'Contents',
    intro:
      'Everything that the server understands and says, over Socket.IO and HTTP. This page is made from the same declarations that the server checks its input with. Apps in TypeScript need little of it: they have the SDK, in the folder client of the repository, described in docs/sdk.md there.',
    conventions: 'Conventions',
    signingIn: 'Signing in',
    log: 'A room is a log',
    rules: 'Rules',
    compatibility: 'Compatibility',
    commands: 'Commands',
    events: 'Events',
    models: 'Models',
    errors: 'Error codes',
    limits: 'Limits',
    rates: 'Rates',
    http: 'HTTP endpoints',
    payload: 'Payload',
    result: 'Result',
    causes: 'Causes',
    example: 'Example',
    answer: 'Answer',
    answers: 'Answers',
    query: 'Query',
    open: 'open',
    to: 'To',
    needs: { anyone: 'anyone', 'signed in': 'signed in', member: 'member' },
    common: 'Any command may also answer',
    errorsIntro: 'The codes never change. Where it says so, the same command may succeed when it is sent again later.',
    limitsIntro:
      'Lengths of text are counted in Unicode code points. The server tells these numbers in its answer to a sign-in.',
    ratesIntro:
      'How often things may be done: so many in each period, and so many at once (burst). What is above is refused RATE_LIMITED, with retry_after_ms. These are the defaults; the answer to a sign-in tells the numbers of this server.',
    again: 'worth repeating',
    documents: 'For programs',
    required: 'required',
    optional: 'optional',
    byDefault: 'default',
    nothing: 'No fields.',
    or: 'or',
    characters: 'characters',
    items: 'items',
  },
  tr: {
    title: 'Sohbet: belgeler',
    heading: 'Belgeler',
    description: 'Sohbet’in tüm komutları, olayları, modelleri, hata kodları, sınırları ve HTTP adresleri tek sayfada.',
    contents: 'İçindekiler',
    intro:
      'Sunucunun Socket.IO ve HTTP üzerinden anladığı ve söylediği her şey. Bu sayfa, sunucunun girdileri denetlediği tanımlardan üretilir. TypeScript uygulamaları bunun azına gerek duyar: deponun client klasöründeki SDK onlar içindir, docs/sdk.md sayfasında anlatılır.',
    english: 'Ayrıntılı açıklamalar İngilizcedir.',
    conventions: 'Genel kurallar',
    signingIn: 'Oturum açma',
    log: 'Oda bir günlüktür',
    rules: 'Kurallar',
    compatibility: 'Uyumluluk',
    commands: 'Komutlar',
    events: 'Olaylar',
    models: 'Modeller',
    errors: 'Hata kodları',
    limits: 'Sınırlar',
    rates: 'Sıklık sınırları',
    http: 'HTTP adresleri',
    payload: 'Gönderilen',
    result: 'Sonuç',
    causes: 'Yol açtığı olaylar',
    example: 'Örnek',
    answer: 'Yanıt',
    answers: 'Yanıtlar',
    query: 'Sorgu',
    open: 'aç',
    to: 'Kime',
    needs: { anyone: 'herkes', 'signed in': 'oturum açanlar', member: 'üyeler' },
    common: 'Her komut ayrıca şunları yanıtlayabilir:',
    errorsIntro: 'Kodlar hiç değişmez. Yanında belirtilenlerde aynı komut daha sonra yinelenirse başarılı olabilir.',
    limitsIntro: 'Metin uzunlukları Unicode kod noktasıyla sayılır. Sunucu bu sayıları oturum açma yanıtında bildirir.',
    ratesIntro:
      'Ne sıklıkta ne yapılabilir: her sürede şu kadar, bir kerede (burst) şu kadar. Fazlası RATE_LIMITED ile, retry_after_ms verilerek reddedilir. Bunlar varsayılanlardır; bu sunucunun sayılarını oturum açma yanıtı bildirir.',
    again: 'yinelemeye değer',
    documents: 'Programlar için',
    required: 'zorunlu',
    optional: 'isteğe bağlı',
    byDefault: 'varsayılan',
    nothing: 'Alan yok.',
    or: 'ya da',
    characters: 'karakter',
    items: 'öğe',
  },
};
