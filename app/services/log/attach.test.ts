import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import type { LogEntry } from '../../stores/store.ts';
import type { Connection, OnlineUser } from '../connection.ts';
import type { Delivery } from '../delivery.ts';
import { Attachments } from './attach.ts';
import type { CutOver } from './cut-over.ts';
import type { FollowedRooms } from './followed-rooms.ts';
import { type DeliveredEntry, RecentEntries } from './recent.ts';
import { SubscriptionQueue } from './subscription-queue.ts';
import type { Welcomes } from './welcomes.ts';

/** Lets a turn of the event loop pass. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

const joined = (room_id: string, rev: number, user_id: string): DeliveredEntry => {
  const system = { type: 'user_joined', user_id, username: user_id };
  return { from: rev - 1, entry: { message: { room_id, rev, seq: rev, user_id, system } } as unknown as LogEntry };
};

describe('a connection that is brought into the rooms of its user', () => {
  let seen: string[];
  let lines: string[];
  let behind: Set<string>;
  let fault: unknown;
  let recent: RecentEntries;
  let queue: SubscriptionQueue;
  let attachments: Attachments;

  beforeEach(() => {
    [seen, lines, behind, fault] = [[], [], new Set(), undefined];
    recent = new RecentEntries(4);
    queue = new SubscriptionQueue();
    const cutOver = {
      tryNow(
        _: Connection,
        user: OnlineUser,
        at: { room_id: string; known: number; delivered: readonly DeliveredEntry[] },
      ) {
        const revs = at.delivered.map(({ entry }) => entry.message.rev);
        seen.push([user.id, 'into', at.room_id, at.known, ...revs].join(' '));
        return !behind.has(at.room_id);
      },
      async attach(_: Connection, { room_id, known }: { room_id: string; known: number }) {
        if (fault !== undefined) throw fault;
        seen.push(`read ${room_id} above ${known}`);
      },
    } as unknown as CutOver;
    const rooms = {
      removeMember: (user: OnlineUser, room_id: string) => void seen.push(`${user.id} out of ${room_id}`),
    } as unknown as FollowedRooms;
    const welcomes = {
      welcome: (_: Connection, room_id: string) => void seen.push(`welcome to ${room_id}`),
    } as unknown as Welcomes;
    const delivery = { drop: ({ id }: Connection) => void seen.push(`dropped ${id}`) } as Delivery;
    const logger = pino({}, { write: (line) => void lines.push(line) });
    attachments = new Attachments({ cutOver, rooms, welcomes, recent, queue, delivery, logger, roomsAtOnce: 2 });
  });

  /** One whose user is taken for a member of these rooms; signed out when that is null. */
  const connection = (rooms: string[] | null, closed = false) => {
    const user = { id: 'ada', rooms: new Set(rooms) };
    return { id: 'a', closed, identity: rooms === null ? null : { user } } as unknown as {
      -readonly [K in keyof Connection]: Connection[K];
    };
  };

  it('follows each from where the snapshot tells it, with what was delivered since then', async () => {
    const early = recent.open();
    recent.add(joined('r', 3, 'can'));
    const bookmark = recent.open();
    for (const one of [joined('r', 4, 'can'), joined('other', 1, 'can')]) recent.add(one);
    await attachments.attachAll(
      connection(['r', 's']),
      [
        ['r', 3],
        ['s', 7],
      ],
      bookmark,
    );
    expect(seen).toEqual(['ada into r 3 4', 'ada into s 7']);
    recent.close(early);
  });

  it('reads what of a room is no longer in memory, and of no other', async () => {
    behind.add('s');
    await attachments.attach(
      connection([]),
      [
        ['r', 3],
        ['s', 7],
      ],
      recent.open(),
    );
    expect(seen).toEqual(['ada into r 3', 'ada into s 7', 'read s above 7']);
  });

  it('is of no room that the snapshot does not hold, and is welcomed in those that came since then', async () => {
    const bookmark = recent.open();
    recent.add(joined('new', 1, 'ada'));
    await attachments.attachAll(connection(['r', 'left']), [['r', 3]], bookmark);
    expect(seen).toEqual(['ada out of left', 'ada into r 3', 'welcome to new']);
  });

  it('follows so many in a turn, the first at once, and begins no other once it has closed', async () => {
    const ada = connection([]);
    const rooms = ['r', 's', 't', 'u', 'v', 'w', 'x'].map((room_id) => [room_id, 1] as const);
    const attached = attachments.attach(ada, rooms, recent.open());
    expect(seen).toEqual(['ada into r 1', 'ada into s 1']);
    await turn();
    expect(seen).toHaveLength(4);
    ada.closed = true;
    await attached;
    expect(seen).toHaveLength(6);
  });

  it('takes no further turn when there are no more rooms', async () => {
    let turns = 0;
    const later = turn().then(() => turns++);
    for (const rooms of [
      [],
      [['r', 1]],
      [
        ['r', 1],
        ['s', 1],
      ],
    ] as const)
      await attachments.attach(connection([]), rooms, recent.open());
    expect(turns).toBe(0);
    await later;
  });

  it('has no other change of its subscriptions meanwhile', async () => {
    const ada = connection([]);
    void attachments.attach(
      ada,
      [
        ['r', 1],
        ['s', 1],
        ['t', 1],
      ],
      recent.open(),
    );
    await queue.run(ada, async () => {
      seen.push('changed');
    });
    expect(seen).toEqual(['ada into r 1', 'ada into s 1', 'ada into t 1', 'changed']);
  });

  it('is left alone when it is gone or signed out', async () => {
    const bookmark = recent.open();
    await attachments.attachAll(connection(['r'], true), [['s', 1]], bookmark);
    await attachments.attachAll(connection(null), [['s', 1]], bookmark);
    await attachments.attach(connection(null), [['s', 1]], bookmark);
    expect([seen, lines]).toEqual([[], []]);
  });

  it('is ended when what came since its snapshot is no longer known', async () => {
    const bookmark = recent.open();
    for (let rev = 1; rev <= 5; rev++) recent.add(joined('other', rev, 'can'));
    await attachments.attachAll(connection(['r']), [['r', 1]], bookmark);
    expect(seen).toEqual(['dropped a']);
  });

  it('is ended when a room cannot be read, which is logged', async () => {
    behind.add('r');
    fault = new Error('no disk');
    await attachments.attach(connection([]), [['r', 1]], recent.open());
    expect(seen).toEqual(['ada into r 1', 'dropped a']);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      connection: 'a',
      err: { message: 'no disk' },
      msg: 'a connection could not follow its rooms',
    });
  });
});
