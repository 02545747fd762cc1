import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { LogEntry } from '../../stores/store.ts';
import type { Connection } from '../connection.ts';
import { RoomLog } from './room-log.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const entry = (rev: number) => ({ message: { room_id: 'r', rev } }) as unknown as LogEntry;

/** Where the lines of the log go. */
const lines: string[] = [];
const logger = pino({}, { write: (line) => void lines.push(line) });

/** A log whose reads fail until `heal` is called, and then answer the first entry. */
function failing() {
  const seen = { reads: 0, delivered: [] as number[], givenUp: 0 };
  let fails = true;
  const log = new RoomLog('r', 0, {
    read: async () => {
      seen.reads++;
      if (fails) throw new Error('no');
      return { entries: [entry(1)], has_more: false };
    },
    sink: { deliver: ({ message }) => void seen.delivered.push(message.rev), late: () => {}, pass: () => {} },
    followers: { admit: () => {}, giveUp: () => void seen.givenUp++ },
    logger,
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

it('says what cannot be read, and tries no more once it has ended', async () => {
  const { log, seen } = failing();
  await log.readMissing();
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
    room_id: 'r',
    err: { message: 'no' },
    msg: 'missing entries could not be read',
  });
  log.end();
  expect(vi.getTimerCount()).toBe(0);
  expect(seen.reads).toBe(1);
});

it('tries once, though it was asked to read before its time', async () => {
  const { log, seen, heal } = failing();
  await log.readMissing();
  heal();
  await log.readMissing();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(seen).toMatchObject({ reads: 2, delivered: [1] });
});

/** A log over a store that holds these entries, `page` of them in a read; everything that it does is noted in order. */
function over(stored: number[], { cursor = 0, page = 100 } = {}) {
  const seen: string[] = [];
  const reads: number[] = [];
  const log: RoomLog = new RoomLog('r', cursor, {
    read: async (_, after) => {
      reads.push(after);
      const above = stored.filter((rev) => rev > after);
      return { entries: above.slice(0, page).map(entry), has_more: above.length > page };
    },
    sink: {
      deliver: ({ message }, { from, read }) => void seen.push(`${from}>${message.rev}${read ? ' read' : ''}`),
      late: ({ message }) => void seen.push(`late ${message.rev}`),
      pass: ({ message }) => void seen.push(`pass ${message.rev}`),
    },
    followers: {
      admit: (room_id, { id }) => void seen.push(`admit ${id} ${room_id}`),
      giveUp: (room_id) => void seen.push(`gave up ${room_id}`),
    },
    logger: pino({ level: 'silent' }),
  });
  const take = (...revs: number[]) => {
    for (const rev of revs) log.take(entry(rev));
  };
  return { log, seen, reads, take };
}

const connection = (id: string) => ({ id }) as Connection;

it('delivers what comes in order at once, and once', () => {
  const { log, seen, reads, take } = over([]);
  take(1, 2, 2, 1, 3);
  expect(seen).toEqual(['0>1', '1>2', 'late 2', 'late 1', '2>3']);
  expect([log.cursor, reads]).toEqual([3, []]);
});

it('holds what is ahead, and reads what is missing', async () => {
  const { log, seen, reads, take } = over([1, 2, 3]);
  take(3, 5);
  expect([log.cursor, seen]).toEqual([0, []]);
  await vi.advanceTimersByTimeAsync(0);
  expect(seen).toEqual(['0>1 read', '1>2 read', '2>3 read']);
  take(4);
  expect(seen.slice(3)).toEqual(['3>4', '4>5']);
  // Once for the first that was ahead, and once more since another came meanwhile.
  expect(reads).toEqual([0, 3]);
});

it('reads page after page, and takes leaps over overtaken changes', async () => {
  const { log, seen, reads } = over([2, 5, 6], { page: 1 });
  await log.readMissing();
  expect(seen).toEqual(['0>2 read', '2>5 read', '5>6 read']);
  expect(reads).toEqual([0, 2, 5]);
});

it('delivers what came by itself while it was read, once', async () => {
  const { log, seen, take } = over([1, 2, 3], { cursor: 0 });
  const reading = log.readMissing();
  take(1, 2);
  await reading;
  expect(seen).toEqual(['0>1 read', '1>2 read', '2>3 read']);
});

it('drops what it holds of what a leap has passed', async () => {
  const { log, seen, take } = over([4]);
  take(3);
  await vi.advanceTimersByTimeAsync(0);
  expect([log.cursor, seen]).toEqual([4, ['0>4 read']]);
  log.end();
  expect(seen).toEqual(['0>4 read']);
});

it('admits a connection at the place that it knows', () => {
  const { log, seen, take } = over([]);
  take(1);
  log.admitAfter(1, connection('a'));
  expect([seen.at(-1), log.isAwaited]).toEqual(['admit a r', false]);
  log.admitAfter(2, connection('b'));
  log.admitAfter(3, connection('c'));
  expect(log.isAwaited).toBe(true);
  take(2);
  take(3);
  expect(seen.slice(2)).toEqual(['1>2', 'admit b r', '2>3', 'admit c r']);
  expect(log.isAwaited).toBe(false);
});

it('admits before an entry that leaps over the place', async () => {
  const { log, seen } = over([5]);
  log.admitAfter(3, connection('a'));
  log.admitAfter(5, connection('b'));
  await log.readMissing();
  expect(seen).toEqual(['admit a r', '0>5 read', 'admit b r']);
});

it('forgets who waits, but for those who know more', () => {
  const { log, seen, take } = over([]);
  const [a, b] = [connection('a'), connection('b')];
  log.forget(a);
  log.admitAfter(2, a);
  log.admitAfter(4, a);
  log.admitAfter(3, b);
  expect([log.knownBy(a), log.knownBy(b), log.knownBy(connection('c'))]).toEqual([2, 3, undefined]);
  log.forget(a, 2);
  expect(log.knownBy(a)).toBe(4);
  log.forget(a);
  expect(log.knownBy(a)).toBeUndefined();
  take(1, 2, 3, 4);
  expect(seen).toEqual(['0>1', '1>2', '2>3', 'admit b r', '3>4']);
});

it('is followed for those who rest', () => {
  const { log } = over([]);
  log.pause();
  log.pause();
  log.resume();
  expect(log.isAwaited).toBe(true);
  log.resume();
  expect(log.isAwaited).toBe(false);
});

it('lets wait for a number: until it comes, or is read', async () => {
  const { log, reads, take } = over([1, 2]);
  let reached = '';
  const waiting = [
    log.reach(0).then(() => {
      reached += '0';
    }),
    log.reach(1).then(() => {
      reached += '1';
    }),
    log.reach(2).then(() => {
      reached += '2';
    }),
  ];
  await vi.advanceTimersByTimeAsync(0);
  expect(reached).toBe('0');
  take(1);
  await vi.advanceTimersByTimeAsync(199);
  expect([reached, reads]).toEqual(['01', []]);
  await vi.advanceTimersByTimeAsync(1);
  await Promise.all(waiting);
  expect([reached, reads]).toEqual(['012', [1]]);
  expect(vi.getTimerCount()).toBe(0);
});

it('passes on what it holds when it ends, and all that is read or comes later', async () => {
  const { log, seen, take } = over([1]);
  const reached = log.reach(7);
  take(5, 4);
  log.end();
  await reached;
  await log.reach(9);
  expect(seen).toEqual(['pass 4', 'pass 5']);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(seen).toEqual(['pass 4', 'pass 5']);
  take(1);
  expect(seen).toEqual(['pass 4', 'pass 5', 'pass 1']);
});

it('passes on what it holds when it ends, though it has delivered before', () => {
  const { log, seen, take } = over([]);
  take(1, 3);
  log.end();
  expect(seen).toEqual(['0>1', 'pass 3']);
});

it('passes on in order what is left when it ends in the midst of a delivery', () => {
  const seen: string[] = [];
  const log: RoomLog = new RoomLog('r', 0, {
    read: async () => ({ entries: [], has_more: false }),
    sink: {
      deliver: ({ message }) => {
        seen.push(`${message.rev}`);
        if (message.rev === 2) log.end();
      },
      late: () => {},
      pass: ({ message }) => void seen.push(`pass ${message.rev}`),
    },
    followers: { admit: () => {}, giveUp: () => {} },
    logger: pino({ level: 'silent' }),
  });
  for (const rev of [5, 3, 2, 1]) log.take(entry(rev));
  expect(seen).toEqual(['1', '2', 'pass 3', 'pass 5']);
});

it('throws away what it holds of a room that is gone', () => {
  const { log, seen, take } = over([]);
  take(4);
  expect(log.abandon()).toEqual([]);
  expect(seen).toEqual([]);
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
