import { expect, it, vi } from 'vitest';
import { Turns } from './turns.ts';

it('gives one turn of the event loop to one after another, and lets other things happen in between', async () => {
  const turns = new Turns();
  const happened: string[] = [];
  let isOver = false;
  const tick = () => {
    happened.push('turn');
    if (!isOver) setImmediate(tick);
  };
  const work = async (name: string, slices: number) => {
    for (let i = 1; i <= slices; i++) {
      await turns.next();
      happened.push(`${name}${i}`);
    }
  };
  setImmediate(tick);
  await Promise.all([work('a', 3), work('b', 1), work('c', 2)]);
  await work('d', 1);
  isOver = true;
  const slices = happened.filter((what) => what !== 'turn');
  expect(slices).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3', 'd1']);
  const between = happened.join(' ').split(/\w\d/).slice(1, -1);
  for (const turn of between) expect(turn).toContain('turn');
});

it('asks for no turn when nothing waits', async () => {
  vi.useFakeTimers({ toFake: ['setImmediate'] });
  const turns = new Turns();
  const done = Promise.all([turns.next(), turns.next()]);
  for (const left of [1, 0]) {
    vi.advanceTimersToNextTimer();
    expect(vi.getTimerCount()).toBe(left);
  }
  await done;
  vi.useRealTimers();
});
