import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { LogEntry } from '../stores/store.ts';
import type { Connection } from './delivery.ts';
import { RoomLog } from './room-log.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const entry = (rev: number) => ({ message: { room_id: 'r', rev } }) as unknown as LogEntry;

/** A log whose reads fail until `heal` is called, and then answer the first entry. */
function failing() {
  const seen = { reads: 0, delivered: [] as number[], givenUp: 0 };
  let fails = true;
  const log = new RoomLog({
    room_id: 'r',
    cursor: 0,
    read: async () => {
      seen.reads++;
      if (fails) throw new Error('no');
      return { entries: [entry(1)], has_more: false };
    },
    deliver: ({ message }) => seen.delivered.push(message.rev),
    late: () => {},
    pass: () => {},
    admit: () => {},
    giveUp: () => void seen.givenUp++,
    logger: pino({ level: 'silent' }),
  });
  const heal = () => {
    fails = false;
  };
  return { log, seen, heal };
}

it('reads once a second what is missing while reading fails, however much comes meanwhile', async () => {
  const { log, seen, heal } = failing();
  for (let second = 0; second < 5; second++) {
    for (let i = 2; i < 12; i++) log.take(entry(second * 10 + i));
    await vi.advanceTimersByTimeAsync(1_000);
  }
  expect(seen.reads).toBe(6);
  expect(seen.delivered).toEqual([]);
  heal();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(seen.delivered).toEqual(Array.from({ length: 51 }, (_, i) => i + 1));
  log.end();
  expect(vi.getTimerCount()).toBe(0);
});

it('lets nobody wait for what cannot be read, and gives up once it holds too much', async () => {
  const { log, seen } = failing();
  const reached = expect(log.reach(1)).rejects.toThrow('no');
  await vi.advanceTimersByTimeAsync(1_000);
  await reached;
  for (let i = 2; i < 10_000; i++) log.take(entry(i));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(seen.givenUp).toBe(0);
  for (let i = 10_000; i < 10_010; i++) log.take(entry(i));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(seen.givenUp).toBe(1);
  log.end();
});

it('ends the wait for a room that is gone', async () => {
  const { log } = failing();
  const reached = log.reach(1);
  const connection = {} as Connection;
  log.admitAfter(5, connection);
  expect(log.abandon()).toEqual([connection]);
  await reached;
  expect(log.isAwaited).toBe(false);
});
