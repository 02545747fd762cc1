import { describe, expect, it } from 'vitest';
import { acceptedLanguage, chooseLanguage, LANGUAGE_COOKIE, languageCookie, rememberedLanguage } from './language.ts';

describe('acceptedLanguage', () => {
  it.each([
    [undefined, 'en'],
    ['', 'en'],
    ['*', 'en'],
    ['de-DE,fr;q=0.8', 'en'],
    ['tr', 'tr'],
    ['tr-TR,tr;q=0.9,en-US;q=0.8,en;q=0.7', 'tr'],
    ['TR-tr', 'tr'],
    ['en-GB,tr;q=0.9', 'en'],
    ['en;q=0.2, tr;q=0.7', 'tr'],
    ['de, tr ; q=0.5, en;q=0.4', 'tr'],
    ['tr;q=0', 'en'],
    ['tr;q=x', 'tr'],
    [';;;,,,q=', 'en'],
  ])('of %j is %s', (header, locale) => {
    expect(acceptedLanguage(header)).toBe(locale);
  });
});

describe('chooseLanguage', () => {
  it('takes what is asked, then what is remembered, then what the browser prefers', () => {
    const headers = { cookie: `a=b; ${LANGUAGE_COOKIE}=tr; c=d`, 'accept-language': 'en' };
    expect(chooseLanguage('en', headers)).toBe('en');
    expect(chooseLanguage(undefined, headers)).toBe('tr');
    expect(chooseLanguage(undefined, { 'accept-language': 'tr' })).toBe('tr');
  });

  it('reads back the cookie it sets, and no other', () => {
    expect(rememberedLanguage(languageCookie('tr').split(';')[0])).toBe('tr');
    expect(rememberedLanguage(`x${LANGUAGE_COOKIE}=tr`)).toBeUndefined();
    expect(rememberedLanguage(`${LANGUAGE_COOKIE}=<script>`)).toBeUndefined();
  });
});
