import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { LogEntry } from '../stores/store.ts';
import { RoomLog } from './room-log.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const entry = (rev: number) => ({ message: { room_id: 'r', rev } }) as unknown as LogEntry;

it('reads once a second what is missing while reading fails, however much comes meanwhile', async () => {
  let reads = 0;
  let fails = true;
  const delivered: number[] = [];
  const log = new RoomLog({
    room_id: 'r',
    cursor: 0,
    read: async () => {
      reads++;
      if (fails) throw new Error('no');
      return { entries: [entry(1)], has_more: false };
    },
    deliver: ({ message }) => delivered.push(message.rev),
    late: () => {},
    pass: () => {},
    admit: () => {},
    logger: pino({ level: 'silent' }),
  });
  for (let second = 0; second < 5; second++) {
    for (let i = 2; i < 12; i++) log.take(entry(second * 10 + i));
    await vi.advanceTimersByTimeAsync(1_000);
  }
  expect(reads).toBe(6);
  expect(delivered).toEqual([]);
  fails = false;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(delivered).toEqual(Array.from({ length: 51 }, (_, i) => i + 1));
  log.end();
  expect(vi.getTimerCount()).toBe(0);
});
