import { SignJWT } from 'jose';
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

it('lasts a year from when it is known to be, though the clock is behind', async () => {
  const right = Date.parse('2026-11-28T12:00:00.000Z');
  const clock = { at: right - 5 * TOKEN_LIFETIME_MS };
  const tokens = await createTokens(
    SECRET,
    () => clock.at,
    () => Math.max(clock.at, right),
  );
  const token = await tokens.issue(ADA);
  expect(await read(tokens, token)).toEqual(ADA);
  expect(tokens.expiry()).toBe(right + TOKEN_LIFETIME_MS);
  clock.at = right + TOKEN_LIFETIME_MS - 1_000;
  expect(await read(tokens, token)).toEqual(ADA);
  clock.at += 1_000;
  expect(await read(tokens, token)).toBe('INVALID_TOKEN');
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

it('says whose it is, which one and of which generation, or it is none', async () => {
  const tokens = await createTokens(SECRET, Date.now);
  const signed = (claims: Record<string, unknown>, alg = 'HS256') =>
    new SignJWT(claims).setProtectedHeader({ alg }).sign(new TextEncoder().encode(SECRET));
  const whole = { sub: 'ada', jti: 'phone', gen: 3, exp: 9_000_000_000 };
  expect(await read(tokens, await signed(whole))).toEqual(ADA);
  const { sub, jti, gen, ...rest } = whole;
  for (const claims of [
    { jti, gen },
    { sub, gen },
    { sub, jti },
    { sub, jti, gen: '3' },
  ]) {
    await expect(tokens.verify(await signed({ ...claims, ...rest }))).rejects.toMatchObject({
      code: 'INVALID_TOKEN',
      details: { field: 'token' },
    });
  }
  expect(await read(tokens, await signed(whole, 'HS384'))).toBe('INVALID_TOKEN');
  expect(TOKEN_LIFETIME_MS).toBe(31_536_000_000);
});
