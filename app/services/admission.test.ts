import { describe, expect, it } from 'vitest';
import type { Refusal } from '../models/refusal.ts';
import { Admission } from './admission.ts';

function admissionAt(options = { atOnce: 2, waiting: 3, perSecond: 1_000 }) {
  const clock = { now: 0 };
  return { admission: new Admission({ ...options, now: () => clock.now }), clock };
}

const refusalOf = (attempt: Promise<unknown>): Promise<Refusal> =>
  attempt.then(
    () => Promise.reject(new Error('it was let in')),
    (refusal: Refusal) => refusal,
  );

describe('Admission', () => {
  it('lets in so many at once, lets some wait in order, and sends the rest away', async () => {
    const { admission } = admissionAt({ atOnce: 2, waiting: 2, perSecond: 1_000_000 });
    const order: string[] = [];
    const enter = async (name: string) => {
      const leave = await admission.enter();
      order.push(name);
      return leave;
    };
    // The burst of the rate is as long as the queue, so the clock of this test would send the third away.
    const patient = new Admission({ atOnce: 1, waiting: 8, perSecond: 1, now: () => 0 });
    const leaveFirst = await patient.enter();
    const second = patient.enter().then((leave) => {
      order.push('second');
      return leave;
    });
    const third = patient.enter().then((leave) => {
      order.push('third');
      return leave;
    });
    await Promise.resolve();
    expect(order).toEqual([]);
    leaveFirst();
    (await second)();
    (await third)();
    expect(order).toEqual(['second', 'third']);
    await Promise.all([enter('a'), enter('b')]);
    expect((await refusalOf(admission.enter())).code).toBe('OVERLOADED');
  });

  it('gives back the place', async () => {
    const { admission, clock } = admissionAt({ atOnce: 1, waiting: 1, perSecond: 10 });
    for (let i = 0; i < 20; i++) {
      (await admission.enter())();
      clock.now += 100;
    }
  });

  it('tells each one that it sends away a time of its own, a second from now at the earliest', async () => {
    const { admission } = admissionAt({ atOnce: 1, waiting: 1, perSecond: 100 });
    await admission.enter();
    const waits: number[] = [];
    for (let i = 0; i < 5_000; i++) waits.push((await refusalOf(admission.enter())).details.retryAfterMs ?? 0);
    expect(waits.slice(0, 4)).toEqual([1_000, 1_010, 1_020, 1_030]);
    expect(Math.max(...waits)).toBeLessThanOrEqual(30_000);
    expect(new Set(waits).size).toBeGreaterThan(3_000);
  });
});
