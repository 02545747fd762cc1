import { expect, it } from 'vitest';
import type { Connection } from '../connection.ts';
import { SubscriptionQueue } from './subscription-queue.ts';

const connection = (id: string) => ({ id }) as Connection;

it('runs the changes of one connection one after another, however they end, and those of others beside them', async () => {
  const queue = new SubscriptionQueue();
  const ada = connection('ada');
  const seen: string[] = [];
  const begun = Promise.withResolvers<void>();
  queue.add(ada, begun.promise);
  const failing = queue.run(ada, async () => {
    seen.push('first');
    throw new Error('no');
  });
  const second = queue.run(ada, async () => {
    seen.push('second');
    return 2;
  });
  expect(await queue.run(connection('can'), async () => 'beside')).toBe('beside');
  expect(seen).toEqual([]);
  begun.resolve();
  await expect(failing).rejects.toThrow('no');
  expect(await second).toBe(2);
  expect(seen).toEqual(['first', 'second']);
});

it('lets what begins later wait for all that was added', async () => {
  const queue = new SubscriptionQueue();
  const ada = connection('ada');
  const slow = Promise.withResolvers<void>();
  queue.add(ada, slow.promise);
  queue.add(ada, Promise.resolve());
  let ran = false;
  const last = queue.run(ada, async () => {
    ran = true;
  });
  await new Promise(setImmediate);
  expect(ran).toBe(false);
  slow.resolve();
  await last;
  expect(ran).toBe(true);
});

it('keeps the order of three changes while each is under way, run or added', async () => {
  const queue = new SubscriptionQueue();
  const ada = connection('ada');
  const seen: string[] = [];
  const [first, added] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const settled = () => new Promise(setImmediate);
  void queue.run(ada, () => first.promise);
  queue.add(ada, added.promise);
  const last = queue.run(ada, async () => void seen.push('last'));
  await settled();
  first.resolve();
  await settled();
  expect([seen, queue.size]).toEqual([[], 1]);
  added.resolve();
  await last;
  expect(seen).toEqual(['last']);
});

it('runs a change after one that is under way, though others have ended since then', async () => {
  const queue = new SubscriptionQueue();
  const ada = connection('ada');
  const seen: string[] = [];
  const slow = Promise.withResolvers<void>();
  await Promise.all([queue.run(ada, async () => {}), new Promise(setImmediate)]);
  void queue.run(ada, () => slow.promise);
  const last = queue.run(ada, async () => void seen.push('last'));
  await new Promise(setImmediate);
  expect([seen, queue.size]).toEqual([[], 1]);
  slow.resolve();
  await last;
  expect(seen).toEqual(['last']);
});

it('holds nothing of a connection whose changes are done', async () => {
  const queue = new SubscriptionQueue();
  await queue.run(connection('ada'), async () => {});
  await new Promise(setImmediate);
  expect(queue.size).toBe(0);
});
