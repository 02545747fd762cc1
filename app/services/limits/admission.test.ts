import { describe, expect, it } from 'vitest';
import type { Refusal } from '../../models/refusal.ts';
import { Admission } from './admission.ts';

function admissionAt(options: { atOnce: number; waiting: number; perSecond: number }) {
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
    const { admission } = admissionAt({ atOnce: 1, waiting: 2, perSecond: 1_000 });
    const order: string[] = [];
    const leave = await admission.admit();
    const waiting = ['second', 'third'].map(async (name) => {
      const done = await admission.admit();
      order.push(name);
      done();
    });
    expect((await refusalOf(admission.admit())).code).toBe('OVERLOADED');
    expect(order).toEqual([]);
    leave();
    await Promise.all(waiting);
    expect(order).toEqual(['second', 'third']);
  });

  it('gives back the place', async () => {
    const { admission, clock } = admissionAt({ atOnce: 1, waiting: 1, perSecond: 10 });
    for (let i = 0; i < 20; i++) {
      (await admission.admit())();
      clock.now += 100;
    }
  });

  it('tells each one that it sends away a time of its own, a second from now at the earliest', async () => {
    const { admission, clock } = admissionAt({ atOnce: 1, waiting: 0, perSecond: 100 });
    await admission.admit();
    const waits: number[] = [];
    for (let i = 0; i < 5_000; i++) waits.push((await refusalOf(admission.admit())).details.retryAfterMs ?? 0);
    expect(waits.slice(0, 4)).toEqual([1_000, 1_010, 1_020, 1_030]);
    expect(Math.max(...waits)).toBeLessThanOrEqual(15_000);
    // Beyond the schedule, where a time of its own is not to be had, at random in its later half.
    expect(Math.min(...waits.slice(1_401))).toBeGreaterThanOrEqual(7_500);
    expect(new Set(waits).size).toBeGreaterThan(1_500);
    clock.now += 15_000;
    expect((await refusalOf(admission.admit())).details.retryAfterMs).toBe(1_000);
  });

  it('tells them to come at twice the pace at which the work has been going', async () => {
    const { admission, clock } = admissionAt({ atOnce: 1, waiting: 0, perSecond: 1_000 });
    for (let i = 0; i < 500; i++) {
      const leave = await admission.admit();
      clock.now += 100;
      leave();
    }
    await admission.admit();
    const waits: number[] = [];
    for (let i = 0; i < 4; i++) waits.push((await refusalOf(admission.admit())).details.retryAfterMs ?? 0);
    expect(waits).toEqual([1_000, 1_050, 1_100, 1_150]);
  });

  it('shares the pace of the work among the places', async () => {
    const { admission, clock } = admissionAt({ atOnce: 2, waiting: 0, perSecond: 1_000 });
    for (let i = 0; i < 500; i++) {
      const leave = await admission.admit();
      clock.now += 100;
      leave();
    }
    await Promise.all([admission.admit(), admission.admit()]);
    const waits: number[] = [];
    for (let i = 0; i < 3; i++) waits.push((await refusalOf(admission.admit())).details.retryAfterMs ?? 0);
    expect(waits).toEqual([1_000, 1_025, 1_050]);
  });

  it('lets no more wait however long they have waited, and no more in than its rate however soon they leave', async () => {
    const { admission, clock } = admissionAt({ atOnce: 1, waiting: 1, perSecond: 10 });
    const leave = await admission.admit();
    const second = admission.admit();
    clock.now += 60_000;
    expect((await refusalOf(admission.admit())).code).toBe('OVERLOADED');
    leave();
    (await second)();
    clock.now += 60_000;
    for (let i = 0; i < 2; i++) (await admission.admit())();
    expect((await refusalOf(admission.admit())).code).toBe('OVERLOADED');
  });
});
