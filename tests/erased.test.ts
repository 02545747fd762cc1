import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import type { UserExport } from '../app/services/admin.ts';
import type { Message, Room } from '../protocol/index.ts';
import { connect, guest, type TestClient } from './support/client.ts';
import { deadline } from './support/deadline.ts';
import { spawnServer } from './support/process.ts';
import { startServer, type TestServer } from './support/server.ts';
import { openStore, tool } from './support/tool.ts';

const MARK = /MARK-\d{5}/g;
const EACH = 250;
let marks = 0;
/** A text that is nowhere else. */
const mark = () => `MARK-${String(++marks).padStart(5, '0')} was here`;

/** The marks in a file. */
async function marksIn(path: string): Promise<Set<string>> {
  return new Set(existsSync(path) ? ((await readFile(path, 'latin1')).match(MARK) ?? []) : []);
}

/** Says some texts, each with a mark. */
async function sayMarks(client: TestClient, room: Room, count = EACH): Promise<Message[]> {
  return await Promise.all(Array.from({ length: count }, () => client.say(room, mark())));
}

/** Waits until something holds. */
async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const ended = new AbortController();
  const waiting = (async () => {
    while (!ended.signal.aborted && !(await holds())) await new Promise((resolve) => setTimeout(resolve, 100));
  })();
  await deadline(waiting, what, 20_000).finally(() => ended.abort());
}

describe('what was erased', () => {
  it('is in neither the database, its log nor a backup, whatever took it away', async () => {
    await using server = await spawnServer();
    const file = join(server.folder, 'sohbet.db');
    const ada = await guest(server, 'ada');
    const can = await guest(server, 'can');
    const room = await can.createRoom();
    const doomed = await can.createRoom({ name: 'Doomed' });
    await ada.ok('join_room', { room_id: room.id });
    const deleted = await sayMarks(can, room);
    const edited = await sayMarks(can, room);
    await sayMarks(ada, room);
    await sayMarks(can, doomed);
    expect(new Set([...(await marksIn(file)), ...(await marksIn(`${file}-wal`))]).size).toBe(4 * EACH);

    await Promise.all([
      ...deleted.map(({ id: message_id }) => can.ok('delete_message', { message_id })),
      ...edited.map(({ id: message_id }) => can.ok('update_message', { message_id, content: 'nothing' })),
    ]);
    await tool(server, 'admin', 'erase-user', ada.id);
    await tool(server, 'admin', 'delete-room', doomed.id);
    const backup = join(server.folder, 'backup.db');
    await tool(server, 'backup', backup);
    // The log is emptied into the file from time to time.
    await until('no trace', async () => (await marksIn(`${file}-wal`)).size + (await marksIn(file)).size === 0);
    const left = await Promise.all([file, `${file}-wal`, backup].map(async (path) => [...(await marksIn(path))]));
    expect(left).toEqual([[], [], []]);
    const name = ada.me.user.username;
    for (const path of [file, `${file}-wal`, backup]) expect(await readFile(path, 'latin1')).not.toContain(name);
    expect(await readFile(backup, 'latin1')).not.toContain('Doomed');
  });

  it('is told no more, not even as the name of who was just there', async () => {
    await using server = await startServer({ env: { PRESENCE_GRACE: '60' }, config: { typingLapseMs: 60_000 } });
    const ada = await guest(server, 'ada');
    const can = await guest(server, 'can');
    const room = await can.createRoom();
    await ada.ok('join_room', { room_id: room.id });
    await ada.ok('typing_status', { room_id: room.id, is_typing: true });
    await can.waitFor('typing_status', ({ user_id }) => user_id === ada.id);
    const from = can.mark();
    await tool(server, 'admin', 'erase-user', ada.id);
    await can.waitFor('user_disconnected', ({ user_id }) => user_id === ada.id);
    const lists = [
      await can.ok('get_users', {}),
      await can.ok('get_users', { room_id: room.id }),
      await can.ok('join_room', { room_id: room.id }),
    ];
    const told = JSON.stringify([can.entries.slice(from), lists]);
    expect(told).not.toContain(ada.me.user.username);
    expect(told).toContain('deleted user');
  });
});

/** Writes as many messages to a room as if they had been sent, every third by `ada`, and the others by `can`. */
function fillRoom(
  file: string,
  { room, ada, can, count }: { room: Room; ada: TestClient; can: TestClient; count: number },
) {
  const db = new DatabaseSync(file);
  db.prepare(`
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $count)
    INSERT INTO messages (id, room_id, seq, rev, user_id, username, content, timestamp)
      SELECT printf('01900000-0000-7000-8000-%012d', i), $room, 100 + i, 100 + i, iif(i % 3 = 0, $ada, $can), 'somebody',
             'MARK-' || i, 1700000000000 FROM n`).run({ count, room: room.id, ada: ada.id, can: can.id });
  db.prepare('UPDATE rooms SET seq = 100 + ? WHERE id = ?').run(count, room.id);
  db.close();
}

/** A stopped server with a room of so many messages. */
async function withHistory(server: TestServer, count: number) {
  const ada = await guest(server, 'ada');
  const can = await guest(server, 'can');
  const room = await can.createRoom();
  await ada.ok('join_room', { room_id: room.id });
  await server.stop();
  const file = join(server.folder, 'sohbet.db');
  fillRoom(file, { room, ada, can, count });
  const counted = (where: string) => {
    const db = new DatabaseSync(file);
    const row = db.prepare(`SELECT count(*) AS count FROM ${where}`).get();
    db.close();
    return Number(row?.['count']);
  };
  return { ada, can, room, file, counted };
}

describe('what takes many steps', () => {
  const COUNT = 9_000;

  it('is done to its end by the tools: all is exported, listed and erased', async () => {
    await using server = await startServer();
    const { ada, room, counted, file } = await withHistory(server, COUNT);
    const out = join(server.folder, 'ada.json');
    await tool(server, 'admin', 'export-user', ada.id, '--out', out);
    const exported = JSON.parse(await readFile(out, 'utf8')) as UserExport;
    expect(exported.messages).toHaveLength(COUNT / 3);
    await tool(server, 'admin', 'erase-user', ada.id);
    expect(counted(`messages WHERE user_id = '${ada.id}' AND username = 'deleted user'`)).toBe(COUNT / 3 + 2);
    expect(counted(`messages WHERE user_id = '${ada.id}' AND content LIKE 'MARK%'`)).toBe(0);
    expect(counted("messages WHERE content LIKE 'MARK%'")).toBe((COUNT / 3) * 2);
    await tool(server, 'admin', 'delete-room', room.id);
    for (const table of ['messages', 'members', 'rooms', 'erasures', 'departures']) expect(counted(table)).toBe(0);

    const db = new DatabaseSync(file);
    db.exec(`
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2_100)
      INSERT INTO users (id, username, name_key, generation, created_at, connected_at, last_activity)
        SELECT printf('%05d', i), 'user ' || i, 'user ' || i, 0, 1, 1, 1 FROM n;
      INSERT INTO rooms (id, name, name_key, type, created_by, created_at, active_at, seq, user_count, listed_at)
        SELECT id, 'room', 'room', 'public', id, 1, 1, 0, 0, 1 FROM users WHERE name_key LIKE 'user %'`);
    db.close();
    for (const what of ['users', 'rooms']) {
      const lines = (await tool(server, 'admin', what, what === 'users' ? 'user ' : 'room')).trim().split('\n');
      expect(new Set(lines).size).toBe(2_100);
    }
  });

  it.each(['room', 'user'] as const)('is finished after a restart: a %s', async (kind) => {
    await using server = await startServer();
    const { ada, can, room, counted } = await withHistory(server, COUNT);
    const store = await openStore(server);
    if (kind === 'room') await store.admin.deleteRoom({ room_id: room.id, at: Date.now() });
    else await store.admin.eraseUser({ user_id: ada.id, at: Date.now() });
    // Nobody has begun: what a tool that was killed at once leaves.
    await store.close();
    expect(counted('messages')).toBe(COUNT + 2);
    await server.start();
    const back = await connect(server, { token: can.me.token });
    if (kind === 'room') {
      expect(back.me.rooms).toEqual([]);
      expect(await back.code('join_room', { room_id: room.id })).toBe('ROOM_NOT_FOUND');
      await until('an empty table', async () => counted('messages') + counted('members') === 0);
    } else {
      await until('tombstones', async () => counted("messages WHERE username = 'deleted user'") === COUNT / 3 + 2);
      const { messages } = await back.ok('get_messages', { room_id: room.id, limit: 3 });
      expect(messages.at(-1)).toMatchObject({ system: { type: 'user_left', username: 'deleted user' } });
    }
    await until('no record of it', async () => counted('erasures') === 0);
  });
});
