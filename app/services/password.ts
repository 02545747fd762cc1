import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { Refusal } from '../models/refusal.ts';

const derive: (algorithm: 'argon2id', parameters: Argon2Parameters) => Promise<Buffer> = promisify(argon2);

/** OWASP's second recommendation for argon2id: 19 MiB, two passes, one lane. */
const COST = { memory: 19_456, passes: 2, parallelism: 1 } as const;
const TAG_BYTES = 32;
const AT_ONCE = 2;
const WAITING_MAX = 100;

/** Hashes and checks room passwords, off the event loop, two at a time. */
export interface PasswordService {
  /** A PHC string: `$argon2id$v=19$m=…,t=…,p=…$salt$hash`. @throws Refusal `OVERLOADED` */
  hash(password: string): Promise<string>;
  /** Whether the password is the one that `phc` was made from. @throws Refusal `OVERLOADED` */
  verify(password: string, phc: string): Promise<boolean>;
}

/** Passwords are compared in NFKC, so that two keyboards write the same one. */
export function createPasswords(): PasswordService {
  const limited = limitConcurrency();
  const nfkc = (password: string) => Buffer.from(password.normalize('NFKC'));
  return {
    hash: (password) =>
      limited(async () => {
        const nonce = randomBytes(16);
        const tag = await derive('argon2id', { message: nfkc(password), nonce, ...COST, tagLength: TAG_BYTES });
        const { memory, passes, parallelism } = COST;
        return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(nonce)}$${base64(tag)}`;
      }),
    verify: (password, phc) =>
      limited(async () => {
        const { nonce, tag, cost } = parsePhc(phc);
        const given = await derive('argon2id', { message: nfkc(password), nonce, ...cost, tagLength: tag.length });
        return timingSafeEqual(given, tag);
      }),
  };
}

const base64 = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');

function parsePhc(phc: string): {
  nonce: Buffer;
  tag: Buffer;
  cost: { memory: number; passes: number; parallelism: number };
} {
  const match = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([^$]+)\$([^$]+)$/.exec(phc);
  if (match === null) throw new Error('A stored password hash is not an argon2id PHC string.');
  const [, memory, passes, parallelism, nonce = '', tag = ''] = match;
  return {
    nonce: Buffer.from(nonce, 'base64'),
    tag: Buffer.from(tag, 'base64'),
    cost: { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) },
  };
}

/** At most {@link AT_ONCE} run; at most {@link WAITING_MAX} wait, and more are refused. */
function limitConcurrency(): <T>(run: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (run) => {
    if (running >= AT_ONCE) {
      if (waiting.length >= WAITING_MAX) throw new Refusal('OVERLOADED', { retryAfterMs: 1_000 });
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else running++;
    try {
      return await run();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}
