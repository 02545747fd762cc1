import { argon2Sync } from 'node:crypto';
import { expect, it } from 'vitest';
import { createPasswords } from './password.ts';

it('knows the password that a hash was made from, in whatever compatibility form', async () => {
  const passwords = createPasswords();
  const phc = await passwords.hash('Ａnkara ﬁş');
  expect(phc).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
  expect(await passwords.verify('Ankara fiş', phc)).toBe(true);
  expect(await passwords.verify('ankara fiş', phc)).toBe(false);
  expect(await passwords.hash('Ａnkara ﬁş')).not.toBe(phc);
});

it('takes the costs of an older hash from it', async () => {
  const nonce = Buffer.from('somesaltsomesalt');
  const tag = argon2Sync('argon2id', {
    message: 'password',
    nonce,
    memory: 88,
    passes: 10,
    parallelism: 11,
    tagLength: 16,
  });
  const base64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');
  const phc = `$argon2id$v=19$m=88,t=10,p=11$${base64(nonce)}$${base64(tag)}`;
  expect(await createPasswords().verify('password', phc)).toBe(true);
});

it.each([
  '',
  'x',
  '$argon2i$v=19$m=64,t=3,p=2$c2FsdA$dGFn',
  ' $argon2id$v=19$m=64,t=3,p=2$c2FsdA$dGFn',
  '$argon2id$v=19$m=64,t=3,p=2$c2FsdA$dGFn$',
])('takes %j for a fault of the store', async (phc) => {
  await expect(createPasswords().verify('password', phc)).rejects.toThrow('A stored password hash is not');
});

it('lets a hundred wait, and refuses more until there is room again', async () => {
  const passwords = createPasswords();
  const cheap = '$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAA';
  const verify = () => passwords.verify('password', cheap);
  const all = Array.from({ length: 102 }, verify);
  await expect(verify()).rejects.toMatchObject({ code: 'OVERLOADED', details: { retryAfterMs: 1_000 } });
  expect(await Promise.all(all)).toEqual(Array(102).fill(false));
  expect(await Promise.all(Array.from({ length: 102 }, verify))).toEqual(Array(102).fill(false));
});
