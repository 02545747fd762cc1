import { expect, it } from 'vitest';
import { WRONG } from '../../protocol/words.ts';
import { Refusal } from './refusal.ts';

it('tells its code and words, in the language asked for', () => {
  const refusal = new Refusal('WRONG_PASSWORD');
  expect([refusal.name, refusal.message]).toEqual(['Refusal', 'The password is wrong.']);
  expect(refusal.body('en')).toStrictEqual({ code: 'WRONG_PASSWORD', message: 'The password is wrong.' });
  expect(refusal.body('tr')).toStrictEqual({ code: 'WRONG_PASSWORD', message: 'Parola yanlış.' });
});

it('tells the field and what is wrong with it, and how long to wait', () => {
  const wrong = new Refusal('INVALID_INPUT', { field: 'name', detail: WRONG.blank });
  expect(wrong.message).toBe('The room name must not be blank.');
  expect(wrong.body('tr')).toStrictEqual({ code: 'INVALID_INPUT', message: 'Oda adı boş olamaz.', field: 'name' });
  const taken = new Refusal('USERNAME_TAKEN', { field: 'username' });
  expect(taken.body('en')).toStrictEqual({ code: 'USERNAME_TAKEN', message: 'This name is taken.', field: 'username' });
  expect(new Refusal('USERNAME_TAKEN', { suggestion: 'ada 7' }).body('tr')).toStrictEqual({
    code: 'USERNAME_TAKEN',
    message: 'Bu ad alınmış. “ada 7” boşta.',
    suggestion: 'ada 7',
  });
  const late = new Refusal('OVERLOADED', { retryAfterMs: 0 });
  expect(late.body('en')).toStrictEqual({
    code: 'OVERLOADED',
    message: 'The server is busy. Try again in 1 second.',
    retry_after_ms: 0,
  });
});

it('keeps the fault that it came from', () => {
  const cause = new Error('disk');
  expect(new Refusal('UNAVAILABLE', {}, { cause }).cause).toBe(cause);
});
