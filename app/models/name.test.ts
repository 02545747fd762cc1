import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isBlank } from '../../protocol/blank.ts';
import { faultOfLook } from './name.ts';
import { normalizeRoomName } from './room.ts';
import { foldCase } from './text.ts';
import { normalizeUsername } from './user.ts';

const LEAVES_NO_TRACE = [
  0xfe0f, 0xfe00, 0xe0100, 0x180b, 0x180f, 0x2800, 0xfffc, 0x16fe4, 0x1d159, 0x13441, 0x13442, 0x1bc9d, 0x34f, 0x61c,
  0xad, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x180e, 0x200b, 0x200c, 0x200d, 0x200e, 0x202e, 0x2060, 0x2066, 0x206f, 0x3164,
  0xfe0e, 0xfeff, 0xffa0, 0xfff9, 0x1bca0, 0x1d173, 0xe0001, 0xe0041, 0xe01ef,
].map((code) => String.fromCodePoint(code));

const escaped = (text: string) => [...text].map((one) => `U+${one.codePointAt(0)?.toString(16)}`).join(' ');
const cases = (texts: readonly string[]) => texts.map((text) => ({ text, shown: escaped(text) }));

/** The names as they are kept, undefined where they are refused. */
const kept = (name: string) =>
  [normalizeUsername, normalizeRoomName].map((normalize) => {
    try {
      return normalize(name);
    } catch {
      return undefined;
    }
  });

describe.each(cases(LEAVES_NO_TRACE))('$shown, which is not shown,', ({ text: unseen }) => {
  it('is in no name', () => {
    for (const name of [`ada${unseen}lovelace`, unseen.repeat(3), `ad ${unseen} a`, `а${unseen}я`, `1${unseen}2`]) {
      expect(kept(name), escaped(name)).toEqual([undefined, undefined]);
    }
  });

  it('makes no name another one, and no text visible', () => {
    for (const at of [0, 1, 3]) expect(foldCase(`${'Ada'.slice(0, at)}${unseen}${'Ada'.slice(at)}`)).toBe('ada');
    expect(isBlank(` ${unseen}\u3000${unseen}\n`)).toBe(true);
    expect(isBlank(`${unseen}.`)).toBe(false);
  });
});

describe('a name is refused', () => {
  it.each([
    ['with nothing', ''],
    ['with white space alone', ' \u3000\u00a0\u2003 '],
    ['with a control character', 'a\u0007b'],
    ['with a C1 control', 'a\u0085b'],
    ['with a line break', 'a\nb'],
    ['with a line separator', 'a\u2028b'],
    ['with half a character', 'a\ud83db'],
    ['of accents alone', '\u0301\u0302\u0303'],
    ['of accents alone, with spaces', ' \u0301 \u0301'],
    ['of an enclosing mark', '\u20dd'],
    ['that begins with a vowel sign', '\u093eab'],
    ['with 31 accents on a letter', `a${'\u0301'.repeat(31)}`],
    ['with different accents on a letter', 'x\u0300\u0316\u0334\u0359\u20dd'],
    ['with the same accent twice', 'x\u0316\u0316'],
    ['with a heap of Thai vowels', `\u0e01${'\u0e47'.repeat(9)}`],
    ['with a tower of Tibetan letters', `\u0f40${'\u0f90\u0f91'.repeat(5)}`],
    ['with a joiner where nothing joins', 'سلا\u200cم'],
    ['with a joiner at the end', 'علی\u200c'],
    ['with two joiners', 'علی\u200c\u200cرضا'],
    ['with a joiner between emoji that make none', '🐶\u200d👨'],
    ['with tags that make no flag', '🏴\u{e0061}\u{e0062}\u{e007f}'],
    ['with a selector after a digit', '1\ufe0f'],
    ['with two selectors', '❤\ufe0f\ufe0f'],
    ['with a selector of Han after a letter', 'a\u{e0100}'],
  ])('%s', (_, name) => {
    expect(kept(name)).toEqual([undefined, undefined]);
  });
});

describe('a name is kept as it is', () => {
  const NAMES = [
    ...['王', 'あ', 'ق', 'a', '7', '🦭', 'Çağlar', 'İlknur', 'Nguyễn Thị Ệ', 'Ὀδυσσεύς', 'Дмитрий', 'שָׁלוֹם', 'ก็ได้ น้ำ'],
    // Persian and Urdu, with and without vowels before the joiner.
    ...['علی\u200cرضا', 'می\u200cآید', 'خانه\u200cها', 'بِ\u200cهِ', 'مُحَمَّد'],
    // Sinhala, Malayalam with its older form of a final consonant, Bengali, Devanagari, Kannada.
    ...['ශ්\u200dරී', 'ක්\u200dෂ', 'പ്രവീണ്\u200d', 'അനിവര്\u200d', 'র\u200d্যাব', 'ক্\u200cষ', 'क्\u200dष', 'ರ\u200d್ಕ'],
    ...['རྒྱལ་མཚན', 'བསྒྲུབས', 'ཧཱུྂ', 'ကြွှို့', 'ᠰᠠᠶᠢᠨ\u180b', 'ᠴᠠᠭᠠ\u180eᠠ', 'កម្ពុជា'],
    ...['👨‍👩‍👧‍👦', '👩🏽‍🚀', '🏳️‍🌈', '🏳‍🌈', '🏴‍☠️', '🇹🇷', '🏴󠁧󠁢󠁳󠁣󠁴󠁿', '1️⃣', '#⃣', '❤️', '❤', '❤︎', '👍🏿', '☝🏽', '👁️‍🗨️', '👁‍🗨'],
    ...['ada 👩‍💻 lovelace', '葛\u{e0100}城', 'x\u0325\u0301\u0330'.normalize('NFC'), 'O’Brien', 'a\u0332'],
  ];

  it.each(cases(NAMES))('$shown', ({ text }) => {
    expect(kept(text)).toEqual([text.normalize('NFKC'), text]);
    expect(isBlank(text)).toBe(false);
  });

  it('but for the form of an emoji that becomes letters', () => {
    expect(normalizeUsername('Acme ™\ufe0f ㊗\ufe0f ‼\ufe0e')).toBe('Acme TM 祝 !!');
  });
});

describe('of any text', () => {
  const unit = fc.oneof(
    fc.constantFrom(
      ...LEAVES_NO_TRACE,
      'a',
      'ی',
      'ر',
      '\u094d',
      'क',
      '❤',
      '👩',
      '🚀',
      '\u0301',
      '\u093e',
      ' ',
      '1',
      '\u20e3',
    ),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  );
  const anyText = fc.array(unit, { maxLength: 12 }).map((parts) => parts.join(''));

  it('a name that is kept shows something, and not what another one shows', () => {
    fc.assert(
      fc.property(anyText, fc.constantFrom(...LEAVES_NO_TRACE), fc.nat(12), (text, unseen, at) => {
        if (faultOfLook(text) !== undefined) return;
        expect(isBlank(text)).toBe(false);
        expect(foldCase(text)).not.toBe('');
        const units = [...text];
        const twin = [...units.slice(0, at), unseen, ...units.slice(at)].join('');
        expect(foldCase(twin.replace(unseen, ''))).toBe(foldCase(text));
        if (faultOfLook(twin) === undefined) expect(foldCase(twin)).toBe(foldCase(text));
      }),
      { numRuns: 2_000 },
    );
  });

  it('a name that is kept is kept again', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        for (const normalize of [normalizeUsername, normalizeRoomName]) {
          let once: string;
          try {
            once = normalize(text);
          } catch {
            continue;
          }
          expect(normalize(once)).toBe(once);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
