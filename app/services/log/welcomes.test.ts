import { type DestinationStream, pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import { Refusal } from '../../models/refusal.ts';
import type { RoomSnapshot } from '../../stores/store.ts';
import type { Connection, OnlineUser, Outgoing } from '../connection.ts';
import type { Delivery } from '../delivery.ts';
import type { Presence } from '../presence.ts';
import type { CutOver } from './cut-over.ts';
import type { FollowedRooms } from './followed-rooms.ts';
import { RecentEntries } from './recent.ts';
import { SubscriptionQueue } from './subscription-queue.ts';
import { Welcomes } from './welcomes.ts';

/** Lets everything that is ready run. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('a connection whose user was made a member of a room', () => {
  let seen: string[];
  let sent: Outgoing[];
  let logged: string[];
  let following: Set<string>;
  let fault: unknown;
  let recent: RecentEntries;
  let welcomes: Welcomes;

  beforeEach(() => {
    [seen, sent, logged, following, fault] = [[], [], [], new Set(), undefined];
    recent = new RecentEntries();
    const cutOver = {
      async open({ id }: Connection, room_id: string, answer: (snapshot: RoomSnapshot) => void) {
        seen.push(`${id} into ${room_id}`);
        if (fault !== undefined) throw fault;
        answer({ room: { id: room_id }, users: ['ada', 'can'], messages: ['hello'] } as unknown as RoomSnapshot);
      },
    } as unknown as CutOver;
    const rooms = {
      follows: (_: Connection, room_id: string) => following.has(room_id),
      removeMember: (user: OnlineUser, room_id: string) => void seen.push(`${user.id} out of ${room_id}`),
    } as unknown as FollowedRooms;
    const presence = {
      user: (user: unknown) => `user ${user}`,
      room: (room: object) => ({ ...room, shown: true }),
    } as unknown as Presence;
    const delivery = { drop: ({ id }: Connection) => void seen.push(`dropped ${id}`) } as Delivery;
    const lines: DestinationStream = { write: (line) => void logged.push(line) };
    const queue = new SubscriptionQueue();
    welcomes = new Welcomes({ cutOver, rooms, recent, queue, delivery, presence, logger: pino({}, lines) });
  });

  const connection = (id: string, closed = false) =>
    ({
      id,
      closed,
      identity: { user: { id: 'ada' } },
      send: (outgoing: Outgoing) => void sent.push(outgoing),
    }) as unknown as Connection;

  it('is told of the room', async () => {
    welcomes.welcome(connection('a'), 'r');
    await settled();
    expect(seen).toEqual(['a into r']);
    const room = { id: 'r', member: true, shown: true };
    expect(sent).toEqual([
      { event: 'room_info', payload: { room, users: ['user ada', 'user can'], messages: ['hello'] } },
    ]);
    expect(logged).toEqual([]);
  });

  it('is told nothing when it follows the room by then, or is gone', async () => {
    following.add('r');
    welcomes.welcome(connection('a'), 'r');
    welcomes.welcome(connection('b', true), 's');
    await settled();
    expect(seen).toEqual([]);
  });

  it('keeps what is delivered meanwhile, and no longer', async () => {
    const before = recent.open();
    recent.close(before);
    welcomes.welcome(connection('a'), 'r');
    recent.addDeleted('s');
    expect(recent.isDeleted('s')).toBe(true);
    await settled();
    expect(recent.isDeleted('s')).toBe(false);
  });

  it.each(['NOT_A_MEMBER', 'ROOM_NOT_FOUND'] as const)('is no member after all: %s', async (code) => {
    fault = new Refusal(code);
    welcomes.welcome(connection('a'), 'r');
    await settled();
    expect(seen).toEqual(['a into r', 'ada out of r']);
    expect(logged).toEqual([]);
  });

  it('is ended when it cannot be brought into it, which is logged', async () => {
    fault = new Error('no disk');
    welcomes.welcome(connection('a'), 'r');
    await settled();
    expect(seen).toEqual(['a into r', 'dropped a']);
    expect(logged).toHaveLength(1);
    expect(JSON.parse(logged[0] ?? '')).toMatchObject({
      connection: 'a',
      err: { message: 'no disk' },
      msg: 'a connection could not follow a room',
    });
  });

  it('is left to a command of its own that joins the room', async () => {
    const [a, b] = [connection('a'), connection('b')];
    welcomes.expectJoin(a, 'r');
    welcomes.welcomeUnlessJoining(a, 's');
    welcomes.welcomeUnlessJoining(b, 'r');
    welcomes.welcomeUnlessJoining(a, 'r');
    await settled();
    expect(seen).toEqual(['a into s', 'b into r']);
    following.add('r');
    welcomes.endJoin(a, 'r');
    await settled();
    expect(seen).toHaveLength(2);
    following.clear();
    welcomes.welcomeUnlessJoining(a, 'r');
    await settled();
    expect(seen).toHaveLength(3);
  });

  it('is welcomed after all when that command has failed, and only if it was left to it', async () => {
    const a = connection('a');
    for (const room_id of ['r', 's', 't']) welcomes.expectJoin(a, room_id);
    welcomes.welcomeUnlessJoining(a, 'r');
    welcomes.expectJoin(a, 'r');
    welcomes.welcomeUnlessJoining(a, 't');
    welcomes.endJoin(a, 's');
    welcomes.endJoin(a, 'r');
    await settled();
    expect(seen).toEqual(['a into r']);
    welcomes.endJoin(a, 'r');
    welcomes.endJoin(connection('b'), 'r');
    welcomes.endJoin(a, 't');
    await settled();
    expect(seen).toEqual(['a into r', 'a into t']);
  });
});
