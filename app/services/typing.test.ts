import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LIMITS } from '../../protocol/limits.ts';
import { Refusal } from '../models/refusal.ts';
import type { Store } from '../stores/store.ts';
import type { Connection, OnlineUser } from './connection.ts';
import { Typing } from './typing.ts';

const ROOM = 'room';
const LAPSE_MS = 60_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Typing whose events are kept, with the time at which they were sent. */
function create(requireMember: (who: object) => Promise<void> = () => Promise.reject(new Error('not asked'))) {
  const told: { at: number; username: unknown; is_typing: unknown }[] = [];
  const except: string[] = [];
  const typing = new Typing({
    store: { rooms: { requireMember } as unknown as Store['rooms'] },
    delivery: {
      publishVolatile: (room_id, { event, payload }, user_id) => {
        except.push(`${room_id} ${user_id}`);
        if (event === 'typing_status')
          told.push({ at: performance.now(), username: payload.username, is_typing: payload.is_typing });
      },
    },
    lapseMs: LAPSE_MS,
  });
  const say = async (user: OnlineUser, is_typing: boolean, connection = {} as Connection) => {
    connection.identity = { user, token_id: '', token_generation: 0 };
    await typing.set({ user, connection }, { room_id: ROOM, is_typing });
  };
  /** What was said, without the time: `+ada` begins, `-ada` ends. */
  const words = () => told.map(({ username, is_typing }) => `${is_typing === true ? '+' : '-'}${username}`);
  return { typing, told, except, words, say };
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

it('ends by itself, unless it is repeated', async () => {
  const { typing, told, except, words, say } = create();
  const ada = member('ada');
  const began = performance.now();
  await say(ada, true);
  vi.advanceTimersByTime(LAPSE_MS - 1);
  await say(ada, true);
  vi.advanceTimersByTime(LAPSE_MS - 1);
  expect(words()).toEqual(['+ada', '+ada']);
  vi.advanceTimersByTime(1);
  expect(words()).toEqual(['+ada', '+ada', '-ada']);
  expect((told.at(-1)?.at ?? 0) - began).toBe(2 * LAPSE_MS - 1);
  expect(new Set(except)).toEqual(new Set([`${ROOM} ada`]));
  typing.close();
});

it('ends when it is said, once, and for nobody else', async () => {
  const { typing, words, say } = create();
  const [ada, can] = [member('ada'), member('can')];
  await say(can, false);
  await say(ada, true);
  await say(can, true);
  await say(ada, false);
  typing.stop(ada, ROOM);
  typing.stop(ada, 'another room');
  vi.advanceTimersByTime(LAPSE_MS - 1);
  expect(words()).toEqual(['+ada', '+can', '-ada']);
  typing.close();
});

it('ends with the connection that said it, and not with another one', async () => {
  const { typing, words, say } = create();
  const ada = member('ada');
  const [phone, tablet] = [{} as Connection, {} as Connection];
  typing.disconnect(phone, ada);
  await say(ada, true, phone);
  typing.disconnect(tablet, ada);
  expect(words()).toEqual(['+ada']);
  await say(ada, true, tablet);
  typing.disconnect(phone, ada);
  expect(words()).toEqual(['+ada', '+ada']);
  typing.disconnect(tablet, ada);
  expect(words()).toEqual(['+ada', '+ada', '-ada']);
  typing.close();
});

it('is for members: others are told why not', async () => {
  const stranger = { ...member('eve'), rooms: new Set<string>() };
  const asked: object[] = [];
  const { say, words } = create(async (who) => {
    asked.push(who);
    throw new Refusal('NOT_A_MEMBER');
  });
  await expect(say(stranger, true)).rejects.toMatchObject({ code: 'NOT_A_MEMBER' });
  expect([asked, words()]).toEqual([[{ room_id: ROOM, user_id: 'eve' }], []]);
});

it('is for members whose presence has heard of the room since, and whose connection is there', async () => {
  const newcomer = { ...member('eve'), rooms: new Set<string>() };
  const { typing, say, words } = create(async () => {
    if (joins) newcomer.rooms.add(ROOM);
  });
  let joins = false;
  await say(newcomer, true);
  joins = true;
  await say(newcomer, true, { closed: true } as Connection);
  expect(words()).toEqual([]);
  newcomer.rooms.clear();
  await say(newcomer, true);
  expect(words()).toEqual(['+eve']);
  typing.close();
});

it('keeps what a room was told for a second after the last one has ended, and then nothing', async () => {
  const { typing, told, words, say } = create();
  const ada = member('ada');
  for (let i = 0; i < 4; i++) {
    await say(ada, true);
    await say(ada, false);
  }
  expect(words()).toEqual(['+ada', '-ada', '+ada', '-ada', '+ada']);
  vi.advanceTimersByTime(999);
  expect(told).toHaveLength(5);
  vi.advanceTimersByTime(1);
  expect(words().at(-1)).toBe('-ada');
  vi.advanceTimersByTime(3_000);
  expect(vi.getTimerCount()).toBe(0);
  typing.close();
});

it('tells of an end that had to wait while another goes on', async () => {
  const { typing, words, say } = create();
  const [ada, can] = [member('ada'), member('can')];
  await say(can, true);
  for (let i = 0; i < 2; i++) {
    await say(ada, true);
    if (i === 0) await say(ada, false);
  }
  await say(member('eve'), true);
  await say(ada, false);
  expect(words()).toEqual(['+can', '+ada', '-ada', '+ada', '+eve']);
  vi.advanceTimersByTime(1_000);
  expect(words().at(-1)).toBe('-ada');
  typing.close();
});

it('does not begin to count anew when a room falls silent in between', async () => {
  const { typing, told, say } = create();
  const ada = member('ada');
  const toggle = async (times: number) => {
    for (let i = 0; i < times; i++) {
      await say(ada, true);
      await say(ada, false);
    }
  };
  await toggle(1);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(900);
  await toggle(1);
  vi.advanceTimersByTime(101);
  await toggle(4);
  expect(told).toHaveLength(7);
  vi.advanceTimersByTime(5_000);
  expect(vi.getTimerCount()).toBe(0);
  typing.close();
});

it('is not looked for in rooms where nobody types', async () => {
  const { typing, words, say } = create();
  await say(member('ada'), true);
  const can = { ...member('can'), rooms: new Set(['silent', ROOM]) };
  typing.disconnect({} as Connection, can);
  expect(words()).toEqual(['+ada']);
  typing.close();
});

it('has no timer left when it was closed', async () => {
  const { typing, told, say } = create();
  for (const name of ['ada', 'can', 'eve', 'ali', 'ece', 'efe']) await say(member(name), true);
  await say(member('ada'), false);
  typing.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(LAPSE_MS * 2);
  expect(told).toHaveLength(5);
});
