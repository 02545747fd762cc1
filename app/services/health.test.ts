import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createLogger } from '../core/logger.ts';
import type { Store, StoreFault } from '../stores/store.ts';
import { StoreHealth } from './health.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A store whose probes are answered after a while, and the lines that were logged about it. */
function create() {
  const state = {
    read: undefined as StoreFault | undefined,
    write: undefined as StoreFault | undefined,
    isDamaged: false,
  };
  const takes = { read: 1, write: 1 };
  const asked = { read: 0, write: 0 };
  const probe = async (kind: 'read' | 'write') => {
    asked[kind]++;
    await new Promise((resolve) => setTimeout(resolve, takes[kind]));
    return state[kind];
  };
  const store = {
    get isDamaged() {
      return state.isDamaged;
    },
    probeRead: () => probe('read'),
    probeWrite: () => probe('write'),
  } as unknown as Store;
  const lines: { state: string; reason?: string }[] = [];
  const logger = createLogger({
    level: 'info',
    pretty: false,
    destination: { write: (line) => void lines.push(JSON.parse(line) as { state: string }) },
  });
  const health = new StoreHealth(store, logger);
  const told = () => {
    const { status, reason } = health.read();
    return reason === undefined ? status : `${status}: ${reason}`;
  };
  const logged = () => lines.map((line) => (line.reason === undefined ? line.state : `${line.state}: ${line.reason}`));
  return { health, state, takes, asked, told, logged };
}

it('tells apart what can be read and what can be written, and logs each change once', async () => {
  const { health, state, told, logged } = create();
  void health.start();
  await vi.advanceTimersByTimeAsync(4_000);
  expect(told()).toBe('up');
  state.write = 'full';
  await vi.advanceTimersByTimeAsync(10_000);
  expect(told()).toBe('degraded: full');
  state.read = 'io';
  await vi.advanceTimersByTimeAsync(10_000);
  expect(told()).toBe('down: io');
  Object.assign(state, { read: undefined, write: undefined });
  await vi.advanceTimersByTimeAsync(1_100);
  expect(told()).toBe('up');
  expect(logged()).toEqual(['degraded: full', 'down: io', 'up']);
  health.stop();
});

it('waits for no write that waits for a lock, nor asks again meanwhile, and then says what it was', async () => {
  const { health, state, takes, asked, told, logged } = create();
  Object.assign(takes, { write: 9_000 });
  state.write = 'locked';
  void health.start();
  await vi.advanceTimersByTimeAsync(4_600);
  expect(told()).toBe('degraded: no_answer');
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked.write).toBe(1);
  await vi.advanceTimersByTimeAsync(30_000);
  expect(told()).toBe('degraded: locked');
  expect(logged()).toEqual(['degraded: no_answer', 'degraded: locked']);
  health.stop();
});

it('shows damage as soon as it is met, for good, beside whatever else there is', async () => {
  const { health, state, told, logged } = create();
  void health.start();
  await vi.advanceTimersByTimeAsync(100);
  state.isDamaged = true;
  expect(told()).toBe('degraded: damaged');
  state.write = 'full';
  await vi.advanceTimersByTimeAsync(10_000);
  expect(told()).toBe('degraded: full');
  state.write = undefined;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(told()).toBe('degraded: damaged');
  expect(logged()).toHaveLength(3);
  health.stop();
});
