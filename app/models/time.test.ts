import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isoTime } from './time.ts';

test('begins with 1970', () => {
  expect(isoTime(5)).toBe('1970-01-01T00:00:00.005Z');
});

test('writes a time as Date does, whatever was asked for before', () => {
  const times = fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 });
  const check = (ms: number) => expect(isoTime(ms)).toBe(new Date(ms).toISOString());
  fc.assert(
    fc.property(times, fc.integer({ min: 0, max: 200_000_000 }), (ms, later) => {
      check(ms);
      check(ms + later);
    }),
  );
  for (const ms of [0, 999, 1_000, 86_399_999, 86_400_000, 951_782_400_000, -1]) check(ms);
});
