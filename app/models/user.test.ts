import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codePoints } from '../../protocol/code-points.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { atMost, WRONG } from '../../protocol/words.ts';
import { Refusal } from './refusal.ts';
import { foldCase } from './text.ts';
import { alternativeNames, ERASED_USERNAME, mayTakeName, normalizeUsername } from './user.ts';

const anyText = fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.string({ unit: 'grapheme', maxLength: 40 }));

/** The name as kept, or undefined when it is refused. */
function normalized(name: string): string | undefined {
  try {
    return normalizeUsername(name);
  } catch (error) {
    if (error instanceof Refusal && error.code === 'INVALID_INPUT' && error.details.field === 'username')
      return undefined;
    throw error;
  }
}

describe('normalizeUsername', () => {
  it('keeps what it gives: a name normalised twice is the same', () => {
    fc.assert(
      fc.property(anyText, (name) => {
        const once = normalized(name);
        fc.pre(once !== undefined);
        expect(normalized(once)).toBe(once);
        expect(codePoints(once)).toBeGreaterThanOrEqual(LIMITS.username_min);
        expect(codePoints(once)).toBeLessThanOrEqual(LIMITS.username_max);
        expect(once).toBe(once.normalize('NFKC').trim());
      }),
    );
  });

  it.each(['a\u200bda', 'a\u202eda', 'a\u0000da', 'a\u2066da', 'ad\ufeffa', 'a\ud800da', 'a\u3164da'])(
    'refuses %j',
    (name) => {
      expect(normalized(name)).toBeUndefined();
    },
  );

  it.each([
    ['a'.repeat(LIMITS.username_max + 1), atMost(LIMITS.username_max)],
    ['', WRONG.blank],
    ['a\ue000', WRONG.strange],
    ['a\u{3fffd}', WRONG.strange],
    ['\u0301', WRONG.loneMark],
  ])('says what is wrong with %j', (name, detail) => {
    const refusal = { code: 'INVALID_INPUT', details: { field: 'username', detail } };
    expect(() => normalizeUsername(name)).toThrow(expect.objectContaining(refusal));
  });

  it('writes compatibility forms in one way', () => {
    expect(normalizeUsername('ａｄａ')).toBe('ada');
    expect(normalizeUsername('  ada   lovelace ')).toBe('ada lovelace');
  });
});

describe('foldCase', () => {
  it('takes İ I ı i for one letter, and ignores case', () => {
    const keys = ['İSTANBUL', 'istanbul', 'ISTANBUL', 'ıstanbul', 'i\u0307stanbul', 'Iſtanbul'].map(foldCase);
    expect(new Set(keys).size).toBe(1);
    expect(foldCase('STRASSE')).toBe(foldCase('straße'));
    expect(foldCase('ΣΑΣ')).toBe('σασ');
    expect(foldCase('σας')).toBe('σασ');
  });

  it('gives one key to a text in any case, and the same key again for that key', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(foldCase(foldCase(text))).toBe(foldCase(text));
        expect(foldCase(text.normalize('NFKC').toUpperCase())).toBe(foldCase(text));
      }),
    );
  });
});

describe('alternativeNames', () => {
  it('gives names that fit and differ', () => {
    const part = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('👩\u200d🚀', 'ی\u200cر', 'ക്\u200d', '1\ufe0f\u20e3'),
    );
    const name = fc.array(part, { minLength: 1, maxLength: 30 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(name, (wanted) => {
        const username = normalized(wanted);
        fc.pre(username !== undefined);
        const names = alternativeNames(username, 120);
        expect(new Set(names).size).toBe(120);
        for (const alternative of names) {
          expect(codePoints(alternative)).toBeLessThanOrEqual(LIMITS.username_max);
          expect(normalized(alternative)).toBe(alternative);
        }
      }),
    );
  });

  it('cuts no emoji and no joined letters apart', () => {
    const family = '👨\u200d👩\u200d👧\u200d👦';
    expect(alternativeNames(`${'a'.repeat(25)}${family}`, 1)).toEqual([`${'a'.repeat(25)} 2`]);
    expect(alternativeNames(`${'x'.repeat(28)}ی\u200cر`, 1)).toEqual([`${'x'.repeat(28)}ی 2`]);
    expect(alternativeNames(`${'x'.repeat(29)} y`, 1)).toEqual([`${'x'.repeat(29)} 2`]);
    expect(alternativeNames(`${'x'.repeat(27)}  \u200c y`, 1)).toEqual([`${'x'.repeat(27)} 2`]);
    expect(alternativeNames('ada', 2)).toEqual(['ada 2', 'ada 3']);
  });
});

it('calls who was erased by no name of its own', () => {
  expect(ERASED_USERNAME).toBe('deleted user');
});

describe('mayTakeName', () => {
  it.each([
    { holder: undefined, absent: null, may: true },
    { holder: { id: 'a', has_company: false }, absent: 'a', may: true },
    { holder: { id: 'a', has_company: true }, absent: 'a', may: false },
    { holder: { id: 'b', has_company: false }, absent: 'a', may: false },
    { holder: { id: 'b', has_company: false }, absent: null, may: false },
  ])('$holder while $absent was found to be away: $may', ({ holder, absent, may }) => {
    expect(mayTakeName(holder, absent)).toBe(may);
  });
});
