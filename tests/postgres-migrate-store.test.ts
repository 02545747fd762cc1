import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createLogger } from '../app/core/logger.ts';
import { createMetrics } from '../app/core/metrics.ts';
import { openSqliteStore } from '../app/stores/sqlite/store.ts';
import type { CommandResult, Message, Room } from '../protocol/index.ts';
import { connect, guest, type TestClient } from './support/client.ts';
import { dataFolder } from './support/data.ts';
import { until } from './support/deadline.ts';
import { contents, goOver, onPostgres, pairOf } from './support/pair.ts';
import { TestServer } from './support/server.ts';

const LONG = 'uzun ileti 👩‍👩‍👧‍👦 \u0007 ğüşıöç İ 漢字 \\ " \' \n\t '.repeat(60);

/** Fills a server with something of all that there is. */
async function fill(server: TestServer) {
  const [ada, can, eve, ida] = [
    await guest(server, 'ada'),
    await guest(server, 'can'),
    await guest(server, 'eve'),
    await guest(server, 'ıda'),
  ];
  const open = await ada.createRoom({ name: 'Açık oda 🌍', client_id: 'room-key' });
  const locked = await can.createRoom({ type: 'private', password: 'correct horse' });
  const doomed = await can.createRoom({ name: 'doomed' });
  for (const client of [can, eve, ida]) await client.ok('join_room', { room_id: open.id });
  await ada.ok('add_member', { room_id: (await ada.createRoom({ type: 'private' })).id, user_id: can.id });
  await ada.ok('send_message', { room_id: open.id, content: LONG, client_id: 'key' });
  const edited = await can.say(open, 'before');
  const deleted = await can.say(open, 'to be deleted');
  for (let i = 0; i < 1_100; i += 100)
    await Promise.all(Array.from({ length: 100 }, (_, n) => ida.say(open, `number ${i + n}`)));
  const { rev: head } = await can.say(open, 'the last one of before');
  await can.ok('update_message', { message_id: edited.id, content: 'after' });
  await can.ok('delete_message', { message_id: deleted.id });
  await can.say(doomed, 'gone soon');
  await eve.ok('sign_out', {});
  await can.waitFor('user_left_room', ({ user_id }) => user_id === eve.id);
  return { ada, can, eve, ida, open, locked, doomed, head };
}

/** The messages of the only room that a sync was asked of. */
function missed({ rooms: [room] }: CommandResult<'sync'>): readonly Message[] {
  if (room === undefined || 'error' in room) throw new Error(`the room is not told of: ${JSON.stringify(room)}`);
  return room.messages;
}

/** What a client that was away is answered. */
async function seen(client: TestClient, room: Room, head: number) {
  const { epoch } = client.me;
  return {
    epoch,
    sync: await client.ok('sync', { epoch, rooms: [{ room_id: room.id, seq: head }] }),
    rooms: (await client.ok('get_rooms', { mine: true })).rooms,
    messages: await client.ok('get_messages', { room_id: room.id, limit: 100 }),
    search: await client.ok('get_rooms', { query: 'AÇIK' }),
    members: (await client.ok('get_users', { room_id: room.id })).users.map(({ id }) => id).sort(),
  };
}

describe('migrate-store', () => {
  it('takes all that is there to PostgreSQL, where clients go on, and back', async () => {
    const pair = pairOf(await dataFolder());
    await using server = new TestServer(pair.folder, { env: { DATABASE_URL: pair.sqlite } });
    await server.start();
    const { ada, can, eve, ida, open, locked, doomed, head } = await fill(server);
    const before = await seen(ada, open, head);
    expect(missed(before.sync)).toHaveLength(3);
    await server.stop();
    await beginErasures(pair.file, { room_id: doomed.id, user_id: ida.id });
    const source = await contents(pair.sqlite);
    for (const [table, rows] of Object.entries(source)) expect(rows, table).not.toEqual([]);

    const said = await goOver(pair, pair.sqlite, pair.postgres);
    expect(said).toContain(`Copied and compared, row by row: 4 users`);
    expect(said).toContain('Keep TOKEN_SECRET as it is.');
    expect(await contents(pair.postgres)).toEqual(source);

    await server.restart({ env: { DATABASE_URL: pair.postgres } });
    const back = await connect(server, { token: ada.me.token });
    const erased = await back.ok('sync', { epoch: before.epoch, rooms: [{ room_id: open.id, seq: head }] });
    expect(erased).toMatchObject({ epoch: before.epoch, rooms: [{ reset: false }] });
    // What the erasure that is under way changes comes above it.
    expect(missed(erased).slice(0, 3)).toEqual(missed(before.sync));
    await until(
      'the end of the erasures',
      async () => (await onPostgres(pair.postgres, 'SELECT 1 FROM erasures')).length === 0,
    );
    expect(await back.code('join_room', { room_id: doomed.id })).toBe('ROOM_NOT_FOUND');
    expect(await back.code('join_room', { room_id: locked.id, password: 'wrong' })).toBe('WRONG_PASSWORD');
    expect(await back.ok('send_message', { room_id: open.id, content: LONG, client_id: 'key' })).toMatchObject({
      duplicate: true,
    });
    const stranger = await connect(server);
    for (const { me } of [eve, ida])
      expect(await stranger.code('authenticate', { token: me.token })).toBe('INVALID_TOKEN');
    expect(await stranger.code('authenticate', { username: can.me.user.username })).toBe('USERNAME_TAKEN');
    const there = await seen(back, open, head);
    await back.say(open, 'only on PostgreSQL');
    await server.stop();

    const returned = `sqlite:${join(pair.folder, 'returned/sohbet.db')}`;
    await goOver(pair, pair.postgres, returned);
    expect(await contents(returned)).toEqual(await contents(pair.postgres));
    await server.restart({ env: { DATABASE_URL: returned } });
    const again = await connect(server, { token: back.me.token });
    expect(again.me.epoch).toBe(before.epoch);
    expect((await seen(again, open, head)).search).toEqual({
      ...there.search,
      rooms: [expect.objectContaining({ id: open.id, seq: (there.search.rooms[0]?.seq ?? 0) + 1 })],
    });
    // Neither of the databases that were left goes on under that name.
    for (const url of [pair.sqlite, pair.postgres]) {
      await server.restart({ env: { DATABASE_URL: url } });
      const client = await connect(server, { token: back.me.token });
      expect(client.me.epoch).not.toBe(before.epoch);
    }
  });
});

/** Begins what a server then goes on with. */
async function beginErasures(path: string, { room_id, user_id }: { room_id: string; user_id: string }): Promise<void> {
  const store = await openSqliteStore({
    path,
    queueMax: 10,
    logger: createLogger({ level: 'silent', pretty: false }),
    metrics: createMetrics(),
  });
  await store.admin.deleteRoom({ room_id, at: Date.now() });
  await store.admin.eraseUser({ user_id, at: Date.now() });
  await store.close();
}
