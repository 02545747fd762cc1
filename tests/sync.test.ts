import { describe, expect, it } from 'vitest';
import { LIMITS, type Message, type Room } from '../protocol/index.ts';
import { connect, guest, type TestClient, TRANSPORTS } from './support/client.ts';
import { entries, newest } from './support/model.ts';
import { sharedServer } from './support/server.ts';

const server = sharedServer();

const NOWHERE = '019a8f3f-0c45-7a92-b1d8-94e7c5f02a6d';

/** The part of an answer to `sync` that is about a room that could be read. */
interface Page {
  room_id: string;
  head: number;
  messages: Message[];
  has_more: boolean;
  reset: boolean;
}

async function sync(client: TestClient, rooms: [Room, number][], epoch = client.me.epoch) {
  const asked = rooms.map(([room, seq]) => ({ room_id: room.id, seq }));
  return (await client.ok('sync', { epoch, rooms: asked })).rooms;
}

async function page(client: TestClient, room: Room, seq: number): Promise<Page> {
  const [answer] = await sync(client, [[room, seq]]);
  if (answer === undefined || 'error' in answer) throw new Error(`no page: ${JSON.stringify(answer)}`);
  return answer;
}

describe.each(TRANSPORTS)('catching up over %s', (transport) => {
  it('gives what changed after the number, in order of rev, each message once in its newest state', async () => {
    const ada = await guest(server, 'ada', transport);
    const room = await ada.createRoom();
    const one = await ada.say(room, 'one');
    const two = await ada.say(room, 'two');
    const three = await ada.say(room, 'three');
    const edited = (await ada.ok('update_message', { message_id: one.id, content: 'one, edited' })).message;
    const deleted = (await ada.ok('delete_message', { message_id: two.id })).message;
    const answer = await ada.ok('sync', { epoch: ada.me.epoch, rooms: [{ room_id: room.id, seq: 1 }] });
    expect(answer.epoch).toBe(ada.me.epoch);
    const rest = { room_id: room.id, head: 6, has_more: false, reset: false };
    expect(answer.rooms).toEqual([{ ...rest, messages: [three, edited, deleted] }]);
    expect(await sync(ada, [[room, 5]])).toEqual([{ ...rest, messages: [deleted] }]);
    expect(await sync(ada, [[room, 6]])).toEqual([{ ...rest, messages: [] }]);
    expect((await page(ada, room, 0)).messages.map((message) => message.rev)).toEqual([1, 4, 5, 6]);
  });

  it('pages at 300 messages; following the pages gives all', async () => {
    const ada = await guest(server, 'ada');
    const can = await guest(server, 'can', transport);
    const room = await ada.createRoom();
    const sent = await Promise.all(Array.from({ length: 650 }, (_, i) => ada.say(room, `number ${i}`)));
    await ada.ok('update_message', { message_id: sent[0]?.id ?? '', content: 'edited' });
    await can.ok('join_room', { room_id: room.id });
    const first = await page(can, room, 0);
    expect(first).toMatchObject({ has_more: true, reset: false, head: 653 });
    expect(first.messages).toHaveLength(LIMITS.sync_messages);
    const second = await page(can, room, first.messages.at(-1)?.rev ?? 0);
    expect(second).toMatchObject({ has_more: true });
    const third = await page(can, room, second.messages.at(-1)?.rev ?? 0);
    expect(third).toMatchObject({ has_more: false, head: 653 });
    const all = [...first.messages, ...second.messages, ...third.messages];
    expect(all.map((message) => message.rev)).toEqual([1, ...Array.from({ length: 651 }, (_, i) => i + 3)]);
    expect(new Set(all.map((message) => message.id)).size).toBe(652);
  });

  it('fills rooms in the order asked, within 256 KiB; those that no longer fit say so', async () => {
    const ada = await guest(server, 'ada', transport);
    const big = '\u{1f9ad}'.repeat(LIMITS.content_max);
    const rooms: Room[] = [];
    for (let i = 0; i < 3; i++) {
      const room = await ada.createRoom();
      for (let n = 0; n < 10; n++) await ada.say(room, big);
      rooms.push(room);
    }
    const [a, b, c] = rooms as [Room, Room, Room];
    const pages = (await sync(ada, [
      [a, 0],
      [b, 0],
      [c, 0],
    ])) as Page[];
    expect(pages.map((one) => one.room_id)).toEqual([a.id, b.id, c.id]);
    expect(pages.map((one) => one.has_more)).toEqual([false, true, true]);
    expect(pages.map((one) => one.head)).toEqual([11, 11, 11]);
    expect(pages[0]?.messages).toHaveLength(11);
    expect(pages[1]?.messages.length).toBeGreaterThan(0);
    expect(pages[2]).toMatchObject({ messages: [], reset: false });
    const turned = (await sync(ada, [
      [c, 0],
      [a, 11],
      [b, pages[1]?.messages.at(-1)?.rev ?? 0],
    ])) as Page[];
    expect(turned[0]).toMatchObject({ room_id: c.id, has_more: false });
    expect(turned[1]).toMatchObject({ room_id: a.id, messages: [], has_more: false });
  });

  it('says reset for another epoch and for a number above the head', async () => {
    const ada = await guest(server, 'ada', transport);
    const room = await ada.createRoom();
    await ada.say(room, 'hello');
    const reset = { room_id: room.id, head: 2, messages: [], has_more: false, reset: true };
    expect(await sync(ada, [[room, 3]])).toEqual([reset]);
    expect(await sync(ada, [[room, 0]], 'another epoch')).toEqual([reset]);
    expect(await sync(ada, [[room, 2]], '')).toEqual([reset]);
    const answer = await ada.ok('sync', { epoch: 'another epoch', rooms: [] });
    expect(answer).toMatchObject({ epoch: ada.me.epoch, rooms: [] });
  });

  it('answers for each room alone where it may not be read', async () => {
    const ada = await guest(server, 'ada', transport);
    const can = await guest(server, 'can', transport);
    const mine = await can.createRoom();
    const open = await ada.createRoom();
    const hidden = await ada.createRoom({ type: 'private' });
    const left = await ada.createRoom();
    await can.ok('join_room', { room_id: left.id });
    await can.ok('leave_room', { room_id: left.id });
    const none: Room = { ...open, id: NOWHERE };
    const answers = await sync(can, [
      [none, 0],
      [open, 0],
      [mine, 0],
      [hidden, 0],
      [left, 0],
    ]);
    expect(answers).toEqual([
      { room_id: NOWHERE, error: 'ROOM_NOT_FOUND' },
      { room_id: open.id, error: 'NOT_A_MEMBER' },
      { room_id: mine.id, head: 1, messages: [expect.anything()], has_more: false, reset: false },
      { room_id: hidden.id, error: 'ROOM_NOT_FOUND' },
      { room_id: left.id, error: 'NOT_A_MEMBER' },
    ]);
    const other = await sync(
      can,
      [
        [open, 0],
        [mine, 0],
      ],
      'another epoch',
    );
    expect(other).toMatchObject([{ error: 'NOT_A_MEMBER' }, { reset: true, head: 1 }]);
  });

  it('takes a room that is named twice, and answers each time it is named', async () => {
    const ada = await guest(server, 'ada', transport);
    const room = await ada.createRoom();
    await ada.say(room, 'hello');
    const answers = (await sync(ada, [
      [room, 0],
      [room, 1],
    ])) as Page[];
    expect(answers.map((one) => one.room_id)).toEqual([room.id, room.id]);
    expect(answers.map((one) => one.messages.map((message) => message.rev))).toEqual([[1, 2], [2]]);
  });

  it('takes at most 100 rooms, and refuses what is no request', async () => {
    const ada = await guest(server, 'ada', transport);
    const room = await ada.createRoom();
    const one = { room_id: room.id, seq: 0 };
    const { epoch } = ada.me;
    const many = await ada.ok('sync', { epoch, rooms: Array(LIMITS.sync_rooms).fill(one) });
    expect(many.rooms).toHaveLength(LIMITS.sync_rooms);
    const fault = async (payload: object) => {
      const answer = await ada.raw('sync', payload);
      if (answer.ok) throw new Error('sync was not refused');
      expect(answer.error.code).toBe('INVALID_INPUT');
      return answer.error.field;
    };
    expect(await fault({ epoch, rooms: Array(LIMITS.sync_rooms + 1).fill(one) })).toBe('rooms');
    expect(await fault({ epoch, rooms: [{ room_id: room.id, seq: -1 }] })).toMatch(/^rooms/);
    expect(await fault({ epoch, rooms: [{ room_id: room.id, seq: 0.5 }] })).toMatch(/^rooms/);
    expect(await fault({ epoch, rooms: [{ ...one, more: 1 }] })).toMatch(/more|^rooms/);
    expect(await fault({ rooms: [one] })).toBe('epoch');
    expect(await fault({ epoch })).toBe('rooms');
  });

  it('answers several that are sent at once', async () => {
    const ada = await guest(server, 'ada', transport);
    const room = await ada.createRoom();
    const payload = { epoch: ada.me.epoch, rooms: [{ room_id: room.id, seq: 0 }] };
    const answers = await Promise.all([1, 2, 3, 4].map(() => ada.call('sync', payload)));
    expect(answers[0]?.ok).toBe(true);
    for (const answer of answers) if (!answer.ok) expect(answer.error.code).toBe('RATE_LIMITED');
  });

  it('completes a reconnect under writes: what sync gives and what comes as events is all there is', async () => {
    const ada = await guest(server, 'ada');
    const can = await guest(server, 'can', transport);
    const room = await ada.createRoom();
    const { room: seen } = await can.ok('join_room', { room_id: room.id });
    let cursor = seen.seq;
    const known: Message[] = [];
    const writing = (async () => {
      for (let i = 0; i < 150; i++) {
        const { id } = await ada.say(room, `number ${i}`);
        if (i % 3 === 0) await ada.ok('update_message', { message_id: id, content: `edited ${i}` });
      }
      return ada.say(room, 'the end');
    })();
    for (let round = 0; round < 4; round++) {
      const client = await connect(server, { transport, token: can.me.token });
      let more = true;
      while (more) {
        const { messages, has_more, head } = await page(client, room, cursor);
        known.push(...messages);
        cursor = has_more ? (messages.at(-1)?.rev ?? cursor) : head;
        more = has_more;
      }
      const enough = () => {
        const log = entries(client, room);
        return log.length > 8 || [...log, ...known].some((one) => one.content === 'the end') ? true : undefined;
      };
      await client.until(enough, 'some entries or the last one');
      client.close();
      for (const entry of entries(client, room)) {
        if (entry.rev === cursor + 1) cursor = entry.rev;
        known.push(entry);
      }
    }
    const end = await writing;
    const { messages, head } = await page(await connect(server, { token: can.me.token }), room, cursor);
    known.push(...messages);
    expect(head).toBe(end.rev);
    const { messages: last } = await ada.ok('get_messages', { room_id: room.id, limit: 100 });
    expect(newest(known).slice(-100)).toEqual(last);
    expect(newest(known)).toHaveLength(151);
  });
});
