import { pino } from 'pino';
import { expect, it } from 'vitest';
import { createMetrics } from '../../core/metrics.ts';
import type { LogEntry, Store } from '../../stores/store.ts';
import type { Connection, OnlineUser } from '../connection.ts';
import type { Delivery } from '../delivery.ts';
import type { Presence } from '../presence.ts';
import { FollowedRooms } from './followed-rooms.ts';

const entry = (rev: number) => ({ message: { room_id: 'r', rev } }) as unknown as LogEntry;
const connection = (id: string, closed = false) => ({ id, closed }) as Connection;

/** Rooms, with a store that holds these entries of each, and everything that is done noted in order. */
function rooms(stored: number[] = []) {
  const seen: string[] = [];
  const subscribed = new Set<string>();
  const users = new Set<OnlineUser>();
  const metrics = createMetrics();
  const delivery = {
    subscribe: (room_id: string, { id }: Connection) => void subscribed.add(`${room_id} ${id}`),
    unsubscribe: (room_id: string, { id }: Connection) => void subscribed.delete(`${room_id} ${id}`),
    isSubscribed: (room_id: string, { id }: Connection) => subscribed.has(`${room_id} ${id}`),
    subscribers: (room_id: string) => [...subscribed].filter((one) => one.startsWith(`${room_id} `)).length,
    drop: ({ id }: Connection) => void seen.push(`dropped ${id}`),
  } as Delivery;
  const store = {
    messages: {
      log: async ({ room_id, after }: { room_id: string; after: number }) => {
        seen.push(`read ${room_id} above ${after}`);
        return { entries: stored.map(entry), has_more: false, head: stored.at(-1) ?? 0 };
      },
    },
  } as unknown as Store;
  const presence = {
    usersIn: () => [...users],
    removeRoom: (user_id: string, room_id: string) => void seen.push(`${user_id} out of ${room_id}`),
  } as unknown as Presence;
  const sink = {
    deliver: ({ message }: LogEntry) => void seen.push(`delivered ${message.rev}`),
    late: () => {},
    pass: ({ message }: LogEntry) => void seen.push(`passed ${message.rev}`),
  };
  const all = new FollowedRooms({ store, delivery, presence, metrics, logger: pino({ level: 'silent' }) }, sink);
  const user = (id: string, ...connections: Connection[]) => {
    const online = { id, connections: new Set(connections) } as unknown as OnlineUser;
    users.add(online);
    return online;
  };
  return { all, seen, subscribed, metrics, user };
}

it('follows a room from a number on, until nobody needs it', async () => {
  const { all, seen, metrics } = rooms([1, 2, 3]);
  const [a, b] = [connection('a'), connection('b')];
  const log = all.follow('r', 1);
  expect([all.get('r'), all.get('s'), all.ids, log.cursor]).toEqual([log, undefined, ['r'], 1]);
  all.admit('r', a);
  log.admitAfter(3, b);
  await log.readMissing();
  expect(seen).toEqual(['read r above 1', 'delivered 2', 'delivered 3']);
  expect((await metrics.gapReads.get()).values[0]?.value).toBe(1);
  expect([all.follows(a, 'r'), all.follows(b, 'r'), all.follows(a, 's')]).toEqual([true, true, false]);
  all.unfollow('r', a);
  expect(all.ids).toEqual(['r']);
  all.unfollow('r', b);
  expect([all.ids, all.follows(a, 'r'), all.follows(b, 'r')]).toEqual([[], false, false]);
});

it('passes on what a log holds that nobody needs any more', async () => {
  const { all, seen } = rooms();
  const log = all.follow('r', 0);
  log.take(entry(5));
  all.dropUnused('s');
  all.dropUnused('r');
  expect(seen).toEqual(['read r above 0', 'passed 5']);
});

it('keeps a log while a connection waits for it, or is paused', () => {
  const { all } = rooms();
  const a = connection('a');
  const log = all.follow('r', 0);
  log.pause();
  all.dropUnused('r');
  expect(all.get('r')).toBe(log);
  log.resume();
  log.admitAfter(3, a);
  expect(all.follows(a, 'r')).toBe(true);
  all.unfollow('r', a, 2);
  expect(all.get('r')).toBe(log);
  all.unfollow('r', a, 3);
  expect([all.get('r'), all.follows(a, 'r')]).toEqual([undefined, false]);
});

it('gives back who waited for a room that is gone', () => {
  const { all } = rooms();
  const a = connection('a');
  expect(all.abandon('r')).toEqual([]);
  all.follow('r', 0).admitAfter(3, a);
  expect(all.abandon('r')).toEqual([a]);
  expect(all.ids).toEqual([]);
});

it('subscribes nobody whose transport is gone', () => {
  const { all, subscribed } = rooms();
  all.admit('r', connection('a', true));
  all.admit('r', connection('b'));
  expect([...subscribed]).toEqual(['r b']);
});

it('takes a user for no member any more when none of its connections follows the room', () => {
  const { all, seen, user } = rooms();
  const [phone, tablet] = [connection('phone'), connection('tablet')];
  const ada = user('ada', phone, tablet);
  all.admit('r', tablet);
  all.removeMember(ada, 'r');
  all.removeMember(undefined, 'r');
  expect(seen).toEqual([]);
  all.unfollow('r', tablet);
  all.removeMember(ada, 'r');
  expect(seen).toEqual(['ada out of r']);
});

it('ends those who follow a log that cannot go on, and nobody else', () => {
  const { all, seen, user } = rooms();
  const [phone, tablet, other] = [connection('phone'), connection('tablet'), connection('other')];
  user('ada', phone, tablet);
  user('can', other);
  all.admit('r', phone);
  all.follow('r', 0).admitAfter(3, other);
  all.giveUp('r');
  expect(seen).toEqual(['dropped phone', 'dropped other']);
});
