import { expect, it } from 'vitest';
import { withoutJoinersInPlace } from './joiners.ts';

it.each([
  ['nothing that is not shown', 'Ada ❤ 1'],
  ['a joiner of an emoji', '👩\u200d🚀!', '👩🚀!'],
  ['a joiner and a selector of an emoji', 'a❤\ufe0f\u200d🔥b', 'a❤🔥b'],
  ['the first of two selectors', '❤\ufe0f\ufe0f', '❤\ufe0f'],
  ['a selector for text', '❤\ufe0e', '❤'],
  ['a selector of a keycap', '7\ufe0f\u20e3', '7\u20e3'],
  ['a selector of Han', '葛\u{e0101}', '葛'],
  ['selectors of Mongolian', 'ᠠ\u180bᠭ\u180eᠠ', 'ᠠᠭᠠ'],
  ['the tags of a flag', '🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}', '🏴'],
  ['a joiner after a virama', 'ක්\u200dෂ', 'ක්ෂ'],
  ['a non-joiner after a virama', 'क्\u200cष', 'क्ष'],
  ['a joiner before the virama of a Bengali ra', 'র\u200d্য', 'র্য'],
  ['a non-joiner between letters that would join', 'ی\u200cر', 'یر'],
  ['a non-joiner after a vowel', 'بِ\u064b\u200c\u064bه', 'بِ\u064b\u064bه'],
])('leaves out %s', (_, text, left = text) => {
  expect(withoutJoinersInPlace(text)).toBe(left);
});

it.each([
  ['a joiner between letters', 'a\u200db'],
  ['a non-joiner after a letter that joins to none', 'ر\u200cی'],
  ['a non-joiner before a space', 'ی\u200c ر'],
  ['a joiner between letters that join', 'ی\u200dر'],
  ['a joiner before another virama', 'क\u200d्'],
  ['a selector of Mongolian after a letter', 'a\u180b'],
  ['a selector after a digit', '7\ufe0f'],
  ['tags alone', '\u{e0067}\u{e007f}'],
])('leaves %s where it is', (_, text) => {
  expect(withoutJoinersInPlace(text)).toBe(text);
});
