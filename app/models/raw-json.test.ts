import { expect, it } from 'vitest';
import { RawJson } from './raw-json.ts';

it('is the JSON of its value, and goes into other JSON as that value', () => {
  const made = RawJson.of({ a: [1, 'ı'] });
  expect(made.json).toBe('{"a":[1,"ı"]}');
  expect(JSON.stringify({ inner: made })).toBe('{"inner":{"a":[1,"ı"]}}');
  expect(JSON.stringify(new RawJson('[2]'))).toBe('[2]');
});
