import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import { createMetrics, type Metrics } from '../../core/metrics.ts';
import { Refusal } from '../../models/refusal.ts';
import type { LogEntry, RoomSnapshot, Store } from '../../stores/store.ts';
import type { Connection, OnlineUser, Outgoing } from '../connection.ts';
import type { Delivery } from '../delivery.ts';
import type { Presence } from '../presence.ts';
import { CutOver, isGone } from './cut-over.ts';
import { FollowedRooms } from './followed-rooms.ts';
import { RecentEntries } from './recent.ts';

/** A message, or the end of the membership of the user. */
const entry = (rev: number, left?: string): LogEntry => {
  const system = left === undefined ? {} : { system: { type: 'user_left', user_id: left, username: left } };
  return { message: { room_id: 'r', seq: rev, rev, user_id: left, username: left, ...system } } as unknown as LogEntry;
};

type Writable = { -readonly [K in keyof Connection]: Connection[K] };

describe('a connection that is brought onto the stream of a room', () => {
  let seen: string[];
  let lines: string[];
  let stored: LogEntry[];
  let page: number;
  let fault: unknown;
  /** What happens while the snapshot is read; gives the number at which it stands. */
  let reading: () => number;
  let metrics: Metrics;
  let recent: RecentEntries;
  let rooms: FollowedRooms;
  let cutOver: CutOver;

  beforeEach(() => {
    [seen, lines, stored, page, fault] = [[], [], [], 100, undefined];
    const subscribed = new Set<string>();
    metrics = createMetrics();
    recent = new RecentEntries(4);
    const delivery = {
      subscribe(_: string, { id }: Connection) {
        subscribed.add(id);
        seen.push(`${id} in`);
      },
      unsubscribe(_: string, { id }: Connection) {
        if (subscribed.delete(id)) seen.push(`${id} out`);
      },
      isSubscribed: (_: string, { id }: Connection) => subscribed.has(id),
      subscribers: () => subscribed.size,
      drop: ({ id }: Connection) => void seen.push(`dropped ${id}`),
    } as unknown as Delivery;
    const presence = {
      addRoom: (user: OnlineUser, room_id: string) => void seen.push(`${user.id} of ${room_id}`),
      removeRoom: (user_id: string, room_id: string) => void seen.push(`${user_id} not of ${room_id}`),
    } as unknown as Presence;
    const store = {
      rooms: {
        async snapshot({ room_id, user_id }: { room_id: string; user_id: string }) {
          expect([room_id, user_id]).toEqual(['r', 'ada']);
          return { room: { seq: reading() } };
        },
      },
      messages: {
        async log({ after }: { after: number }) {
          if (fault !== undefined) throw fault;
          seen.push(`read above ${after}`);
          const above = stored.filter(({ message }) => message.rev > after);
          const head = stored.at(-1)?.message.rev ?? 0;
          return { entries: above.slice(0, page), has_more: above.length > page, head };
        },
      },
    } as unknown as Store;
    const logger = pino({}, { write: (line) => void lines.push(line) });
    const sink = {
      deliver: (one: LogEntry, { from }: { from: number }) => recent.add({ from, entry: one }),
      late: () => {},
      pass: () => {},
    };
    rooms = new FollowedRooms({ store, delivery, presence, logger, metrics }, sink);
    const onRemoved = ({ id }: Connection) => void seen.push(`${id} removed`);
    cutOver = new CutOver({ store, delivery, presence, logger, metrics, recent, rooms, onRemoved });
    reading = () => stored.at(-1)?.message.rev ?? 0;
  });

  const connection = (id = 'a'): Writable =>
    ({
      id,
      closed: false,
      identity: { user: { id: 'ada', connections: new Set() } },
      send: ({ event, payload }: Outgoing) =>
        void seen.push([event, ...('rev' in payload ? [payload.rev] : [])].join(' ')),
    }) as unknown as Writable;

  /** Commits entries, as the tail hears of them. */
  function commit(...revs: (number | LogEntry)[]): void {
    for (const one of revs.map((rev) => (typeof rev === 'number' ? entry(rev) : rev))) {
      stored.push(one);
      const log = rooms.get('r');
      if (log === undefined) recent.add({ from: one.message.rev - 1, entry: one });
      else log.take(one);
    }
  }

  const open = (one: Connection) =>
    cutOver.open(one, 'r', ({ room }: RoomSnapshot) => void seen.push(`snapshot ${room.seq}`));

  /** Lets another connection follow the room, with its log at a number. */
  function followed(cursor: number, by = connection('b')): void {
    rooms.follow('r', cursor);
    rooms.admit('r', by);
    seen = [];
  }

  /** Whether nothing keeps entries any more. */
  function isClosed(): boolean {
    recent.addDeleted('any');
    return !recent.isDeleted('any');
  }

  it('follows from the snapshot on what nobody has followed', async () => {
    commit(1, 2, 3);
    reading = () => {
      commit(4);
      return 3;
    };
    await open(connection());
    expect(seen).toEqual(['snapshot 3', 'ada of r', 'a in']);
    expect([rooms.get('r')?.cursor, isClosed()]).toEqual([4, true]);
  });

  it('has what memory has lost since then read by the log', async () => {
    reading = () => {
      commit(1, 2);
      for (let rev = 1; rev <= 5; rev++)
        recent.add({ from: rev - 1, entry: { message: { room_id: 'other', rev } } as LogEntry });
      return 1;
    };
    await open(connection());
    await new Promise(setImmediate);
    expect(seen).toEqual(['snapshot 1', 'ada of r', 'a in', 'read above 1']);
    expect(rooms.get('r')?.cursor).toBe(2);
  });

  it('gets what was delivered since its snapshot, and then the stream', async () => {
    followed(3);
    reading = () => {
      commit(4, 5, 6);
      return 4;
    };
    await open(connection());
    expect(seen).toEqual(['snapshot 4', 'message 5', 'message 6', 'ada of r', 'a in']);
    expect((await metrics.entriesDelivered.get()).values[0]?.value).toBe(2);
    expect(isClosed()).toBe(true);
  });

  it('waits for a stream that is behind its snapshot', async () => {
    followed(3);
    reading = () => 5;
    await open(connection());
    commit(4);
    expect(seen).toEqual(['snapshot 5', 'ada of r']);
    commit(5);
    expect(seen.at(-1)).toBe('a in');
  });

  it('reads page after page what memory has lost', async () => {
    followed(0);
    page = 2;
    reading = () => {
      commit(1, 2, 3, 4, 5, 6, 7, 8, 9);
      return 1;
    };
    await open(connection());
    expect(seen.slice(1)).toEqual([
      ...['read above 1', 'message 2', 'message 3', 'read above 3', 'message 4', 'message 5'],
      ...['read above 5', 'message 6', 'message 7', 'message 8', 'message 9', 'ada of r', 'a in'],
    ]);
  });

  it.each([
    ['from memory', [2, entry(3, 'ada'), 4], []],
    ['read', [2, entry(3, 'ada'), 4, 5, 6, 7], ['read above 1']],
  ])('gets nothing above the removal of its user: %s', async (_, revs, reads) => {
    followed(1);
    reading = () => {
      commit(...revs);
      return 1;
    };
    await open(connection());
    expect(seen).toEqual(['snapshot 1', ...reads, 'message 2', 'message 3', 'user_left_room', 'a removed']);
  });

  it('is told of a room that was deleted meanwhile', async () => {
    reading = () => {
      recent.addDeleted('r');
      return 3;
    };
    await open(connection());
    expect(seen).toEqual(['snapshot 3', 'room_deleted', 'ada not of r']);
  });

  it('is told of a deleted room when memory has lost what came before', async () => {
    followed(0);
    reading = () => {
      commit(1, 2, 3, 4, 5, 6);
      stored = [];
      return 1;
    };
    await open(connection());
    expect(seen).toEqual(['snapshot 1', 'read above 1', 'room_deleted', 'ada not of r']);
  });

  it('is ended when what it lacks cannot be read, which is logged', async () => {
    followed(0);
    reading = () => {
      commit(1, 2, 3, 4, 5, 6);
      fault = new Error('no disk');
      return 1;
    };
    await open(connection());
    expect(seen).toEqual(['snapshot 1', 'dropped a']);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      connection: 'a',
      err: { message: 'no disk' },
      msg: 'a connection could not follow a room',
    });
  });

  it('is brought nowhere when it is signed out, or gone', async () => {
    const [out, gone] = [{ ...connection(), identity: null }, connection()];
    await expect(open(out)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    const bookmark = recent.open();
    await cutOver.attach(out, { room_id: 'r', known: 0, bookmark });
    gone.closed = true;
    await cutOver.attach(gone, { room_id: 'r', known: 0, bookmark });
    expect(seen).toEqual([]);
  });

  describe('that it follows already', () => {
    let ada: Writable;
    beforeEach(() => {
      ada = connection();
      followed(3, ada);
      seen = [];
    });

    it('gets the answer at its place in the stream, which goes on after it', async () => {
      reading = () => {
        commit(4, 5, 6);
        return 5;
      };
      await open(ada);
      expect(seen).toEqual(['a out', 'message 4', 'message 5', 'snapshot 5', 'message 6', 'ada of r', 'a in']);
      expect([rooms.get('r')?.cursor, rooms.get('r')?.isAwaited, isClosed()]).toEqual([6, false, true]);
    });

    it('gets nothing twice that it was sent before', async () => {
      commit(4);
      reading = () => 4;
      await open(ada);
      expect(seen).toEqual(['a out', 'snapshot 4', 'ada of r', 'a in']);
    });

    it('keeps the log meanwhile, though nobody else receives it, and lets it go when it is gone', async () => {
      reading = () => {
        rooms.dropUnused('r');
        expect(rooms.get('r')).toBeDefined();
        ada.closed = true;
        return 3;
      };
      await open(ada);
      expect(seen).toEqual(['a out', 'snapshot 3']);
      expect(rooms.get('r')).toBeUndefined();
    });

    it('reads what memory has lost, up to the snapshot and after it', async () => {
      page = 2;
      reading = () => {
        commit(4, 5, 6, 7, 8, 9, 10);
        return 7;
      };
      await open(ada);
      expect(seen).toEqual([
        ...['a out', 'read above 3', 'message 4', 'message 5', 'read above 5', 'message 6', 'message 7', 'snapshot 7'],
        ...['message 8', 'message 9', 'message 10', 'ada of r', 'a in'],
      ]);
    });

    it('gets nothing between the removal of its user and a snapshot above it', async () => {
      reading = () => {
        commit(4, entry(5, 'ada'), 6, 7);
        return 7;
      };
      await open(ada);
      expect(seen).toEqual(['a out', 'message 4', 'message 5', 'user_left_room', 'snapshot 7', 'ada of r', 'a in']);
    });

    it('receives it again when it cannot be read', async () => {
      reading = () => {
        commit(4);
        throw new Refusal('NOT_A_MEMBER');
      };
      await expect(open(ada)).rejects.toMatchObject({ code: 'NOT_A_MEMBER' });
      expect(seen).toEqual(['a out', 'message 4', 'ada of r', 'a in']);
    });

    it('is refused a room that is deleted before memory can tell it', async () => {
      reading = () => {
        commit(4, 5, 6, 7, 8, 9);
        stored = [];
        return 9;
      };
      await expect(open(ada)).rejects.toMatchObject({ code: 'ROOM_NOT_FOUND' });
      expect(seen.slice(-2)).toEqual(['room_deleted', 'ada not of r']);
    });
  });
});

it('takes two refusals for the end of a membership, and nothing else', () => {
  const errors = [
    new Refusal('NOT_A_MEMBER'),
    new Refusal('ROOM_NOT_FOUND'),
    new Refusal('FORBIDDEN'),
    new Error('no'),
  ];
  expect(errors.map(isGone)).toEqual([true, true, false, false]);
});
