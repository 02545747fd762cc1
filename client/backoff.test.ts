import { describe, expect, it, vi } from 'vitest';
import { Backoff, Sleep } from './backoff.ts';

describe('Backoff', () => {
  it('doubles the range of the jitter up to 30 s, from 0', () => {
    const highest = new Backoff(() => 1);
    expect(Array.from({ length: 9 }, () => highest.next())).toEqual([
      500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000,
    ]);
    expect(new Backoff(() => 0).next()).toBe(0);
  });

  it('never waits less than the server asked, once', () => {
    const backoff = new Backoff(() => 0.5);
    backoff.ask(5_000);
    backoff.ask(2_000);
    backoff.ask(undefined);
    expect(backoff.next()).toBe(5_250);
    expect(backoff.next()).toBe(500);
  });

  it('begins anew after success, or nearly so when that may not last', () => {
    const backoff = new Backoff(() => 1);
    for (let i = 0; i < 10; i++) backoff.next();
    backoff.ease();
    expect(backoff.next()).toBe(4_000);
    backoff.reset();
    expect(backoff.next()).toBe(500);
  });
});

describe('Sleep', () => {
  it('can be cut short', async () => {
    vi.useFakeTimers();
    const sleep = new Sleep();
    const slept = sleep.for(60_000);
    sleep.wake();
    await slept;
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });
});
