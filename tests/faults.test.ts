import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import type { Room } from '../protocol/index.ts';
import { connect, type Host, type TestClient } from './support/client.ts';
import { type ServerProcess, spawnServer } from './support/process.ts';

/** Loads a module into the server that breaks its store when it is told to. */
const BREAKABLE = {
  NODE_OPTIONS: `--import=${new URL('./support/preload/break-store.ts', import.meta.url)}`,
  LOG_LEVEL: 'error',
};

const PAGE_BYTES = 4_096;

/** What `/health` answers. */
async function health(server: Host): Promise<{ code: number; status: string; reason?: string }> {
  const answer = await fetch(`${server.url}/health`);
  return { code: answer.status, ...((await answer.json()) as { status: string; reason?: string }) };
}

/** Says things in a room until they fill several pages of the file, each with a number in it. */
async function fill(client: TestClient, room: Room): Promise<void> {
  for (let i = 0; i < 60; i++) await client.say(room, `mark-${i}. ${'x'.repeat(1_000)}`);
}

/** Overwrites a page of a file. */
async function overwrite(path: string, start: number): Promise<void> {
  await using file = await open(path, 'r+');
  await file.write(Buffer.alloc(PAGE_BYTES, 0xab), 0, PAGE_BYTES, start);
}

/** Overwrites the page of the database that holds this text. The server may run; it holds nothing in its log after. */
async function damage(server: ServerProcess, text: string): Promise<void> {
  const path = join(server.folder, 'sohbet.db');
  const beside = new DatabaseSync(path, { timeout: 5_000 });
  expect(beside.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()).toMatchObject({ busy: 0 });
  const at = (await readFile(path)).indexOf(text);
  expect(at).toBeGreaterThan(PAGE_BYTES);
  await overwrite(path, at - (at % PAGE_BYTES));
  beside.close();
}

describe('a damaged page of the database', () => {
  it('fails what needs it and nothing else, shows in /health, and does not end the server', async () => {
    await using server = await spawnServer();
    const ada = await connect(server, { username: 'ada' });
    const [whole, hurt] = [await ada.createRoom(), await ada.createRoom()];
    await fill(ada, hurt);
    await damage(server, 'mark-30.');
    const look = async (client: TestClient) => {
      // A commit: the reader lets go of the pages that it keeps.
      await client.say(whole, 'here');
      const page = { room_id: hurt.id, before: 36 };
      for (let i = 0; i < 3; i++) expect(await client.code('get_messages', page)).toBe('UNAVAILABLE');
      expect((await client.ok('get_messages', { room_id: whole.id })).messages.at(-1)?.content).toBe('here');
      expect((await client.ok('get_messages', { room_id: hurt.id, after: 59, limit: 1 })).messages[0]?.seq).toBe(60);
      await client.say(hurt, 'still taken');
      expect(await health(server)).toMatchObject({ code: 200, status: 'degraded', reason: 'damaged' });
    };
    expect(await health(server)).toMatchObject({ code: 200, status: 'up' });
    await look(ada);
    expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    await server.start();
    await look(await connect(server, { token: ada.me.token }));
  });
});

describe('a database of which any one table is damaged', () => {
  it.each(['counters', 'rooms'])('is served all the same, here without %s', async (table) => {
    await using server = await spawnServer();
    const ada = await connect(server, { username: 'ada' });
    await ada.createRoom();
    await server.kill('SIGTERM');
    const path = join(server.folder, 'sohbet.db');
    const db = new DatabaseSync(path);
    const page = Number(db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').get(table)?.['rootpage']);
    db.close();
    await overwrite(path, (page - 1) * PAGE_BYTES);
    await server.start();
    const back = await connect(server);
    const answer = await back.call('authenticate', { token: ada.me.token });
    expect(answer.ok ? 'ok' : answer.error.code).toMatch(/^(ok|UNAVAILABLE)$/);
    await expect
      .poll(() => health(server), { timeout: 20_000 })
      .toMatchObject({ code: 200, status: 'degraded', reason: 'damaged' });
    expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  });
});

describe('a lock that another process holds', () => {
  it('lets reads go on, refuses all waiting writes at once, and is told as degraded', async () => {
    await using server = await spawnServer();
    const ada = await connect(server, { username: 'ada' });
    const room = await ada.createRoom();
    const other = new DatabaseSync(join(server.folder, 'sohbet.db'));
    other.exec('BEGIN IMMEDIATE');
    // Refused one after another, each after five seconds, they would be answered too late.
    const writes = Array.from({ length: 8 }, (_, i) => ada.code('send_message', { room_id: room.id, content: `${i}` }));
    expect((await ada.ok('get_messages', { room_id: room.id })).messages).toHaveLength(1);
    expect(new Set(await Promise.all(writes))).toEqual(new Set(['UNAVAILABLE']));
    await expect.poll(() => health(server), { timeout: 20_000 }).toMatchObject({ code: 200, status: 'degraded' });
    expect((await ada.ok('get_messages', { room_id: room.id })).messages).toHaveLength(1);
    other.exec('ROLLBACK');
    other.close();
    expect((await ada.say(room, 'free')).seq).toBe(2);
  });
});

describe('the workers of the store', () => {
  it.each(['writer', 'reader'])('end the server when the %s dies', async (role) => {
    await using server = await spawnServer(BREAKABLE);
    server.program.write(`die ${role}\n`);
    expect(await server.program.ended()).toEqual({ code: 1, signal: null });
    expect(server.program.stderr).toMatch(/worker ended with code 7/);
  });

  it('do not end it when they cannot see whether another process has written', async () => {
    await using server = await spawnServer(BREAKABLE);
    const ada = await connect(server, { username: 'ada' });
    const room = await ada.createRoom();
    server.program.write('blind\n');
    await server.program.output(/"call":"watch".*disk I\/O error/);
    expect((await ada.ok('get_messages', { room_id: room.id })).messages).toHaveLength(1);
    server.program.write('see\n');
    const sent = async () => (await ada.call('send_message', { room_id: room.id, content: 'x' })).ok;
    await expect.poll(sent, { timeout: 20_000 }).toBe(true);
  });
});
