import { expect, it } from 'vitest';
import { Refusal } from '../models/refusal.ts';
import { createTokens, TOKEN_LIFETIME_MS } from './token.ts';

const SECRET = 'a secret of at least thirty-two bytes';
const ADA = { user_id: 'ada', token_id: 'phone', generation: 3 };

/** What becomes of a token: whose it is, or the code of the refusal. */
const read = (tokens: Awaited<ReturnType<typeof createTokens>>, token: string) =>
  tokens.verify(token).catch((error: unknown) => (error instanceof Refusal ? error.code : String(error)));

it('is good for a year, and no longer', async () => {
  const clock = { at: Date.parse('2026-11-28T12:00:00.000Z') };
  const tokens = await createTokens(SECRET, () => clock.at);
  const token = await tokens.issue(ADA);
  expect(await read(tokens, token)).toEqual(ADA);
  clock.at += TOKEN_LIFETIME_MS - 1_000;
  expect(await read(tokens, token)).toEqual(ADA);
  const renewed = await tokens.issue(ADA);
  clock.at += 1_000;
  expect(await read(tokens, token)).toBe('INVALID_TOKEN');
  expect(await read(tokens, renewed)).toEqual(ADA);
  clock.at += TOKEN_LIFETIME_MS;
  expect(await read(tokens, renewed)).toBe('INVALID_TOKEN');
});

it('is nobody else’s to make or to change', async () => {
  const now = () => Date.parse('2026-11-28T12:00:00.000Z');
  const tokens = await createTokens(SECRET, now);
  const token = await tokens.issue(ADA);
  const other = await createTokens(`${SECRET}, another`, now);
  expect(await read(tokens, await other.issue(ADA))).toBe('INVALID_TOKEN');
  const [head = '', body = '', signature = ''] = token.split('.');
  const coded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as object;
  for (const forged of [
    `${head}.${coded({ ...claims, sub: 'can' })}.${signature}`,
    `${coded({ alg: 'none' })}.${body}.`,
    `${coded({ alg: 'none' })}.${body}.${signature}`,
    `${head}.${body}`,
    `${head}.${body}.${signature.slice(1)}`,
    'x',
    '',
  ])
    expect(await read(tokens, forged), forged).toBe('INVALID_TOKEN');
});
