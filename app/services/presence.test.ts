import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SeenRoom } from '../models/room.ts';
import type { StoredUser } from '../models/user.ts';
import type { LastSeen } from '../stores/store.ts';
import type { Connection, OnlineUser, Outgoing } from './connection.ts';
import type { Delivery } from './delivery.ts';
import { Presence } from './presence.ts';

const GRACE_MS = 20_000;
const HOUR_MS = 3_600_000;
const START = Date.parse('2026-11-28T12:00:00.000Z');

beforeEach(() => void vi.useFakeTimers({ now: START }));
afterEach(() => void vi.useRealTimers());

/** Presence whose words are kept: whom each reached, and what it said. */
function create({ broadcastMax = 500, keeps = (): boolean => true } = {}) {
  const told: { to: string[]; event: string; payload: unknown }[] = [];
  const seen: (readonly LastSeen[])[] = [];
  const counts: number[] = [];
  const left: string[] = [];
  const presence = new Presence({
    delivery: {
      sendVolatile: (connections: Iterable<Connection>, { event, payload }: Outgoing) =>
        void told.push({ to: [...connections].map(({ id }) => id), event, payload }),
    } as unknown as Delivery,
    now: () => Date.now(),
    graceMs: GRACE_MS,
    broadcastMax,
    onSeen: async (users) => {
      seen.push(users);
      return keeps();
    },
    onCount: (online) => void counts.push(online),
    onLeft: (user, room_id) => void left.push(`${user.id} ${room_id}`),
  });
  const come = (id: string, connection = `${id}'s`, rooms: readonly string[] = []) => {
    const link = { id: connection } as unknown as Connection;
    const { user, came } = presence.connect(link, stored(id));
    for (const room_id of rooms) presence.addRoom(user, room_id);
    presence.announce(user);
    return { user, came, link };
  };
  return { presence, told, seen, counts, left, come };
}

const OLD = '2026-01-01T00:00:00.000Z';
const stored = (id: string): StoredUser => ({ id, username: `name of ${id}`, connected_at: OLD, last_activity: OLD });
const room = (about: Partial<SeenRoom> = {}) => ({ id: 'r', type: 'public', user_count: 9, ...about }) as SeenRoom;
const isOnline = (presence: Presence, id: string) => presence.user(stored(id)).is_active;

describe('a user', () => {
  it('is online from the first connection until the grace after the last one has passed', () => {
    const { presence, counts, come } = create();
    expect(isOnline(presence, 'ada')).toBe(false);
    const first = come('ada', 'phone');
    const second = come('ada', 'tablet');
    expect([first.came, second.came, second.user, presence.size]).toEqual([true, false, first.user, 1]);
    presence.disconnect(first.link, first.user);
    vi.advanceTimersByTime(GRACE_MS * 2);
    expect(isOnline(presence, 'ada')).toBe(true);
    presence.disconnect(second.link, second.user);
    vi.advanceTimersByTime(GRACE_MS - 1);
    expect([isOnline(presence, 'ada'), presence.get('ada')]).toEqual([true, first.user]);
    vi.advanceTimersByTime(1);
    expect([isOnline(presence, 'ada'), presence.get('ada'), presence.size]).toEqual([false, undefined, 0]);
    expect(counts).toEqual([1, 0]);
  });

  it('who comes back within the grace was never away', () => {
    const { presence, told, come } = create();
    const { user, link } = come('ada');
    presence.disconnect(link, user);
    vi.advanceTimersByTime(GRACE_MS - 1);
    expect(come('ada').came).toBe(false);
    vi.advanceTimersByTime(GRACE_MS * 2);
    expect(isOnline(presence, 'ada')).toBe(true);
    expect(told.filter(({ event }) => event === 'user_disconnected')).toEqual([]);
  });

  it('is not ended by a connection that was not, or no longer, its own', () => {
    const { presence, come } = create();
    const { user, link } = come('ada');
    presence.disconnect({ id: 'stranger' } as unknown as Connection, user);
    vi.advanceTimersByTime(GRACE_MS * 2);
    expect(isOnline(presence, 'ada')).toBe(true);
    presence.end('ada');
    expect(isOnline(presence, 'ada')).toBe(false);
    const again = come('ada');
    presence.disconnect(link, user);
    vi.advanceTimersByTime(GRACE_MS * 2);
    expect(presence.get('ada')).toBe(again.user);
  });

  it('who can never come back is offline at once, and told of once', () => {
    const { presence, told, counts, come } = create();
    const { user, link } = come('ada', 'phone', ['r']);
    come('can');
    presence.disconnect(link, user);
    presence.end('ada');
    presence.end('nobody');
    vi.advanceTimersByTime(GRACE_MS * 2);
    expect(told.filter(({ event }) => event === 'user_disconnected')).toHaveLength(1);
    expect(presence.usersIn('r')).toEqual([]);
    expect(counts).toEqual([1, 2, 1]);
  });

  it('is told with the times of this visit, and offline with those that were kept', () => {
    const { presence, come } = create();
    come('ada');
    const now = '2026-11-28T12:00:00.000Z';
    expect(presence.user(stored('ada'))).toEqual({
      id: 'ada',
      username: 'name of ada',
      is_active: true,
      connected_at: now,
      last_activity: now,
    });
    expect(presence.user(stored('can'))).toEqual({ ...stored('can'), is_active: false });
  });

  it('goes by the name it has when it comes', () => {
    const { presence, come } = create();
    come('ada');
    presence.connect({ id: 'x' } as unknown as Connection, { ...stored('ada'), username: 'ada 2' });
    expect(presence.user(stored('ada')).username).toBe('ada 2');
  });
});

describe('who is told', () => {
  it('is everyone else while few are online', () => {
    const { presence, told, come } = create({ broadcastMax: 3 });
    come('ada', 'phone');
    presence.connect({ id: 'tablet' } as unknown as Connection, stored('ada'));
    const { user, link } = come('can');
    expect(told.at(-1)).toEqual({
      to: ['phone', 'tablet'],
      event: 'user_connected',
      payload: { user: presence.user(stored('can')) },
    });
    presence.disconnect(link, user);
    vi.advanceTimersByTime(GRACE_MS);
    const payload = { user_id: 'can', username: 'name of can' };
    expect(told.at(-1)).toEqual({ to: ['phone', 'tablet'], event: 'user_disconnected', payload });
    expect([...presence.connections()].map(({ id }) => id)).toEqual(['phone', 'tablet']);
    expect([...presence.connections(presence.get('ada'))]).toEqual([]);
  });

  it('is those who share a room once many are, each once', () => {
    const { presence, told, come } = create({ broadcastMax: 2 });
    come('ada', 'ada', ['r', 's']);
    come('can', 'can', ['t']);
    expect(presence.tellsEveryone).toBe(true);
    come('eve', 'eve', ['r', 's', 'nowhere']);
    expect(presence.tellsEveryone).toBe(false);
    expect(told.at(-1)?.to).toEqual(['ada']);
  });

  it('is nobody of a large room', () => {
    const { told, come } = create({ broadcastMax: 1 });
    for (let i = 0; i < 199; i++) come(`user ${i}`, `${i}`, ['r']);
    come('ada', 'ada', ['r']);
    expect(told.at(-1)?.to).toHaveLength(199);
    come('can', 'can', ['r']);
    expect(told.at(-1)?.to).toEqual([]);
  });
});

describe('the users in a room', () => {
  it('are its members who are online, and end with the membership or the visit', () => {
    const { presence, left, come } = create();
    const { user: ada, link } = come('ada', 'phone', ['r']);
    const { user: can } = come('can', 'tv', ['r', 's']);
    expect(presence.usersIn('r')).toEqual([ada, can]);
    expect(presence.room(room())).toMatchObject({ online_count: 2 });
    presence.removeRoom('can', 'r');
    presence.removeRoom('offline', 'r');
    expect([left, [...can.rooms], presence.usersIn('r')]).toEqual([['can r'], ['s'], [ada]]);
    presence.disconnect(link, ada);
    expect(presence.room(room())).toMatchObject({ online_count: 1 });
    vi.advanceTimersByTime(GRACE_MS);
    expect([presence.usersIn('r'), presence.room(room()).online_count]).toEqual([[], 0]);
    expect(presence.usersIn('never heard of')).toEqual([]);
  });
});

describe('the list of who is online', () => {
  it('is in the order they came, in pages', () => {
    const { presence, come } = create();
    for (const id of ['ada', 'can', 'eve']) come(id);
    const ids = ({ users }: { users: { id: string }[] }) => users.map(({ id }) => id);
    const first = presence.list(0, 2);
    expect([ids(first), first.next]).toEqual([['ada', 'can'], 2]);
    const second = presence.list(first.next ?? 0, 2);
    expect([ids(second), second.next]).toEqual([['eve'], null]);
    expect(presence.list(0, 3).next).toBeNull();
    come('ali');
    const long = presence.list(0, 3);
    expect([ids(long), long.next]).toEqual([['ada', 'can', 'eve'], 3]);
  });
});

describe('what is kept', () => {
  const activity = (user: OnlineUser) => user.last_activity - START;

  it('is the last activity, to the minute, of those whose changed', async () => {
    const { presence, seen, come } = create();
    const { user } = come('ada');
    await presence.save();
    vi.setSystemTime(START + 59_999);
    presence.active(user);
    await presence.save();
    expect(activity(user)).toBe(0);
    vi.setSystemTime(START + 60_000);
    presence.active(user);
    await presence.save();
    await presence.save();
    expect(seen).toEqual([
      [{ id: 'ada', connected_at: START, last_activity: START }],
      [{ id: 'ada', connected_at: START, last_activity: START + 60_000 }],
    ]);
  });

  it('is tried again while the user is online, and once when it goes', async () => {
    let works = false;
    const { presence, seen, come } = create({ keeps: () => works });
    come('ada');
    come('can');
    await presence.save();
    presence.end('can');
    await presence.save();
    works = true;
    await presence.save();
    await presence.save();
    const ids = () => seen.map((users) => users.map(({ id }) => id).sort());
    expect(ids()).toEqual([['ada', 'can'], ['ada', 'can'], ['ada']]);
    presence.end('ada');
    await presence.save();
    expect(ids().at(-1)).toEqual(['ada']);
    expect(seen).toHaveLength(4);
  });

  it('is, four times a day, that of everyone online, however still, in parts', async () => {
    const { presence, seen, come } = create();
    for (let i = 0; i < 501; i++) come(`${i}`);
    await presence.save();
    vi.setSystemTime(START + 6 * HOUR_MS - 1);
    await presence.save();
    expect(seen.map(({ length }) => length)).toEqual([500, 1]);
    vi.setSystemTime(START + 6 * HOUR_MS);
    await presence.save();
    await presence.save();
    expect(seen.map(({ length }) => length)).toEqual([500, 1, 500, 1]);
    vi.setSystemTime(START);
    await presence.save();
    expect(seen).toHaveLength(6);
  });

  it('is told before somebody is let in who was away for half a day, by either clock', async () => {
    const { presence, seen } = create();
    const at = (hours: number) => new Date(START + hours * HOUR_MS).toISOString();
    const comes = (connected: number, active: number) =>
      presence.comesBack({ ...stored('ada'), connected_at: at(connected), last_activity: at(active) });
    await comes(-24, -11.9);
    await comes(-11.9, -24);
    expect(seen).toEqual([]);
    await comes(-12, -24);
    await comes(-24, -12);
    await comes(12, 0);
    expect(seen).toEqual(Array(3).fill([{ id: 'ada', connected_at: START, last_activity: START }]));
  });

  it('follows a clock that was set back', () => {
    const { presence, come } = create();
    const { user } = come('ada');
    vi.setSystemTime(START - 10);
    presence.active(user);
    expect(activity(user)).toBe(-10);
    presence.settleTimes(START - 50);
    expect([activity(user), user.connected_at - START]).toEqual([-50, -50]);
    presence.settleTimes(START);
    expect([activity(user), user.connected_at - START]).toEqual([-50, -50]);
  });
});

it('has no timer left when it was closed', () => {
  const { presence, told, come } = create();
  const { user, link } = come('ada');
  presence.disconnect(link, user);
  presence.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(GRACE_MS * 2);
  expect(told).toHaveLength(1);
});
