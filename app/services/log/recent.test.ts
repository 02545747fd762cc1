import { describe, expect, it } from 'vitest';
import type { System } from '../../../protocol/message.ts';
import type { LogEntry } from '../../stores/store.ts';
import { type DeliveredEntry, missedEntries, RecentEntries } from './recent.ts';

const entry = (room_id: string, rev: number, about: { user_id?: string; system?: System } = {}): DeliveredEntry => ({
  from: rev - 1,
  entry: { message: { room_id, seq: rev, rev, user_id: 'ada', ...about } } as unknown as LogEntry,
});
const joined = (room_id: string, rev: number, user_id: string) =>
  entry(room_id, rev, { user_id, system: { type: 'user_joined', user_id, username: user_id } });
const left = (room_id: string, rev: number, user_id: string) =>
  entry(room_id, rev, { user_id, system: { type: 'user_left', user_id, username: user_id } });

/** Entries among which some have come and gone before. */
function used(max?: number): RecentEntries {
  const recent = new RecentEntries(max);
  const bookmark = recent.open();
  for (let rev = 1; rev <= 3; rev++) recent.add(entry('before', rev));
  recent.close(bookmark);
  return recent;
}

/** The numbers found for each room. */
const numbers = (found: Map<string, DeliveredEntry[]>) =>
  Object.fromEntries([...found].map(([room_id, entries]) => [room_id, entries.map((one) => one.entry.message.rev)]));

const ROOMS = new Set(['r', 's']);

describe('entries delivered since a bookmark', () => {
  it('are found for the rooms asked for, in order', () => {
    const recent = used();
    const early = recent.open();
    recent.add(entry('r', 1));
    const late = recent.open();
    for (const one of [entry('s', 1), entry('r', 2), entry('other', 1), entry('r', 3)]) recent.add(one);
    expect(numbers(recent.since(early, ROOMS))).toEqual({ r: [1, 2, 3], s: [1] });
    expect(numbers(recent.since(late, ROOMS))).toEqual({ r: [2, 3], s: [1] });
    recent.close(early);
    expect(numbers(recent.since(late, ROOMS))).toEqual({ r: [2, 3], s: [1] });
  });

  it('are kept only while somebody looks back', () => {
    const recent = used();
    recent.add(entry('r', 1));
    const bookmark = recent.open();
    expect(numbers(recent.since(bookmark, ROOMS))).toEqual({});
    recent.add(entry('r', 2));
    recent.close(bookmark);
    const later = recent.open();
    expect(recent.reachesBackTo(bookmark)).toBe(false);
    expect(recent.reachesBackTo(later)).toBe(true);
    recent.add(entry('r', 3));
    expect(numbers(recent.since(bookmark, ROOMS))).toEqual({ r: [3] });
    expect(numbers(recent.since(later, ROOMS))).toEqual({ r: [3] });
  });

  it('are dropped by the older half when there are too many, which shows', () => {
    const recent = used(4);
    const bookmark = recent.open();
    for (let rev = 1; rev <= 4; rev++) recent.add(entry('r', rev));
    expect(recent.reachesBackTo(bookmark)).toBe(true);
    recent.add(entry('r', 5));
    expect(recent.reachesBackTo(bookmark)).toBe(false);
    expect(numbers(recent.since(bookmark, ROOMS))).toEqual({ r: [3, 4, 5] });
    expect(recent.membershipsSince(bookmark, 'ada').size).toBe(0);
  });

  it('are dropped in large steps below the oldest bookmark that is left', () => {
    const recent = used();
    const first = recent.open();
    for (let rev = 1; rev <= 1_024; rev++) recent.add(entry('r', rev));
    const second = recent.open();
    recent.close(first);
    expect(recent.reachesBackTo(first)).toBe(true);
    recent.add(entry('r', 1_025));
    const third = recent.open();
    recent.close(second);
    expect(recent.reachesBackTo(first)).toBe(false);
    expect(recent.reachesBackTo(third)).toBe(true);
    recent.add(entry('r', 1_026));
    expect(numbers(recent.since(third, ROOMS))).toEqual({ r: [1_026] });
  });
});

it('tells in which rooms a membership began or ended since a bookmark, by the highest number', () => {
  const recent = used();
  const early = recent.open();
  recent.add(joined('before', 1, 'ada'));
  const bookmark = recent.open();
  for (const one of [joined('r', 1, 'ada'), joined('s', 1, 'can'), left('t', 1, 'ada'), entry('u', 1)]) recent.add(one);
  const { system, ...edited } = joined('v', 1, 'ada').entry.message;
  recent.add({ from: 1, entry: { message: { ...edited, ...(system && { system }), rev: 2 } } as unknown as LogEntry });
  const found = { r: true, t: false };
  expect(Object.fromEntries(recent.membershipsSince(bookmark, 'ada'))).toEqual(found);
  expect(Object.fromEntries(recent.membershipsSince(early, 'ada'))).toEqual({ before: true, ...found });
  for (const one of [left('r', 5, 'ada'), joined('r', 4, 'ada'), left('s', 6, 'can')]) recent.add(one);
  expect(recent.membershipsSince(bookmark, 'ada').get('r')).toBe(false);
});

it('knows a deleted room for as long as a snapshot may hold it', () => {
  const recent = used();
  recent.addDeleted('unread');
  expect(recent.isDeleted('unread')).toBe(false);
  const first = recent.open();
  recent.addDeleted('r');
  recent.add(entry('x', 1));
  const second = recent.open();
  recent.addDeleted('s');
  expect([recent.isDeleted('r'), recent.isDeleted('s')]).toEqual([true, true]);
  recent.close(first);
  expect([recent.isDeleted('r'), recent.isDeleted('s')]).toEqual([false, true]);
  recent.close(second);
  expect(recent.isDeleted('s')).toBe(false);
});

describe('what was missed', () => {
  const of = (...revs: number[]) => revs.map((rev) => entry('r', rev));
  const told = (known: number, cursor: number, delivered: DeliveredEntry[]) =>
    missedEntries(delivered, known, cursor)?.map(({ message }) => message.rev);

  it('is what lies above, each once', () => {
    expect(told(2, 4, of(1, 2, 3, 4))).toEqual([3, 4]);
    expect(told(4, 4, of(3, 4))).toEqual([]);
    expect(told(0, 0, [])).toEqual([]);
    expect(told(0, 2, [...of(1), ...of(1), ...of(2)])).toEqual([1, 2]);
  });

  it('is not known when an entry is missing, in front, in between or at the end', () => {
    expect(told(1, 4, of(3, 4))).toBeUndefined();
    expect(told(1, 4, of(2, 4))).toBeUndefined();
    expect(told(1, 4, of(2, 3))).toBeUndefined();
    expect(told(0, 1, [])).toBeUndefined();
  });

  it('may leap over numbers that an overtaken change had', () => {
    expect(missedEntries([{ ...entry('r', 5), from: 2 }], 2, 5)).toHaveLength(1);
    expect(missedEntries([{ ...entry('r', 5), from: 2 }], 1, 5)).toBeUndefined();
  });
});
