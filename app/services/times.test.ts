import { expect, it } from 'vitest';
import { createLogger } from '../core/logger.ts';
import type { Store } from '../stores/store.ts';
import { soundTimes } from './times.ts';

const logger = createLogger({ level: 'silent', pretty: false });
const seen = (newestSeen: () => Promise<number>) => ({ users: { newestSeen } as Store['users'] });

it('counts from the clock, and where that is behind from what is known', async () => {
  const clock = { at: 500 };
  const about = { now: () => clock.at, installedAt: 300.7, logger };
  const { seenNow, issuedNow } = await soundTimes({ ...about, store: seen(async () => 400) });
  const read = (at: number) => {
    clock.at = at;
    return [seenNow(), issuedNow()];
  };
  expect([read(500), read(350), read(100)]).toEqual([
    [500, 500],
    [350, 400],
    [300, 400],
  ]);
});

it('goes by the clock and the program where users cannot be read', async () => {
  const store = seen(() => Promise.reject(new Error('no')));
  const { issuedNow } = await soundTimes({ now: () => 100, installedAt: 300, logger, store });
  expect(issuedNow()).toBe(300);
});
