import { expect, it } from 'vitest';
import { INVISIBLE, isBlank } from './blank.ts';

const EMPTY = ['', ' ', '\t\n', '\u00a0\u3000', '\u0000\u0007\u0085', '\u200b', '\u{e0041}', '\ufff9\ufffa\ufffb'];
const GLYPHS = ['\u2800', '\ufffc', '\u{16fe4}', '\u{1bc9d}', '\u{1d159}', '\u{13441}', '\u{13442}', '\u3164'];

it.each([...EMPTY, ...GLYPHS, [...EMPTY, ...GLYPHS].join('')])('shows nothing: %j', (text) => {
  expect(isBlank(text)).toBe(true);
  expect(isBlank(`${text}.${text}`)).toBe(false);
});

it.each(['.', 'ş', '\u0301', '\ue000', '\u{3fffd}', '\u2801', '\ufffd', '🦭', '\u0600'])(
  'shows something: %j',
  (text) => {
    expect(isBlank(text)).toBe(false);
  },
);

it('is a class without white space', () => {
  expect(' \n').not.toMatch(new RegExp(`[${INVISIBLE}]`, 'u'));
  for (const glyph of GLYPHS) expect(glyph).toMatch(new RegExp(`^[${INVISIBLE}]$`, 'u'));
});
