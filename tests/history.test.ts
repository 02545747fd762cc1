import { describe, expect, it } from 'vitest';
import { type CommandPayload, LIMITS, type Message, type Room } from '../protocol/index.ts';
import { guest, type TestClient, TRANSPORTS } from './support/client.ts';
import { sharedServer } from './support/server.ts';

const server = sharedServer();

/** The bytes of an answer's JSON. */
function bytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** All messages of a room, page by page in one direction. */
async function walk(client: TestClient, room: Room, way: 'back' | 'forth', limit: number): Promise<Message[][]> {
  const pages: Message[][] = [];
  let from = way === 'back' ? undefined : 0;
  for (;;) {
    const place = from === undefined ? {} : way === 'back' ? { before: from } : { after: from };
    const page = await client.ok('get_messages', { room_id: room.id, limit, ...place });
    if (page.messages.length > 0) pages.push(page.messages);
    from = (way === 'back' ? page.messages[0] : page.messages.at(-1))?.seq;
    if (!page.has_more || from === undefined) return way === 'back' ? pages.reverse() : pages;
  }
}

describe.each(TRANSPORTS)('history over %s', (transport) => {
  async function roomOf(count: number): Promise<{ ada: TestClient; room: Room }> {
    const ada = await guest(server, 'ada', transport);
    const room = await ada.createRoom();
    await Promise.all(Array.from({ length: count }, (_, i) => ada.say(room, `number ${i + 2}`)));
    return { ada, room };
  }

  it('gives the newest, or those before or after a number, which is left out', async () => {
    const { ada, room } = await roomOf(9);
    const read = async (payload: Omit<CommandPayload<'get_messages'>, 'room_id'>) => {
      const { messages, has_more } = await ada.ok('get_messages', { room_id: room.id, ...payload });
      return [messages.map((message) => message.seq), has_more];
    };
    const all = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    expect(await read({})).toEqual([all, false]);
    expect(await read({ limit: 10 })).toEqual([all, false]);
    expect(await read({ limit: 3 })).toEqual([[8, 9, 10], true]);
    expect(await read({ before: 8, limit: 3 })).toEqual([[5, 6, 7], true]);
    expect(await read({ before: 4, limit: 3 })).toEqual([[1, 2, 3], false]);
    expect(await read({ before: 1 })).toEqual([[], false]);
    expect(await read({ before: 0 })).toEqual([[], false]);
    expect(await read({ before: 1000, limit: 2 })).toEqual([[9, 10], true]);
    expect(await read({ after: 0, limit: 4 })).toEqual([[1, 2, 3, 4], true]);
    expect(await read({ after: 6, limit: 4 })).toEqual([[7, 8, 9, 10], false]);
    expect(await read({ after: 10 })).toEqual([[], false]);
    expect(await read({ after: 1000 })).toEqual([[], false]);
  });

  it('gives 50 where no limit is given, and at most 100', async () => {
    const { ada, room } = await roomOf(110);
    const read = (limit?: number) =>
      ada.ok('get_messages', { room_id: room.id, ...(limit === undefined ? {} : { limit }) });
    expect((await read()).messages).toHaveLength(LIMITS.page_default);
    expect((await read(100)).messages).toHaveLength(LIMITS.page_max);
    expect(await ada.refused('get_messages', { room_id: room.id, limit: 101 })).toMatchObject({ field: 'limit' });
    const joined = await ada.ok('join_room', { room_id: room.id });
    expect(joined.messages.map((message) => message.seq)).toEqual(Array.from({ length: 50 }, (_, i) => i + 62));
    expect(joined.has_more).toBe(true);
  });

  it('goes by seq: an edit does not move a message, and leaves no hole in a page', async () => {
    const { ada, room } = await roomOf(3);
    const [, second] = (await ada.ok('get_messages', { room_id: room.id })).messages;
    await ada.ok('update_message', { message_id: second?.id ?? '', content: 'edited' });
    const last = await ada.say(room, 'after the edit');
    expect(last.seq).toBe(6);
    const { messages, has_more } = await ada.ok('get_messages', { room_id: room.id, after: 1, limit: 4 });
    expect(messages.map(({ seq, rev }) => [seq, rev])).toEqual([
      [2, 5],
      [3, 3],
      [4, 4],
      [6, 6],
    ]);
    expect(has_more).toBe(false);
  });

  it('refuses before and after together, and numbers that are none', async () => {
    const { ada, room } = await roomOf(1);
    const fault = async (payload: Omit<CommandPayload<'get_messages'>, 'room_id'>) =>
      (await ada.refused('get_messages', { room_id: room.id, ...payload })).field;
    expect(await fault({ before: 2, after: 1 })).toBe('after');
    expect(await fault({ before: -1 })).toBe('before');
    expect(await fault({ after: 1.5 })).toBe('after');
    expect(await fault({ after: 2 ** 53 })).toBe('after');
    expect(await fault({ limit: 0 })).toBe('limit');
  });

  it.each([
    ['long', '\u{1f9ad}'.repeat(LIMITS.content_max)],
    ['escaped', `x${'\u0001'.repeat(LIMITS.content_max - 1)}`],
  ])('ends a page at 256 KiB of JSON when messages are %s', async (_, content) => {
    const ada = await guest(server, 'ada', transport);
    const room = await ada.createRoom();
    for (let i = 0; i < 30; i++) await ada.say(room, content);
    const newest = await ada.ok('get_messages', { room_id: room.id, limit: 100 });
    expect(newest.has_more).toBe(true);
    expect(newest.messages.at(-1)?.seq).toBe(31);
    expect(bytes(newest)).toBeLessThanOrEqual(LIMITS.answer_bytes);
    expect(bytes(newest)).toBeGreaterThan(LIMITS.answer_bytes * 0.8);
    const joined = await ada.ok('join_room', { room_id: room.id });
    expect(bytes(joined)).toBeLessThanOrEqual(LIMITS.answer_bytes);
    expect(joined.has_more).toBe(true);
    expect(joined.messages.at(-1)?.seq).toBe(31);
    const seqs = Array.from({ length: 31 }, (_, i) => i + 1);
    for (const way of ['back', 'forth'] as const) {
      const pages = await walk(ada, room, way, 100);
      expect(pages.flat().map((message) => message.seq)).toEqual(seqs);
      expect(pages.length).toBeGreaterThan(1);
    }
  });
});
