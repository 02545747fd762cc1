import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../protocol/limits.ts';
import { testEngine } from '../../tests/support/data.ts';
import { guest, message, newId, roomOf } from '../../tests/support/records.ts';
import { openOwnStore, openStore } from '../../tests/support/store.ts';
import { Refusal } from '../models/refusal.ts';
import type { LogEntry, Store } from './store.ts';

/** A store that is closed with the test. */
async function open(where: 'disk' | 'memory' = 'disk', queueMax = 10_000) {
  const own = await openOwnStore(where, { queueMax });
  const entries: LogEntry[] = [];
  own.store.onEntries((committed) => entries.push(...committed));
  return { ...own, entries };
}

/** Does the next step of what is erased; false when there is none. */
async function eraseStep(store: Store, at: number): Promise<boolean> {
  const next = await store.erasures.next();
  if (next !== null) await store.erasures.step({ next, at });
  return next !== null;
}

/** Lets a retired user leave the next room; false when there is none left. */
async function depart(store: Store, user_id: string): Promise<boolean> {
  const room_id = await store.users.nextDeparture({ user_id });
  return await store.users.depart({ user_id, room_id, message_id: newId(), at: 1 });
}

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'ok',
    (error: unknown) => (error instanceof Refusal ? error.code : String(error)),
  );

// One suite for every engine and every kind of database.
const PLACES = testEngine() === 'sqlite' ? (['disk', 'memory'] as const) : (['disk'] as const);

describe.each(PLACES)('the store in %s', (place) => {
  it('numbers the entries of a room without holes, in the order of commit, and tells them before it answers', async () => {
    await using opened = await open(place);
    const { store, entries } = opened;
    const ada = await guest(store, 'ada');
    const room = await roomOf(store, ada.id);
    let told = 0;
    const sends = Array.from({ length: 500 }, async (_, i) => {
      const sent = await store.messages.send(message(room.id, ada.id, `${i}`));
      told ||= entries.length;
      return sent;
    });
    const sent = await Promise.all(sends);
    expect(told).toBeGreaterThan(1);
    expect(entries.map(({ message: { rev } }) => rev)).toEqual(Array.from({ length: 501 }, (_, i) => i + 1));
    expect(sent.map(({ message: { content } }) => content)).toEqual(
      entries.slice(1).map((entry) => entry.message.content),
    );
  });

  it('answers a refused member of a batch alone', async () => {
    await using opened = await open(place);
    const { store } = opened;
    const ada = await guest(store, 'ada');
    const eve = await guest(store, 'eve');
    const room = await roomOf(store, ada.id);
    const codes = await Promise.all([
      code(store.messages.send(message(room.id, ada.id, 'a'))),
      code(store.messages.send(message(room.id, eve.id, 'b'))),
      code(store.messages.send(message(newId(), ada.id, 'c'))),
      code(store.messages.send(message(room.id, ada.id, 'd'))),
    ]);
    expect(codes).toEqual(['ok', 'NOT_A_MEMBER', 'ROOM_NOT_FOUND', 'ok']);
    expect((await store.rooms.heads({ room_ids: [room.id] }))[0]?.head).toBe(3);
  });

  it('takes no activity for older than one that it stored before, though the clock says so', async () => {
    await using opened = await open(place);
    const { store } = opened;
    const ada = await guest(store, 'ada');
    const [older, newer] = [await roomOf(store, ada.id), await roomOf(store, ada.id)];
    await store.messages.send({ ...message(older.id, ada.id, 'a'), at: 5_000 });
    await store.messages.send({ ...message(newer.id, ada.id, 'b'), at: 4_900 });
    const list = { user_id: ada.id, query: undefined, mine: true, after: undefined, limit: 10 };
    expect((await store.rooms.list(list)).items.map(({ id }) => id)).toEqual([newer.id, older.id]);
  });

  it('sets activity in the future to now, in the order that it was in', async () => {
    await using opened = await open(place);
    const { store } = opened;
    const ada = await guest(store, 'ada');
    const rooms = await Promise.all([1, 2, 3, 4].map(() => roomOf(store, ada.id)));
    const [a, b, c, d] = rooms.map(({ id }) => id) as [string, string, string, string];
    for (const [room_id, at] of [
      [d, 7_000],
      [a, 8_000],
      [c, 9_000],
    ] as const) {
      await store.messages.send({ ...message(room_id, ada.id, 'ahead'), at });
    }
    const ahead = await store.times.roomsAhead({ at: 5_000, limit: 2 });
    await store.times.settleRooms({ room_ids: ahead, place: 0, at: 5_000 });
    const rest = await store.times.roomsAhead({ at: 5_000, limit: 2 });
    await store.times.settleRooms({ room_ids: rest, place: ahead.length, at: 5_000 });
    await store.messages.send({ ...message(b, ada.id, 'now'), at: 5_000 });
    const list = { user_id: ada.id, query: undefined, mine: true, after: undefined, limit: 10 };
    expect((await store.rooms.list(list)).items.map(({ id }) => id)).toEqual([b, c, a, d]);
  });

  it('fails the one write of a batch that meets a fault, and no other', async () => {
    await using opened = await open(place);
    const { store } = opened;
    const ada = await guest(store, 'ada');
    const room = await roomOf(store, ada.id);
    const twice = message(room.id, ada.id, 'b');
    const codes = await Promise.all([
      code(store.messages.send(message(room.id, ada.id, 'a'))),
      code(store.messages.send(twice)),
      code(store.messages.send(twice)),
      code(store.messages.send(message(room.id, ada.id, 'c'))),
    ]);
    expect(codes).toEqual(['ok', 'ok', 'INTERNAL', 'ok']);
    const { messages } = await store.messages.page({
      room_id: room.id,
      user_id: ada.id,
      before: undefined,
      after: 1,
      limit: 10,
    });
    expect(messages.toJSON().map(({ content, rev }) => [content, rev])).toEqual([
      ['a', 2],
      ['b', 3],
      ['c', 4],
    ]);
  });

  it('gives the first message back for a key that repeats, also within one batch', async () => {
    await using opened = await open(place);
    const { store, entries } = opened;
    const ada = await guest(store, 'ada');
    const room = await roomOf(store, ada.id);
    const sends = ['a', 'b', 'c'].map((content) => store.messages.send(message(room.id, ada.id, content, 'key')));
    const sent = await Promise.all(sends);
    expect(sent.map(({ duplicate }) => duplicate)).toEqual([undefined, true, true]);
    expect(new Set(sent.map((answer) => answer.message.id)).size).toBe(1);
    expect(entries).toHaveLength(2);
  });

  it('refuses more waiting writes than it may hold', async () => {
    await using opened = await open(place, 50);
    const { store } = opened;
    const ada = await guest(store, 'ada');
    const room = await roomOf(store, ada.id);
    const codes = await Promise.all(
      Array.from({ length: 80 }, () => code(store.messages.send(message(room.id, ada.id, 'x')))),
    );
    expect(codes.filter((answer) => answer === 'OVERLOADED')).toHaveLength(30);
    expect(codes.filter((answer) => answer === 'ok')).toHaveLength(50);
  });

  it('refuses a place in a list that it never gave, and fails nobody for it', async () => {
    await using opened = await open(place);
    const { store } = opened;
    const ada = await guest(store, 'ada');
    const list = (json: string) => {
      const after = Buffer.from(json).toString('base64url');
      return code(store.rooms.list({ user_id: ada.id, query: undefined, mine: false, after, limit: 5 }));
    };
    const forged = [
      '[1.5,"a"]',
      '[1e999,"a"]',
      '[9007199254740992,"a"]',
      '[1,"\\u0000"]',
      '[1,"\\ud800"]',
      '["1","a"]',
    ];
    expect(await Promise.all(forged.map(list))).toEqual(forged.map(() => 'INVALID_INPUT'));
    expect(await list('[1,"a"]')).toBe('ok');
  });

  it('lets no list or search of one user keep others waiting', async () => {
    await using opened = await open(place);
    const { store } = opened;
    const [ada, can, eve] = await Promise.all(['ada', 'can', 'eve'].map((name) => guest(store, name)));
    if (ada === undefined || can === undefined || eve === undefined) throw new Error('a guest is missing');
    let listed = 0;
    const list = (user_id: string) =>
      store.rooms.list({ user_id, query: 'x', mine: false, after: undefined, limit: 50 }).then(() => {
        listed++;
      });
    const lists = Array.from({ length: 200 }, () => list(ada.id));
    const whenDone = (promise: Promise<unknown>) => promise.then(() => listed);
    const light = await Promise.all([
      whenDone(store.users.session({ user_id: eve.id, token: undefined, mine: false })),
      whenDone(store.users.freeNameLike('eve')),
      whenDone(list(can.id)),
    ]);
    // Where several connections read, some lists are done while another connection does what is asked here.
    const most = testEngine() === 'sqlite' ? 20 : 100;
    for (const waited of light) expect(waited).toBeLessThan(most);
    await Promise.all(lists);
  });

  it('lets a retired user write nothing, and takes it for no member, before it has left its rooms', async () => {
    await using opened = await open(place);
    const { store, entries } = opened;
    const [ada, can] = [await guest(store, 'ada'), await guest(store, 'can')];
    const room = await roomOf(store, ada.id);
    const open_ = await roomOf(store, can.id);
    const of = (room_id: string, user_id: string) => ({ room_id, user_id, message_id: newId(), rooms_max: 9, at: 1 });
    await store.rooms.add({ ...of(room.id, can.id), by: ada.id });
    const { message: said } = await store.messages.send(message(room.id, ada.id, 'said'));
    const before = entries.length;
    const gone = store.users.revoke({ user_id: ada.id, token_id: 'token', expires_at: 9, at: 1 });
    const change = { message_id: said.id, user_id: ada.id, at: 1 };
    const made = { message_id: newId(), name: 'late', type: 'public', password_hash: null, client_id: null } as const;
    const late = [
      store.messages.send(message(room.id, ada.id, 'late')),
      store.messages.edit({ ...change, content: 'late' }),
      store.messages.delete(change),
      store.rooms.leave(of(room.id, ada.id)),
      store.rooms.remove({ ...of(room.id, can.id), by: ada.id }),
      store.rooms.add({ ...of(room.id, can.id), by: ada.id }),
      store.rooms.join({ ...of(open_.id, ada.id), verified_hash: null }),
      store.rooms.create({ ...made, room_id: newId(), user_id: ada.id, rooms_max: 9, at: 1 }),
      store.rooms.add({ ...of(open_.id, ada.id), by: can.id }),
    ];
    const codes = await Promise.all(late.map(code));
    expect(codes).not.toContain('ok');
    expect(codes.slice(-3)).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED', 'USER_NOT_FOUND']);
    expect(await gone).toEqual({ retired: true });
    expect(entries).toHaveLength(before);
    const { users } = await store.rooms.snapshot({ room_id: room.id, user_id: can.id });
    expect(users.map(({ id }) => id)).toEqual([can.id]);
  });

  it('passes a room on to who has joined before its retired owner left, and over others who are retired', async () => {
    await using opened = await open(place);
    const { store, entries } = opened;
    const [ada, eve, can] = [await guest(store, 'ada'), await guest(store, 'eve'), await guest(store, 'can')];
    const room = await roomOf(store, ada.id);
    const of = (user_id: string) => ({ room_id: room.id, user_id, message_id: newId(), rooms_max: 9, at: 1 });
    await store.rooms.join({ ...of(eve.id), verified_hash: null });
    for (const { id } of [ada, eve]) await store.users.revoke({ user_id: id, token_id: id, expires_at: 9, at: 1 });
    await store.rooms.join({ ...of(can.id), verified_hash: null });
    for (const user_id of [ada.id, eve.id]) {
      expect([await depart(store, user_id), await depart(store, user_id)]).toEqual([true, false]);
    }
    expect(await store.users.departing({ after: '', limit: 9 })).toEqual([]);
    const told = entries.slice(-2).map(({ message: { system } }) => system);
    expect(told).toEqual([
      { type: 'user_left', user_id: ada.id, username: 'ada', new_owner_id: can.id },
      { type: 'user_left', user_id: eve.id, username: 'eve' },
    ]);
    expect((await store.rooms.snapshot({ room_id: room.id, user_id: can.id })).room).toMatchObject({
      owner_id: can.id,
      user_count: 1,
    });
  });

  it('keeps a page of sync within the bound of an answer, and says that there is more', async () => {
    await using opened = await open(place);
    const { store } = opened;
    const ada = await guest(store, 'ada');
    const rooms = [await roomOf(store, ada.id), await roomOf(store, ada.id)];
    for (const room of rooms) {
      const sends = Array.from({ length: 40 }, () => store.messages.send(message(room.id, ada.id, '€'.repeat(3_900))));
      await Promise.all(sends);
    }
    const synced = await store.messages.sync({
      user_id: ada.id,
      rooms: rooms.map(({ id }) => ({ room_id: id, seq: 0 })),
    });
    expect(Buffer.byteLength(synced.json)).toBeLessThanOrEqual(LIMITS.answer_bytes);
    const answer = synced.toJSON();
    expect(answer).toMatchObject([{ has_more: true }, { has_more: true, messages: [] }]);
    const [first] = answer;
    expect(first && 'messages' in first && first.messages.length).toBeGreaterThan(15);
  });

  it('deletes a room for everybody at once, and what is stored of it in short steps', async () => {
    await using opened = await open(place);
    const { store } = opened;
    const ada = await guest(store, 'ada');
    const can = await guest(store, 'can');
    const room = await roomOf(store, ada.id);
    const kept = await roomOf(store, ada.id);
    const sent = await store.messages.send(message(room.id, ada.id, 'once', 'key'));
    await Promise.all(Array.from({ length: 1_200 }, () => store.messages.send(message(room.id, ada.id, 'x'))));
    await store.messages.send(message(kept.id, ada.id, 'kept'));
    await store.admin.deleteRoom({ room_id: room.id, at: 2 });

    const at = 3;
    const who = { room_id: room.id, user_id: ada.id };
    const codes = await Promise.all([
      code(store.messages.send(message(room.id, ada.id, 'once', 'key'))),
      code(store.messages.edit({ message_id: sent.message.id, user_id: ada.id, content: 'y', at })),
      code(store.messages.page({ ...who, before: undefined, after: undefined, limit: 1 })),
      code(store.rooms.snapshot(who)),
      code(store.rooms.join({ ...who, user_id: can.id, message_id: newId(), at, verified_hash: null, rooms_max: 9 })),
      code(store.admin.deleteRoom({ room_id: room.id, at })),
    ]);
    expect(codes).toEqual([
      'ROOM_NOT_FOUND',
      'MESSAGE_NOT_FOUND',
      'ROOM_NOT_FOUND',
      'ROOM_NOT_FOUND',
      'ROOM_NOT_FOUND',
      'ROOM_NOT_FOUND',
    ]);
    expect(await store.rooms.heads({ room_ids: [room.id] })).toEqual([]);
    expect(await store.messages.byClientId({ ...who, client_id: 'key' })).toBeUndefined();

    const counts = [await store.admin.countMessages()];
    while (await eraseStep(store, at)) counts.push(await store.admin.countMessages());
    expect(counts.at(-1)).toBe(2);
    for (const [i, count] of counts.slice(1).entries()) expect((counts[i] ?? 0) - count).toBeLessThanOrEqual(500);
  });

  it('erases a user in short steps, after all rooms were left, and begins with nobody else', async () => {
    await using opened = await open(place);
    const { store, entries } = opened;
    const ada = await guest(store, 'ada');
    const can = await guest(store, 'can');
    const room = await roomOf(store, can.id);
    const who = { room_id: room.id, user_id: ada.id };
    await store.rooms.join({ ...who, message_id: newId(), at: 1, verified_hash: null, rooms_max: 9 });
    for (const user of [ada, can])
      await Promise.all(
        Array.from({ length: 250 }, () => store.messages.send(message(room.id, user.id, 'x', newId()))),
      );
    await store.admin.eraseUser({ user_id: ada.id, at: 2 });
    // Until then ada may still be heard.
    expect(await eraseStep(store, 3)).toBe(false);
    while (await depart(store, ada.id));
    const steps: number[] = [];
    for (let from = entries.length; await eraseStep(store, 4); from = entries.length) steps.push(entries.length - from);
    expect(Math.max(...steps)).toBeLessThanOrEqual(100);
    const { messages } = await store.messages.page({
      room_id: room.id,
      user_id: can.id,
      before: undefined,
      after: 0,
      limit: 1_000,
    });
    const own = messages.toJSON().filter(({ user_id, is_system_message }) => user_id === ada.id && !is_system_message);
    expect(own).toHaveLength(250);
    for (const one of own) expect(one).toMatchObject({ content: '', deleted: true, username: 'deleted user' });
    expect(own.filter(({ client_id }) => client_id !== undefined)).toEqual([]);
    expect(messages.toJSON().filter(({ deleted }) => deleted)).toHaveLength(250);
  });
});

describe('a store', () => {
  it('shows what another process wrote, and forgets what it had in mind', async () => {
    await using opened = await open();
    const { store } = opened;
    const written = new Promise<void>((resolve) => store.onOutsideWrite(() => resolve()));
    const ada = await guest(store, 'ada');
    const room = await roomOf(store, ada.id);
    const other = await openStore(opened);
    await other.messages.send(message(room.id, ada.id, 'from beside'));
    await other.close();
    await written;
    expect((await store.messages.send(message(room.id, ada.id, 'after'))).message.rev).toBe(3);
  });
});
