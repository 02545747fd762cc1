import type { Locale } from '../../protocol/index.ts';

/** Everything the home page says that is not in the protocol. */
export interface HomeWords {
  readonly title: string;
  readonly description: string;
  readonly headline: string;
  readonly lead: string;
  readonly start: string;
  readonly docs: string;
  readonly logTitle: string;
  /** The wording of the system message `user_joined`. */
  readonly joined: (name: string) => string;
  readonly logNote: string;
  readonly reasons: readonly { readonly title: string; readonly text: string }[];
  readonly chat: {
    readonly title: string;
    readonly intro: string;
    readonly install: string;
    readonly save: string;
    readonly run: string;
    readonly after: string;
    readonly clients: string;
  };
  readonly answers: {
    readonly title: string;
    readonly text: string;
    readonly accepted: string;
    readonly refused: string;
    readonly noCallback: string;
  };
  readonly commands: { readonly title: string; readonly intro: string; readonly answer: string; readonly more: string };
  readonly events: { readonly title: string; readonly intro: string; readonly example: string };
  readonly next: {
    readonly title: string;
    readonly docs: string;
    readonly http: string;
    readonly openapi: string;
    readonly asyncapi: string;
    readonly health: string;
  };
}

/** The home page's words in each language. */
export const HOME_WORDS: Readonly<Record<Locale, HomeWords>> = {
  en: {
    title: 'Sohbet: a chat backend you run yourself',
    description:
      'A self-hosted chat backend for mobile and web apps over Socket.IO. Every acknowledged message is on disk.',
    headline: 'When it answers ok, your message is on disk.',
    lead:
      'Sohbet (Turkish for a friendly talk) is a chat backend you run yourself. Mobile and web apps talk to it with any ' +
      'Socket.IO client, and every message has one place in its room, the same for everyone.',
    start: 'Chat in two terminals',
    docs: 'Read the documentation',
    logTitle: 'The log of the room “garden”',
    joined: (name) => `${name} joined`,
    logNote: 'Each change takes the room’s next number.',
    reasons: [
      {
        title: 'Acknowledged means stored',
        text: 'The answer leaves after the commit. Kill the server, start it again, and every message it said ok to is there.',
      },
      {
        title: 'One order for all',
        text: 'A room is a numbered log: 1, 2, 3, without holes. A client knows what it has, and what it has missed.',
      },
      {
        title: 'One command to start',
        text: 'An embedded database, no other service. Guests choose a name and talk; a signed token brings them back.',
      },
    ],
    chat: {
      title: 'A first chat',
      intro:
        'You need Node, an empty folder and two terminals. The code below already holds the address of this server.',
      install: 'Get the client',
      save: 'Save this as',
      run: 'Start it in each terminal under another name',
      after:
        'Type a line and press Enter; it appears in both terminals once it is stored. Ctrl-C, and again under the same ' +
        'name: the same user goes on. A second argument names another room.',
      clients:
        'For TypeScript there is an SDK, with hooks for React, that catches up and sends what was written offline by ' +
        'itself: the folder client of the repository. Socket.IO has clients for Kotlin and Java, Swift, Dart, Python, ' +
        '.NET and others; all of them work.',
    },
    answers: {
      title: 'How the server answers',
      text: 'A command is an event with one object and a callback. The callback gets one of these:',
      accepted: 'Done: ok and the result',
      refused: 'Refused: a code for programs, a message for people',
      noCallback: 'Without a callback a refusal comes as the event',
    },
    commands: {
      title: 'Commands',
      intro: 'What a client can ask, with an example of each.',
      answer: 'Answer',
      more: 'Details',
    },
    events: {
      title: 'Events',
      intro: 'What the server sends unasked. Listen with',
      example: 'Example',
    },
    next: {
      title: 'Further',
      docs: 'Everything on one page: commands, events, models, errors, limits.',
      http: 'The HTTP side.',
      openapi: 'The HTTP side for programs, OpenAPI 3.1.',
      asyncapi: 'The Socket.IO side for programs, AsyncAPI 3.',
      health: 'How this server fares now.',
    },
  },
  tr: {
    title: 'Sohbet: kendi sunucunuzda sohbet altyapısı',
    description:
      'Mobil ve web uygulamaları için, Socket.IO üzerinden, kendi sunucunuzda sohbet altyapısı. Onaylanan her mesaj disktedir.',
    headline: 'Yanıt ok ise mesajınız disktedir.',
    lead:
      'Sohbet, kendi sunucunuzda çalıştırdığınız bir sohbet altyapısıdır. Mobil ve web uygulamaları herhangi bir ' +
      'Socket.IO istemcisiyle bağlanır; her mesajın odasında herkes için aynı olan tek bir yeri vardır.',
    start: 'İki terminalde sohbet edin',
    docs: 'Belgeleri okuyun',
    logTitle: '“garden” odasının günlüğü',
    joined: (name) => `${name} katıldı`,
    logNote: 'Her değişiklik odanın sıradaki numarasını alır.',
    reasons: [
      {
        title: 'Onaylandıysa kayıtlıdır',
        text: 'Yanıt, kayıt tamamlandıktan sonra gönderilir. Sunucuyu aniden kapatıp yeniden başlatın: ok dediği her mesaj yerindedir.',
      },
      {
        title: 'Herkes için tek sıra',
        text: 'Oda, numaralı bir günlüktür: 1, 2, 3; arada boşluk olmaz. İstemci neyin elinde olduğunu, neyi kaçırdığını bilir.',
      },
      {
        title: 'Tek komutla başlar',
        text: 'Veritabanı içinde gelir, başka bir hizmet gerekmez. Konuklar bir ad seçip konuşur; imzalı belirteçle geri dönerler.',
      },
    ],
    chat: {
      title: 'İlk sohbet',
      intro: 'Node, boş bir klasör ve iki terminal yeter. Aşağıdaki kodda bu sunucunun adresi hazırdır.',
      install: 'İstemciyi kurun',
      save: 'Şu adla kaydedin:',
      run: 'Her terminalde başka bir adla başlatın',
      after:
        'Bir satır yazıp Enter’a basın; kaydedilince iki terminalde de görünür. Ctrl-C’ye basıp aynı adla yeniden ' +
        'başlatın: aynı kullanıcı kaldığı yerden sürdürür. İkinci argüman başka bir odanın adıdır.',
      clients:
        'TypeScript için, React kancalarıyla birlikte, kaçanları alan ve çevrimdışıyken yazılanları gönderen bir SDK ' +
        'vardır: deponun client klasörü. Socket.IO’nun Kotlin ve Java, Swift, Dart, Python, .NET ve başka diller için ' +
        'istemcileri vardır; hepsi çalışır.',
    },
    answers: {
      title: 'Sunucu nasıl yanıt verir',
      text: 'Komut, bir nesne ve bir geri çağrıyla gönderilen olaydır. Geri çağrı şunlardan birini alır:',
      accepted: 'Yapıldı: ok ve sonuç',
      refused: 'Reddedildi: programlar için kod, insanlar için mesaj',
      noCallback: 'Geri çağrı yoksa ret şu olayla gelir:',
    },
    commands: {
      title: 'Komutlar',
      intro: 'İstemcinin isteyebilecekleri, her biri örneğiyle.',
      answer: 'Yanıt',
      more: 'Ayrıntılar',
    },
    events: {
      title: 'Olaylar',
      intro: 'Sunucunun sorulmadan gönderdikleri. Şöyle dinlenir:',
      example: 'Örnek',
    },
    next: {
      title: 'Devamı',
      docs: 'Hepsi tek sayfada: komutlar, olaylar, modeller, hatalar, sınırlar.',
      http: 'HTTP tarafı.',
      openapi: 'HTTP tarafı, programlar için, OpenAPI 3.1.',
      asyncapi: 'Socket.IO tarafı, programlar için, AsyncAPI 3.',
      health: 'Bu sunucu şu anda nasıl.',
    },
  },
};
