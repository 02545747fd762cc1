import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import { createMetrics, type Metrics } from '../../core/metrics.ts';
import type { LogEntry, RoomSnapshot, Store } from '../../stores/store.ts';
import type { Connection, OnlineUser, Outgoing } from '../connection.ts';
import type { Delivery } from '../delivery.ts';
import type { Presence } from '../presence.ts';
import { Tail } from './tail.ts';

/** Lets everything that is ready run. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

const message = (rev: number, about: object = {}): LogEntry =>
  ({ message: { room_id: 'r', seq: rev, rev, ...about } }) as unknown as LogEntry;
const joins = (rev: number, user_id: string) =>
  message(rev, { user_id, username: user_id, system: { type: 'user_joined', user_id, username: user_id } });
const leaves = (rev: number, user_id: string) =>
  message(rev, { user_id, username: user_id, system: { type: 'user_left', user_id, username: user_id } });

// Orders of all kinds are tried by tests/checker-tail.test.ts, which takes the end of a connection for an answer.
describe('the tail', () => {
  let seen: string[];
  let users: Map<string, OnlineUser>;
  let stored: LogEntry[];
  let heads: { room_id: string; head: number }[];
  let commit: (...entries: LogEntry[]) => void;
  let metrics: Metrics;
  let tail: Tail;

  beforeEach(() => {
    [seen, users, stored, heads] = [[], new Map(), [], []];
    metrics = createMetrics();
    const subscribed = new Set<string>();
    const delivery = {
      subscribe: (room_id: string, { id }: Connection) => void subscribed.add(`${room_id} ${id}`),
      unsubscribe: (room_id: string, { id }: Connection) => void subscribed.delete(`${room_id} ${id}`),
      isSubscribed: (room_id: string, { id }: Connection) => subscribed.has(`${room_id} ${id}`),
      subscribers: (room_id: string) => [...subscribed].filter((one) => one.startsWith(`${room_id} `)).length,
      publish: (room_id: string, { event }: Outgoing) => void seen.push(`${event} to ${room_id}`),
    } as unknown as Delivery;
    const presence = {
      get: (id: string) => users.get(id),
      addRoom: (user: OnlineUser, room_id: string) => {
        if (!user.rooms.has(room_id)) seen.push(`${user.id} of ${room_id}`);
        user.rooms.add(room_id);
      },
      removeRoom: (id: string, room_id: string) => {
        if (users.get(id)?.rooms.delete(room_id)) seen.push(`${id} not of ${room_id}`);
      },
      room: (room: object) => room,
    } as unknown as Presence;
    const store = {
      onEntries(listener: (entries: LogEntry[]) => void) {
        commit = (...entries) => listener(entries);
      },
      rooms: {
        async heads({ room_ids }: { room_ids: string[] }) {
          seen.push(`heads of ${room_ids.join()}`);
          return heads;
        },
        async snapshot({ user_id }: { user_id: string }) {
          seen.push(`snapshot for ${user_id}`);
          return { room: { id: 'r', seq: 9 }, users: [], messages: [] };
        },
      },
      messages: {
        async log({ room_id, after }: { room_id: string; after: number }) {
          seen.push(`read ${room_id} above ${after}`);
          return { entries: stored, has_more: false, head: stored.at(-1)?.message.rev ?? after };
        },
      },
    } as unknown as Store;
    tail = new Tail({ store, delivery, presence, metrics, logger: pino({ level: 'silent' }) });
  });

  /** A connection of a user, which is told what it is sent. */
  function connection(user_id: string): Connection {
    const user =
      users.get(user_id) ?? ({ id: user_id, connections: new Set(), rooms: new Set() } as never as OnlineUser);
    users.set(user_id, user);
    const send = ({ event }: Outgoing) => void seen.push(`${event} to a connection of ${user_id}`);
    const made = { id: `${user_id} ${user.connections.size}`, closed: false, identity: { user }, send };
    user.connections.add(made as never as Connection);
    return made as never as Connection;
  }

  /** Lets a connection of a user follow rooms, each from a number. */
  async function followed(user_id: string, ...rooms: (readonly [string, number])[]): Promise<Connection> {
    const made = connection(user_id);
    const bookmark = tail.bookmark();
    await tail.attach(made, rooms, bookmark);
    tail.release(bookmark);
    seen = [];
    return made;
  }

  it('reads the rooms that are behind the store, and no other', async () => {
    await tail.catchUp();
    expect(seen).toEqual([]);
    await followed('ada', ['r', 3], ['s', 5]);
    heads = [
      { room_id: 'r', head: 4 },
      { room_id: 's', head: 5 },
      { room_id: 'unknown', head: 7 },
    ];
    stored = [message(4)];
    await tail.catchUp();
    expect(seen).toEqual(['heads of r,s', 'read r above 3', 'message to r']);
  });

  it('counts an entry for each who receives it, and has who joins in the room before it is told', async () => {
    await followed('ada', ['r', 3]);
    await followed('ada', ['r', 3]);
    connection('can');
    commit(joins(4, 'can'));
    expect(seen.slice(0, 2)).toEqual(['can of r', 'message to r']);
    expect((await metrics.entriesDelivered.get()).values[0]?.value).toBe(2);
  });

  it('welcomes who is made a member, unless a command of that connection answers for it', async () => {
    const [joining] = [connection('can'), connection('can')];
    tail.expectJoin(joining as Connection, 'r');
    commit(joins(4, 'can'));
    await settled();
    expect(seen).toEqual(['can of r', 'snapshot for can', 'room_info to a connection of can']);
    tail.endJoin(joining as Connection, 'r');
    await settled();
    expect(seen.filter((one) => one.startsWith('snapshot'))).toHaveLength(2);
  });

  it('welcomes again who was removed by what was between its snapshot and the stream', async () => {
    await followed('eve', ['r', 3]);
    const ada = connection('ada');
    const bookmark = tail.bookmark();
    commit(leaves(4, 'ada'), message(5));
    seen = [];
    await tail.attachAll(ada, [['r', 3]], bookmark);
    tail.release(bookmark);
    await settled();
    expect(seen).toEqual([
      ...['message to a connection of ada', 'user_left_room to a connection of ada'],
      ...['snapshot for ada', 'room_info to a connection of ada', 'ada of r'],
    ]);
  });

  it('welcomes who was removed by an entry that is read, since a newer one may have brought it back', async () => {
    await followed('eve', ['r', 3]);
    await followed('ada', ['r', 3]);
    stored = [leaves(4, 'ada'), message(5)];
    heads = [{ room_id: 'r', head: 5 }];
    await tail.catchUp();
    await settled();
    expect(seen.slice(2)).toEqual([
      ...['message to r', 'user_left_room to r', 'ada not of r', 'message to r'],
      ...['snapshot for ada', 'room_info to a connection of ada', 'ada of r'],
    ]);
    seen = [];
    commit(leaves(6, 'eve'));
    await settled();
    expect(seen).toEqual(['message to r', 'user_left_room to r', 'eve not of r']);
  });

  it('applies to others what comes after a later snapshot of the room', async () => {
    await followed('eve', ['r', 9]);
    connection('ada');
    connection('can');
    users.get('can')?.rooms.add('r');
    commit(joins(7, 'ada'), leaves(8, 'can'), leaves(8, 'nobody'), message(6), leaves(5, 'eve'));
    await settled();
    expect(seen).toEqual(['can not of r', 'snapshot for ada', 'room_info to a connection of ada', 'ada of r']);
  });

  it('keeps nothing that was delivered once nobody looks back, and nothing of who has ended', async () => {
    const bookmark = tail.bookmark();
    tail.release(bookmark);
    commit(message(4));
    const late = connection('ada');
    await tail.attachAll(late, [['r', 3]], bookmark);
    expect(seen).toEqual(['ada of r']);
    const eve = await followed('eve', ['s', 1]);
    tail.detach({ ...eve, identity: null });
    users.get('eve')?.rooms.add('s');
    tail.detach(eve);
    await tail.catchUp();
    expect(seen.at(-1)).toBe('heads of r');
  });

  it('gives a snapshot at its place', async () => {
    const ada = await followed('ada', ['r', 9]);
    await tail.open(ada, 'r', ({ room }: RoomSnapshot) => void seen.push(`answer at ${room.seq}`));
    expect(seen).toEqual(['snapshot for ada', 'answer at 9']);
  });
});
