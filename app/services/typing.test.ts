import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LIMITS } from '../../protocol/limits.ts';
import type { Connection, OnlineUser } from './delivery.ts';
import { Typing } from './typing.ts';

const ROOM = 'room';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Typing whose events are kept, with the time at which they were sent. */
function create() {
  const told: { at: number; username: unknown; is_typing: unknown }[] = [];
  const typing = new Typing({
    store: { rooms: undefined as never },
    delivery: {
      publishVolatile: (_room_id, { event, payload }) => {
        if (event === 'typing_status')
          told.push({ at: performance.now(), username: payload.username, is_typing: payload.is_typing });
      },
    },
    lapseMs: 60_000,
  });
  const say = async (user: OnlineUser, is_typing: boolean) => {
    await typing.set({} as Connection, user, { room_id: ROOM, is_typing });
  };
  return { typing, told, say };
}

const member = (username: string): OnlineUser => ({
  id: username,
  username,
  connected_at: 0,
  last_activity: 0,
  connections: new Set(),
  rooms: new Set([ROOM]),
  number: 0,
});

it('tells a room of at most five changes in any second, wherever the second begins', async () => {
  const { typing, told, say } = create();
  const ada = member('ada');
  vi.advanceTimersByTime(700);
  for (let i = 0; i < 100; i++) {
    await say(ada, i % 2 === 0);
    vi.advanceTimersByTime(37);
  }
  vi.advanceTimersByTime(3_000);
  expect(told.length).toBeGreaterThan(LIMITS.typing_per_second);
  for (const [i, { at }] of told.entries()) {
    const later = told[i + LIMITS.typing_per_second];
    if (later !== undefined) expect(later.at - at).toBeGreaterThanOrEqual(1_000);
  }
  expect(told.at(-1)).toMatchObject({ username: 'ada', is_typing: false });
  typing.close();
});

it('tells of an end also while others begin without a pause', async () => {
  const { typing, told, say } = create();
  const ada = member('ada');
  await say(ada, true);
  const others = Array.from({ length: 60 }, (_, i) => member(`other ${i}`));
  for (const [i, other] of others.entries()) {
    await say(other, true);
    if (i === 7) await say(ada, false);
    vi.advanceTimersByTime(100);
  }
  expect(told).toContainEqual(expect.objectContaining({ username: 'ada', is_typing: false }));
  typing.close();
});
