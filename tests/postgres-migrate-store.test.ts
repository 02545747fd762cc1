import { writeFile } from 'node:fs/promises';

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Client, types } from 'pg';
import { describe, expect, it } from 'vitest';
import { createLogger } from '../app/core/logger.ts';
import { createMetrics } from '../app/core/metrics.ts';
import { openSqliteStore } from '../app/stores/sqlite/store.ts';
import { columnsOf, TABLES, type TableName } from '../app/stores/tables.ts';
import type { CommandResult, Message, Room } from '../protocol/index.ts';
import { connect, guest, type TestClient } from './support/client.ts';
import { databaseUrl, dataFolder, sqliteFile } from './support/data.ts';
import { until } from './support/deadline.ts';
import { RunningProgram } from './support/process.ts';
import { TestServer } from './support/server.ts';
import { tool } from './support/tool.ts';

/** Two databases of one folder. */
interface Pair {
  readonly folder: string;
  readonly file: string;
  readonly sqlite: string;
  readonly postgres: string;
}

function pairOf(folder: string): Pair {
  const file = sqliteFile(folder);
  return { folder, file, sqlite: `sqlite:${file}`, postgres: databaseUrl(folder) };
}

const goOver = (pair: Pair, from: string, to: string) => tool(pair, 'migrate-store', '--from', from, '--to', to);

/** Asks a PostgreSQL on a connection of its own. */
async function onPostgres<Row>(url: string, text: string): Promise<Row[]> {
  const client = new Client({
    connectionString: url,
    types: { getTypeParser: (id, format) => (id === 20 ? Number : types.getTypeParser(id, format as 'text')) },
  });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

/** All rows of all tables, in an order of their own. */
async function contents(url: string): Promise<Record<string, string[]>> {
  const all: Record<string, string[]> = {};
  const db = url.startsWith('sqlite:') ? new DatabaseSync(url.slice('sqlite:'.length)) : null;
  for (const table of Object.keys(TABLES) as TableName[]) {
    const text = `SELECT ${columnsOf(table).join(', ')} FROM ${table}`;
    const rows = db === null ? await onPostgres(url, text) : db.prepare(text).all();
    all[table] = rows.map((row) => JSON.stringify(row)).sort();
  }
  db?.close();
  return all;
}

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

describe('migrate-store refuses, and changes nothing,', () => {
  it('where a server runs, where the target is not empty, and where there is no source', async () => {
    const pair = pairOf(await dataFolder());
    await using server = new TestServer(pair.folder, { env: { DATABASE_URL: pair.sqlite } });
    await expect(goOver(pair, pair.sqlite, pair.postgres)).rejects.toMatchObject({ stderr: /There is no database / });
    await expect(goOver(pair, pair.postgres, pair.sqlite)).rejects.toMatchObject({ stderr: /There is no database / });
    await server.start();
    await guest(server, 'ada');
    const taken = { code: 1, stderr: expect.stringContaining('Another server is using the database') };
    await expect(goOver(pair, pair.sqlite, pair.postgres)).rejects.toMatchObject(taken);
    expect(await onPostgres(pair.postgres, "SELECT 1 FROM pg_tables WHERE schemaname = 'public'")).toEqual([]);

    await server.restart({ env: { DATABASE_URL: pair.postgres } });
    await guest(server, 'can');
    await expect(goOver(pair, pair.sqlite, pair.postgres)).rejects.toMatchObject(taken);
    await server.stop();
    const before = [await everything(pair.sqlite), await everything(pair.postgres)];
    for (const [from, to] of [
      [pair.sqlite, pair.postgres],
      [pair.postgres, pair.sqlite],
    ] as const)
      await expect(goOver(pair, from, to)).rejects.toMatchObject({ code: 1, stderr: /is not empty/ });
    expect([await everything(pair.sqlite), await everything(pair.postgres)]).toEqual(before);
  });
});

describe('migrate-store that is killed, or does not copy what is there,', () => {
  it('leaves both databases as they were, and can be run again', async () => {
    const pair = pairOf(await dataFolder());
    await using server = new TestServer(pair.folder, { env: { DATABASE_URL: pair.postgres } });
    // It has been started on, and nothing more.
    await server.start();
    await server.restart({ env: { DATABASE_URL: pair.sqlite } });
    const ada = await guest(server, 'ada');
    await ada.say(await ada.createRoom(), 'hello');
    await server.stop();
    const before = [await everything(pair.sqlite), await everything(pair.postgres)];
    {
      await using stopped = await atMessages(pair.postgres, 'PERFORM pg_advisory_xact_lock_shared(42); RETURN NEW;');
      await using copying = startCopy(pair);
      await stopped.isWaiting();
      using beside = new DatabaseSync(pair.file, { timeout: 0 });
      expect(() => beside.exec('BEGIN IMMEDIATE')).toThrow('database is locked');
      copying.kill('SIGKILL');
      await copying.ended();
    }
    await until('the end of its session', async () => (await copiers(pair.postgres)) === 0);
    expect([await everything(pair.sqlite), await everything(pair.postgres)]).toEqual(before);

    for (const [does, how] of [
      ["NEW.content := 'other'; RETURN NEW;", 'its table messages has as many rows, but other ones.'],
      [
        "IF NEW.content <> 'hello' THEN RETURN NEW; END IF; RETURN NULL;",
        /its table messages has \d rows instead of \d/,
      ],
    ] as const) {
      await using _ = await atMessages(pair.postgres, does);
      const stderr = expect.stringMatching(how);
      await expect(goOver(pair, pair.sqlite, pair.postgres)).rejects.toMatchObject({ stderr });
      expect([await everything(pair.sqlite), await everything(pair.postgres)]).toEqual(before);
    }

    const secret = 'a secret of the old server, 32 bytes or more';
    await writeFile(join(pair.folder, 'token-secret'), secret);
    await using copying = startCopy(pair);
    expect(await copying.ended()).toMatchObject({ code: 0 });
    expect(copying.stdout).toContain(`what the file ${join(pair.folder, 'token-secret')} holds`);
    expect(copying.stdout).not.toContain(secret);
    expect(await contents(pair.postgres)).toEqual(await contents(pair.sqlite));
  });
});

const TOOL = join(import.meta.dirname, '../app/cli/migrate-store.ts');

function startCopy({ folder, sqlite, postgres }: Pair): RunningProgram {
  return new RunningProgram(process.execPath, [TOOL, '--from', sqlite, '--to', postgres], { cwd: folder, env: {} });
}

/** How many sessions copy. */
async function copiers(url: string): Promise<number> {
  const text = `SELECT 1 FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'sohbet copy%'`;
  return (await onPostgres(url, text)).length;
}

/** Does something to each message that is added, until it is disposed of. */
async function atMessages(url: string, does: string) {
  const client = new Client(url);
  await client.connect();
  await client.query(`SELECT pg_advisory_lock(42);
    CREATE FUNCTION at_message() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${does} END $$;
    CREATE TRIGGER at_message BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION at_message()`);
  const waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 42";
  return {
    isWaiting: () => until('the first message', async () => (await client.query(waiting)).rowCount === 1),
    async [Symbol.asyncDispose]() {
      await client.query(
        'SELECT pg_advisory_unlock(42); DROP TRIGGER at_message ON messages; DROP FUNCTION at_message()',
      );
      await client.end();
    },
  };
}

/** All rows of all tables, and what tells of the database. */
async function everything(url: string) {
  const text = 'SELECT key, value FROM meta ORDER BY key';
  if (!url.startsWith('sqlite:')) return { ...(await contents(url)), meta: await onPostgres(url, text) };
  const db = new DatabaseSync(url.slice('sqlite:'.length));
  try {
    return { ...(await contents(url)), meta: db.prepare(text).all() };
  } finally {
    db.close();
  }
}

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
