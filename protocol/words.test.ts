import { describe, expect, it } from 'vitest';
import {
  aboutCode,
  aboutField,
  atLeast,
  atMost,
  COMMAND_NAMES,
  COMMANDS,
  type CommandName,
  ERROR_CODES,
  ERRORS,
  LIMITS,
  noDeeperThan,
  noLessThan,
  noMoreThan,
  WRONG,
} from './index.ts';

/** Words of the library that checks payloads, and of programs. */
const NOT_FOR_PEOPLE =
  /invalid|expected|received|undefined|null|\bnan\b|unrecognized|too (?:big|small)|regex|pattern|\[object/i;
const SENTENCE = /^\p{L}.*\.$/u;
const UNTRANSLATED = /\b(?:must|is|not|at least|at most|characters?|missing|try|again)\b/i;

const LONG = 'x'.repeat(20_000);
const WRONG_VALUES = [
  undefined,
  null,
  '',
  ' ',
  'x',
  LONG,
  '\0',
  '\ud800',
  '\u2800',
  0,
  -1,
  0.5,
  1e300,
  true,
  [],
  {},
  [[]],
  [1],
  [{}],
  LONG.split(''),
];

const sentences = (name: CommandName, value: unknown) => {
  const result = COMMANDS[name].read(value);
  if (!('fault' in result)) return undefined;
  const { field, detail } = result.fault;
  return { en: aboutField(field, detail, 'en'), tr: aboutField(field, detail, 'tr') };
};

/** What was told in English and in Turkish, which must be different sentences for people. */
function expectForPeople(told: { en: string; tr: string }) {
  for (const sentence of [told.en, told.tr]) {
    expect(sentence).toMatch(SENTENCE);
    expect(sentence).not.toMatch(NOT_FOR_PEOPLE);
  }
  expect(told.tr).not.toBe(told.en);
  expect(told.tr).not.toMatch(UNTRANSLATED);
}

describe.each(COMMAND_NAMES)('what is wrong with %s', (name) => {
  it('is said in sentences for people, in both languages', () => {
    const { payload, example } = COMMANDS[name];
    for (const field of Object.keys(payload.shape)) {
      for (const value of WRONG_VALUES) {
        const told = sentences(name, { ...example.payload, [field]: value });
        if (told !== undefined) expectForPeople(told);
      }
    }
    for (const value of [null, 1, 'x', [], { surprise: 1 }, { ...example.payload, surprise: 1 }]) {
      expectForPeople(sentences(name, value) ?? expect.unreachable());
    }
  });
});

it.each([
  ['create_room', {}, 'The room name is missing.', 'Oda adı eksik.'],
  [
    'create_room',
    { name: LONG },
    'The room name must have at most 80 characters.',
    'Oda adı en çok 80 karakter içerebilir.',
  ],
  [
    'create_room',
    { name: 'a', type: 'x' },
    'type must be one of: public, private.',
    'type şunlardan biri olmalı: public, private.',
  ],
  [
    'create_room',
    { name: 'a', type: 'private', password: 'x' },
    'The password must have at least 8 characters.',
    'Parola en az 8 karakter içermeli.',
  ],
  ['create_room', { name: 'a', password: LIMITS }, 'The password must be text.', 'Parola metin olmalı.'],
  [
    'authenticate',
    { username: '' },
    'The username must have at least 1 character.',
    'Kullanıcı adı en az 1 karakter içermeli.',
  ],
  [
    'authenticate',
    { username: LONG },
    'The username must have at most 32 characters.',
    'Kullanıcı adı en çok 32 karakter içerebilir.',
  ],
  [
    'authenticate',
    {},
    'The username or the token must be given, not both.',
    'Kullanıcı adı ya da belirteç verilmeli, ikisi birden değil.',
  ],
  [
    'join_room',
    { room_id: 'x' },
    'room_id must be an id: a UUID in lower case.',
    'room_id bir kimlik olmalı: küçük harfli UUID.',
  ],
  ['get_rooms', { limit: 0 }, 'limit must be at least 1.', 'limit en az 1 olmalı.'],
  ['get_rooms', { limit: 101 }, 'limit must be at most 100.', 'limit en çok 100 olabilir.'],
  ['get_rooms', { limit: 'x' }, 'limit must be a whole number.', 'limit tam sayı olmalı.'],
  ['get_rooms', { limit: 1.5 }, 'limit must be a whole number.', 'limit tam sayı olmalı.'],
  ['get_rooms', { mine: 1 }, 'mine must be true or false.', 'mine true ya da false olmalı.'],
  ['get_rooms', { who: 1 }, 'who is not a field of this command.', 'who bu komutun alanlarından değil.'],
  ['get_rooms', [], 'What was sent must be one object.', 'Gönderilen tek bir nesne olmalı.'],
  ['sync', { epoch: 'x', rooms: 1 }, 'rooms must be a list.', 'rooms liste olmalı.'],
  ['sync', { epoch: 'x', rooms: [{}] }, 'rooms.0.room_id is missing.', 'rooms.0.room_id eksik.'],
  ['sync', { epoch: 'x', rooms: [7] }, 'rooms.0 must be one object.', 'rooms.0 tek bir nesne olmalı.'],
] as const)('of %s %j: %s', (name, value, en, tr) => {
  expect(sentences(name, value)).toEqual({ en, tr });
});

it.each(ERROR_CODES)('%s tells how long to wait, where that is known', (code) => {
  const { en, tr } = ERRORS[code].message;
  expect([aboutCode(code, 900_000, 'en'), aboutCode(code, 900_000, 'tr')]).toEqual([
    `${en} Try again in 15 minutes.`,
    `${tr} 15 dakika sonra yeniden deneyin.`,
  ]);
  const helps = code === 'RATE_LIMITED' || code === 'OVERLOADED';
  expect(aboutCode(code, undefined, 'en')).toBe(helps ? `${en} Try again shortly.` : en);
  expect(aboutCode(code, undefined, 'tr')).toBe(helps ? `${tr} Birazdan yeniden deneyin.` : tr);
  expectForPeople({ en: aboutCode(code, undefined, 'en'), tr: aboutCode(code, undefined, 'tr') });
});

it.each([
  [0, '1 second', '1 saniye'],
  [1, '1 second', '1 saniye'],
  [1_000, '1 second', '1 saniye'],
  [1_001, '2 seconds', '2 saniye'],
  [90_000, '90 seconds', '90 saniye'],
  [90_001, '2 minutes', '2 dakika'],
  [899_990, '15 minutes', '15 dakika'],
  [5_400_000, '90 minutes', '90 dakika'],
  [5_400_001, '2 hours', '2 saat'],
  [129_600_000, '36 hours', '36 saat'],
  [129_600_001, '2 days', '2 gün'],
  [90_000_000_000, '1,042 days', '1.042 gün'],
])('words a wait of %d ms as %s', (ms, en, tr) => {
  expect(aboutCode('RATE_LIMITED', ms, 'en')).toBe(`Too many requests. Try again in ${en}.`);
  expect(aboutCode('RATE_LIMITED', ms, 'tr')).toBe(`Çok fazla istek. ${tr} sonra yeniden deneyin.`);
});

it('tells the bound of a list', () => {
  expect(sentences('sync', { epoch: 'x', rooms: Array(101).fill({}) })).toEqual({
    en: 'rooms must have at most 100 items.',
    tr: 'rooms en çok 100 öğe içerebilir.',
  });
});

it('groups the digits of large numbers, and says fields for programs by their name', () => {
  expect(atMost(4_000)).toEqual({ en: 'must have at most 4,000 characters', tr: 'en çok 4.000 karakter içerebilir' });
  expect(atMost(100, 'item')).toEqual({ en: 'must have at most 100 items', tr: 'en çok 100 öğe içerebilir' });
  expect([noLessThan(1_000), noMoreThan(999)]).toEqual([
    { en: 'must be at least 1,000', tr: 'en az 1.000 olmalı' },
    { en: 'must be at most 999', tr: 'en çok 999 olabilir' },
  ]);
  expect(atLeast(2, 'item')).toEqual({ en: 'must have at least 2 items', tr: 'en az 2 öğe içermeli' });
  expect(atLeast(1_500)).toEqual({ en: 'must have at least 1,500 characters', tr: 'en az 1.500 karakter içermeli' });
  expect(noDeeperThan(1_000)).toEqual({ en: 'must not nest deeper than 1,000', tr: '1.000 düzeyden derin olamaz' });
  expect(noDeeperThan(8)).toEqual({ en: 'must not nest deeper than 8', tr: '8 düzeyden derin olamaz' });
  expect(aboutField('toString', WRONG.missing, 'en')).toBe('toString is missing.');
});

it.each([
  ['username', 'The username', 'Kullanıcı adı'],
  ['token', 'The token', 'Belirteç'],
  ['name', 'The room name', 'Oda adı'],
  ['password', 'The password', 'Parola'],
  ['content', 'The message', 'Mesaj'],
  ['query', 'What is searched for', 'Aranan metin'],
  ['room_id', 'room_id', 'room_id'],
  [undefined, 'What was sent', 'Gönderilen'],
])('calls the field %s as people do', (field, en, tr) => {
  expect(aboutField(field, WRONG.missing, 'en')).toBe(`${en} is missing.`);
  expect(aboutField(field, WRONG.missing, 'tr')).toBe(`${tr} eksik.`);
});

it.each(Object.entries(WRONG))('words %s in both languages', (_, wrong) => {
  expectForPeople({ en: aboutField(undefined, wrong, 'en'), tr: aboutField(undefined, wrong, 'tr') });
});
