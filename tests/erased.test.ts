import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { UserExport } from '../app/services/admin.ts';
import type { Room } from '../protocol/index.ts';
import { connect, guest, type TestClient } from './support/client.ts';
import { openSql, type Sql } from './support/data.ts';
import { until } from './support/deadline.ts';
import { startServer, type TestServer } from './support/server.ts';
import { openStore } from './support/store.ts';
import { tool } from './support/tool.ts';

describe('what was erased', () => {
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
async function fillRoom(
  sql: Sql,
  { room, ada, can, count }: { room: Room; ada: TestClient; can: TestClient; count: number },
): Promise<void> {
  const id = "substr('01900000-0000-7000-8000-000000000000', 1, 36 - length(CAST(i AS TEXT))) || i";
  await sql.run(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
     INSERT INTO messages (id, room_id, changed, seq, rev, user_id, username, content, timestamp)
       SELECT ${id}, ?, 0, 100 + i, 100 + i, CASE WHEN i % 3 = 0 THEN ? ELSE ? END, 'somebody', 'MARK-' || i,
              1700000000000 FROM n`,
    ...[room.id, ada.id, can.id],
  );
  await sql.run('UPDATE rooms SET seq = 100 + ? WHERE id = ?', count, room.id);
}

/** A stopped server with a room of so many messages. */
async function withHistory(server: TestServer, count: number) {
  const ada = await guest(server, 'ada');
  const can = await guest(server, 'can');
  const room = await can.createRoom();
  await ada.ok('join_room', { room_id: room.id });
  await server.stop();
  {
    await using sql = await openSql(server);
    await fillRoom(sql, { room, ada, can, count });
  }
  const counted = async (where: string) => {
    await using sql = await openSql(server);
    const [row] = await sql.all<{ count: number }>(`SELECT count(*) AS count FROM ${where}`);
    return row?.count ?? Number.NaN;
  };
  return { ada, can, room, counted };
}

describe('what takes many steps', () => {
  const COUNT = 9_000;

  it('is done to its end by the tools: all is exported, listed and erased', async () => {
    await using server = await startServer();
    const { ada, room, counted } = await withHistory(server, COUNT);
    const out = join(server.folder, 'ada.json');
    await tool(server, 'admin', 'export-user', ada.id, '--out', out);
    const exported = JSON.parse(await readFile(out, 'utf8')) as UserExport;
    expect(exported.messages).toHaveLength(COUNT / 3);
    await tool(server, 'admin', 'erase-user', ada.id);
    expect(await counted(`messages WHERE user_id = '${ada.id}' AND username = 'deleted user'`)).toBe(COUNT / 3 + 2);
    expect(await counted(`messages WHERE user_id = '${ada.id}' AND content LIKE 'MARK%'`)).toBe(0);
    expect(await counted("messages WHERE content LIKE 'MARK%'")).toBe((COUNT / 3) * 2);
    await tool(server, 'admin', 'delete-room', room.id);
    for (const table of ['messages', 'members', 'rooms', 'erasures', 'departures'])
      expect(await counted(table)).toBe(0);

    await using sql = await openSql(server);
    await sql.run(`
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2100)
      INSERT INTO users (id, username, name_key, generation, created_at, connected_at, last_activity, seen_at)
        SELECT 'user ' || i, 'user ' || i, 'user ' || i, 0, 1, 1, 1, 1 FROM n`);
    await sql.run(`
      INSERT INTO rooms (id, name, name_key, type, created_by, created_at, active_at, seq, user_count, listed_at)
        SELECT id, 'room', 'room', 'public', id, 1, 1, 0, 0, 1 FROM users WHERE name_key LIKE 'user %'`);
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
    expect(await counted('messages')).toBe(COUNT + 2);
    await server.start();
    const back = await connect(server, { token: can.me.token });
    if (kind === 'room') {
      expect(back.me.rooms).toEqual([]);
      expect(await back.code('join_room', { room_id: room.id })).toBe('ROOM_NOT_FOUND');
      await until('an empty table', async () => (await counted('messages')) + (await counted('members')) === 0);
    } else {
      await until(
        'tombstones',
        async () => (await counted("messages WHERE username = 'deleted user'")) === COUNT / 3 + 2,
      );
      const { messages } = await back.ok('get_messages', { room_id: room.id, limit: 3 });
      expect(messages.at(-1)).toMatchObject({ system: { type: 'user_left', username: 'deleted user' } });
    }
    await until('no record of it', async () => (await counted('erasures')) === 0);
  });
});
