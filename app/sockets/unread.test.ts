import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createLogger } from '../core/logger.ts';
import { createMetrics } from '../core/metrics.ts';
import { type Unread, UnreadLedger } from './unread.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A queue that a client reads, or does not. */
class Queue implements Unread {
  counted = 0;
  since = 0;
  bytes = 0;
  isCut = false;
  readonly budget: { unread: number };
  readonly #ledger: UnreadLedger;

  constructor(ledger: UnreadLedger, budget: { unread: number }) {
    this.#ledger = ledger;
    this.budget = budget;
  }

  add(bytes: number): void {
    this.bytes += bytes;
    this.#ledger.count(this, this.bytes);
  }

  measure(): number {
    return this.bytes;
  }

  cut(): void {
    this.isCut = true;
    this.bytes = 0;
  }
}

function create(addressMax: number, max: number) {
  const logger = createLogger({ level: 'silent', pretty: false });
  const ledger = new UnreadLedger({ addressMax, max, logger, metrics: createMetrics() });
  const addresses = [{ unread: 0 }, { unread: 0 }] as const;
  return {
    addresses,
    queue: (of: 0 | 1) => new Queue(ledger, addresses[of]),
    forget: (of: Queue) => ledger.forget(of),
  };
}

const cutOf = (...queues: Queue[]) => queues.map(({ isCut }) => isCut);

it('cuts who has read nothing of the most for the longest, of the address alone, until it is well below the bound', () => {
  const { addresses, queue } = create(1_000, 10_000);
  const [long, small, large, other] = [queue(0), queue(0), queue(0), queue(1)];
  other.add(900);
  long.add(300);
  vi.advanceTimersByTime(1_000);
  small.add(100);
  large.add(500);
  expect(cutOf(long, small, large, other)).toEqual([false, false, false, false]);
  vi.advanceTimersByTime(1);
  small.add(101);
  expect(cutOf(long, small, large, other)).toEqual([true, false, false, false]);
  expect(addresses).toEqual([{ unread: 701 }, { unread: 900 }]);
});

it('takes who reads a little for one who reads, however long something has waited for it', () => {
  const { queue } = create(1_000, 10_000);
  const [reader, deaf] = [queue(0), queue(0)];
  reader.add(500);
  vi.advanceTimersByTime(60_000);
  reader.bytes = 400;
  deaf.add(500);
  vi.advanceTimersByTime(100);
  reader.add(50);
  vi.advanceTimersByTime(100);
  deaf.add(100);
  expect(cutOf(reader, deaf)).toEqual([false, true]);
});

it('cuts nobody when they have read meanwhile, which nobody told', () => {
  const { addresses, queue } = create(1_000, 10_000);
  const [first, second] = [queue(0), queue(0)];
  first.add(900);
  first.bytes = 0;
  second.add(900);
  expect(cutOf(first, second)).toEqual([false, false]);
  expect(addresses[0].unread).toBe(900);
});

it('bounds the process over all addresses', () => {
  const { queue } = create(1_000, 1_500);
  const [first, second] = [queue(0), queue(1)];
  first.add(900);
  vi.advanceTimersByTime(10);
  second.add(900);
  expect(cutOf(first, second)).toEqual([true, false]);
});

it('forgets what has ended', () => {
  const { addresses, queue, forget } = create(1_000, 1_500);
  const [first, second] = [queue(0), queue(0)];
  first.add(900);
  forget(first);
  second.add(900);
  expect(cutOf(first, second)).toEqual([false, false]);
  expect(addresses[0].unread).toBe(900);
});
