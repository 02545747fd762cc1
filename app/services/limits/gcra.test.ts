import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gcra, take } from './gcra.ts';

const FIVE = gcra({ count: 5, period: 1_000, burst: 20 });

describe('take', () => {
  it('lets a burst through, then one each interval', () => {
    const state = [0];
    const at = (now: number) => take(state, 0, FIVE, now);
    for (let i = 0; i < 20; i++) expect(at(1_000)).toBe(0);
    expect(at(1_000)).toBe(200);
    expect(at(1_199)).toBe(1);
    expect(at(1_200)).toBe(0);
    expect(at(1_200)).toBe(200);
  });

  it('has the whole burst again after a rest', () => {
    const state = [0];
    for (let i = 0; i < 20; i++) take(state, 0, FIVE, 0);
    for (let i = 0; i < 20; i++) expect(take(state, 0, FIVE, 4_000)).toBe(0);
    expect(take(state, 0, FIVE, 4_000)).toBeGreaterThan(0);
  });

  it('counts each place of a state by itself', () => {
    const state = [0, 0];
    const single = gcra({ count: 1, period: 1_000, burst: 1 });
    expect([take(state, 0, single, 0), take(state, 1, single, 0), take(state, 0, single, 0)]).toEqual([0, 0, 1_000]);
  });

  it('counts one that costs more as so many, and lets one above the burst through after a rest', () => {
    const state = [0];
    const bytes = gcra({ count: 1_000, period: 1_000, burst: 100 });
    const at = (now: number, cost: number) => take(state, 0, bytes, now, cost);
    expect([at(0, 60), at(0, 60), at(0, 40), at(0, 1)]).toEqual([0, 20, 0, 1]);
    expect([at(50, 51), at(51, 51)]).toEqual([1, 0]);
    expect([at(150, 500), at(151, 500), at(650, 1)]).toEqual([1, 0, 0]);
  });

  it('never lets more through than burst and rate allow, and lets through what it said', () => {
    const steps = fc.array(fc.nat({ max: 600 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 30 }), (pauses, count, burst) => {
        const rate = gcra({ count, period: 1_000, burst });
        const state = [0];
        let now = 0;
        let passed = 0;
        for (const pause of pauses) {
          now += pause;
          const wait = take(state, 0, rate, now);
          if (wait === 0) passed++;
          else {
            if (wait > 0.01) expect(take([...state], 0, rate, now + wait - 0.01)).toBeGreaterThan(0);
            expect(take([...state], 0, rate, now + wait)).toBe(0);
          }
        }
        const elapsed = now - (pauses[0] ?? 0);
        expect(passed).toBeLessThanOrEqual(burst + (elapsed * count) / 1_000 + 0.01);
      }),
    );
  });
});
