import fc from 'fast-check';
import { expect, it } from 'vitest';
import { WRONG } from '../../protocol/words.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';

const text = fc.string({ unit: 'binary' }).filter((value) => !value.includes('\0'));

it('gives back what it was made from', () => {
  fc.assert(
    fc.property(text, fc.maxSafeInteger(), (text, number) => {
      const cursor = encodeCursor([text, number]);
      expect(cursor).toMatch(/^[\w-]+$/);
      expect(decodeCursor(cursor, ['string', 'number'])).toEqual([text, number]);
    }),
  );
});

it('refuses anything else, on `after`', () => {
  const refusal = { code: 'INVALID_INPUT', details: { field: 'after', detail: WRONG.noCursor } };
  const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const wrong = [
    '',
    'x',
    '{',
    base64({ 0: 'a', 1: 1, length: 2 }),
    base64(['a']),
    base64(['a', 1, 1]),
    base64([1, 'a']),
    base64(['a', 1.5]),
    base64(['a', 2 ** 53]),
    Buffer.from('["a",1e999]').toString('base64url'),
    base64(['a\0', 1]),
    Buffer.from('["\\ud800",1]').toString('base64url'),
  ];
  for (const cursor of [...wrong, base64(['a', 'b']), base64(null), base64('ab')]) {
    expect(() => decodeCursor(cursor, ['string', 'number']), cursor).toThrow(expect.objectContaining(refusal));
  }
});
