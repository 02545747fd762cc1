import { expect, it } from 'vitest';
import { Activity } from './activity.ts';

it('writes a place that is behind, but not that of the room that stands first, until it is a second old', () => {
  const activity = new Activity();
  expect(activity.note(1_000)).toBe(1_000);
  expect(activity.next(1_000, 1_999)).toBeNull();
  expect(activity.next(1_000, 2_000)).toBe(2_000);
  expect(activity.next(1_500, 2_100)).toBe(2_100);
  expect(activity.next(2_000, 2_200)).toBe(2_200);
});

it('writes the first place that it meets, since it does not know what was before', () => {
  expect(new Activity().next(1_000, 1_001)).toBe(1_001);
});

it('takes no activity for older than one before, though the clock says so, unless it was set back', () => {
  const activity = new Activity();
  activity.note(5_000);
  expect(activity.next(1_000, 4_900)).toBe(5_001);
  activity.settle(3_000);
  expect(activity.next(2_999, 3_001)).toBe(3_001);
});

it('writes fifty a second that are less than a second behind, and any that are more', () => {
  const activity = new Activity();
  activity.note(1_000);
  const written = (at: number) =>
    Array.from({ length: 60 }, () => activity.next(999, at) !== null).filter(Boolean).length;
  expect([written(1_001), written(1_500), activity.next(100, 1_500)]).toEqual([50, 0, 1_500]);
  expect(activity.next(1_400, 2_000)).toBe(2_000);
});
