import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codePoints } from '../../protocol/code-points.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { atMost, WRONG } from '../../protocol/words.ts';
import { Refusal } from './refusal.ts';
import { foldCase } from './text.ts';
import { ERASED_USERNAME, isReserved, namesLike, normalizeUsername } from './user.ts';

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

describe('namesLike', () => {
  const part = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('👩\u200d🚀', 'ی\u200cر', 'ക്\u200d', '1\ufe0f\u20e3', ' 7', '\u{10330}'),
  );
  const anyName = fc
    .array(part, { minLength: 1, maxLength: 30 })
    .map((parts) => normalized(parts.join('')))
    .filter((username) => username !== undefined);
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

  it('finds for any name others that are valid, whatever number it comes to', () => {
    fc.assert(
      fc.property(anyName, chance, (username, random) => {
        const names = namesLike(username, () => random);
        expect(names).toHaveLength(6);
        for (const name of names) {
          expect(codePoints(name)).toBeLessThanOrEqual(LIMITS.username_max);
          expect(normalized(name)).toBe(name);
        }
        // One of them may be the name itself.
        expect(new Set([...names, username].map(foldCase)).size).toBeGreaterThanOrEqual(6);
      }),
    );
  });

  it('begins with the shortest number', () => {
    const names = ['Ada 2', 'Ada 10', 'Ada 100', 'Ada 1000', 'Ada 10000', 'Ada 100000'];
    expect(namesLike('Ada', () => 0)).toEqual(names);
    expect(namesLike('Ada', () => 0.999999)[0]).toBe('Ada 9');
  });

  it('counts on where a name has a number already', () => {
    expect(namesLike('ada 3', () => 0.5)[1]).toBe('ada 55');
    expect(namesLike('ada 33', () => 0)[0]).toBe('ada 2');
    expect(namesLike('7', () => 0)[0]).toBe('7 2');
  });

  it('finds none where the name itself is none that anybody may have', () => {
    expect(namesLike('ada\u2800')).toEqual([]);
    for (const name of ['Deleted User', 'deleted user 2']) expect(namesLike(name)).toEqual([]);
  });

  it('cuts no emoji and no joined letters apart', () => {
    const family = '👨\u200d👩\u200d👧\u200d👦';
    const like = (username: string) => namesLike(username, () => 0)[0];
    expect(like(`${'a'.repeat(25)}${family}`)).toBe(`${'a'.repeat(25)} 2`);
    expect(like(`${'x'.repeat(28)}ی\u200cر`)).toBe(`${'x'.repeat(28)}ی 2`);
    expect(like('ada of ankara')).toBe('ada of ankara 2');
    expect(like(`${'x'.repeat(29)} y`)).toBe(`${'x'.repeat(29)} 2`);
    expect(like(`${'x'.repeat(27)}  \u200c y`)).toBe(`${'x'.repeat(27)} 2`);
    expect(like('\u{10330}'.repeat(32))).toBe(`${'\u{10330}'.repeat(30)} 2`);
  });
});

it('calls who was erased by a name that nobody may have', () => {
  expect(ERASED_USERNAME).toBe('deleted user');
  expect(isReserved(foldCase('Deleted USER'))).toBe(true);
  expect(isReserved(foldCase('deleted user 2'))).toBe(false);
});
