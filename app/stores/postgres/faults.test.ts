import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mountSmallDisk } from '../../../tests/checker/full-disk.ts';
import { DatabaseProxy } from '../../../tests/support/database-proxy.ts';
import { until } from '../../../tests/support/deadline.ts';
import { type Postgres, startPostgres } from '../../../tests/support/postgres.ts';
import { createDatabase } from '../../../tests/support/postgres-databases.ts';
import { createLogger } from '../../core/logger.ts';
import { createMetrics } from '../../core/metrics.ts';
import { Refusal } from '../../models/refusal.ts';
import type { LogEntry, ToolStore } from '../store.ts';
import type { PostgresOptions } from './engine.ts';
import { openPostgresStore } from './store.ts';

/** What a store promises while its database fails: acknowledged means stored, `UNAVAILABLE` means that nothing was. */

/** CI takes its time. */
const isLong = process.env['CI'] !== undefined;
const QUICK = { lockMs: 150, silenceMs: 1_000, connectMs: 1_000, statementMs: 1_000, watchMs: 50 };

let postgres: Postgres;
const stack = new AsyncDisposableStack();

beforeAll(async () => {
  postgres = stack.use(await startPostgres({ inMemory: true }));
});
afterAll(() => stack.disposeAsync());

const logger = createLogger({ level: 'silent', pretty: false });
const options = { queueMax: 10_000, logger, metrics: createMetrics(), role: 'server', times: QUICK } as const;

/** A store on a database of its own, its connections through a proxy, and a connection beside it. */
async function open(more: Partial<PostgresOptions> = {}, server = postgres) {
  await using opening = new AsyncDisposableStack();
  const { url, name } = opening.use(await createDatabase(server.url()));
  // What is acknowledged must be stored all the same.
  await server.admin((client) => client.query(`ALTER DATABASE ${name} SET synchronous_commit = off`));
  const proxy = opening.use(await DatabaseProxy.start(server.port));
  const store = await openPostgresStore({ ...options, url: proxy.url(url), ...more });
  opening.defer(() => store.close());
  const sql = new Client(url);
  sql.on('error', () => {});
  opening.defer(() => sql.end());
  await sql.connect();
  const entries: LogEntry[] = [];
  store.onEntries((told) => entries.push(...told));
  const opened = opening.move();
  return { url, proxy, store, sql, entries, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

async function roomIn(store: ToolStore) {
  const { id: user_id } = await store.users.create({ id: randomUUID(), username: randomUUID().slice(0, 20), at: 1 });
  const made = { room_id: randomUUID(), message_id: randomUUID(), name: 'garden', type: 'public' } as const;
  const input = { ...made, password_hash: null, client_id: null, user_id, rooms_max: 10, at: 1 };
  const { room } = await store.rooms.create(input);
  return { room_id: room.id, user_id };
}

type Place = Awaited<ReturnType<typeof roomIn>>;

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'ok',
    (error: unknown) => (error instanceof Refusal ? error.code : String(error)),
  );

/** Sends of which is known what became of them. */
class Sends {
  readonly answers = new Map<string, string>();
  readonly #store: ToolStore;
  readonly place: Place;

  constructor(store: ToolStore, place: Place) {
    this.#store = store;
    this.place = place;
  }

  async send(content = 'said'): Promise<string> {
    const id = randomUUID();
    const message = { id, ...this.place, username: 'ada', content, client_id: null, at: 1 };
    const answer = await code(this.#store.messages.send(message));
    this.answers.set(id, answer);
    return answer;
  }

  some(count: number): Promise<string[]> {
    return Promise.all(Array.from({ length: count }, () => this.send()));
  }

  /** Waits until one comes through. */
  healed(): Promise<void> {
    return until('the store to heal', async () => (await this.send()) === 'ok');
  }

  /** Compares what was answered with what is stored, and what was told of it. */
  async check(sql: Client, entries: readonly LogEntry[]): Promise<void> {
    const text = 'SELECT id FROM messages WHERE room_id = $1 AND system IS NULL ORDER BY seq';
    const stored = (await sql.query<{ id: string }>(text, [this.place.room_id])).rows.map(({ id }) => id);
    const sent = (answer: string) => [...this.answers].flatMap(([id, got]) => (got === answer ? [id] : []));
    expect(new Set(this.answers.values())).toEqual(new Set(['ok', 'UNAVAILABLE']));
    expect(new Set(stored)).toEqual(new Set(sent('ok')));
    expect(entries.filter(({ message }) => message.system === undefined).map(({ message }) => message.id)).toEqual(
      stored,
    );
    const { rows } = await sql.query(
      'SELECT seq - (SELECT count(*) FROM messages WHERE room_id = r.id) AS holes FROM rooms r',
    );
    expect(rows).toEqual([{ holes: '0' }]);
  }
}

it('answers a batch when it knows whether it was committed, wherever its connection is lost', async () => {
  // Nothing but the looking ends what is stuck, or waits for what is late.
  await using opened = await open({ together: true, times: { ...QUICK, silenceMs: 60_000 } });
  const { store, proxy, sql, entries } = opened;
  const sends = new Sends(store, await roomIn(store));
  const answers = { before: ['UNAVAILABLE'], after: ['ok'], stuck: ['UNAVAILABLE'], late: ['ok', 'UNAVAILABLE'] };
  for (let i = 0; i < (isLong ? 150 : 20); i++) {
    const fate = (['before', 'after', 'late', 'stuck'] as const)[i % 4] ?? 'after';
    proxy.atCommit = fate;
    for (const answer of await sends.some(5)) expect(answers[fate]).toContain(answer);
    await sends.healed();
  }
  await sends.check(sql, entries);
});

it('keeps what it acknowledged when the server dies in COMMIT', async () => {
  await using opened = await open();
  const { url, store, proxy, entries } = opened;
  const sends = new Sends(store, await roomIn(store));
  for (let i = 0; i < (isLong ? 20 : 2); i++) {
    const { promise: dead, resolve } = Promise.withResolvers<void>();
    proxy.onCommit = () => {
      proxy.onCommit = () => {};
      resolve(postgres.stop('immediate'));
    };
    const answers = Promise.all(Array.from({ length: 20 }, () => sends.some(3)));
    await dead;
    await postgres.start();
    await answers;
    await sends.healed();
  }
  const sql = new Client(url);
  await sql.connect();
  await sends.check(sql, entries);
  await sql.end();
});

it('stays right when backends are terminated at any statement', async () => {
  await using opened = await open();
  const { store, sql, entries } = opened;
  const sends = new Sends(store, await roomIn(store));
  let isOver = false;
  const sending = (async () => {
    while (!isOver) await sends.some(3);
  })();
  const kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'sohbet writer%'";
  for (let i = 0; i < (isLong ? 100 : 15); i++) {
    await sends.healed();
    for (let turns = (i * 37) % 50; turns > 0; turns--) await turn();
    await sql.query(kill);
  }
  isOver = true;
  await sending;
  await sends.healed();
  await sends.check(sql, entries);
});

it('is unavailable while the server stands still, and heals by itself', async () => {
  await using opened = await open();
  const { store, sql, entries } = opened;
  const place = await roomIn(store);
  const sends = new Sends(store, place);
  await sends.some(3);
  postgres.pause();
  const waiting = sends.some(3);
  const read = code(store.rooms.snapshot(place));
  await until(
    'the store to give up',
    async () => (await store.probeWrite()) === 'away' && (await store.probeRead()) === 'away',
  );
  expect(await sends.send()).toBe('UNAVAILABLE');
  expect(await read).toBe('UNAVAILABLE');
  postgres.resume();
  await waiting;
  await sends.healed();
  await until('reads to heal', async () => (await store.probeRead()) === undefined);
  await sends.check(sql, entries);
});

it('is unavailable while the disk is full, and keeps what it acknowledged', async ({ skip }) => {
  const disk = await mountSmallDisk('192m');
  if (disk === undefined) return skip('no disk can be mounted here');
  await using _disk = disk;
  const small = { min_wal_size: '32MB', max_wal_size: '32MB', wal_keep_size: 0 };
  await using server = await startPostgres({ folder: disk.folder, settings: small });
  await using opened = await open({}, server);
  const { store, url, entries } = opened;
  const sends = new Sends(store, await roomIn(store));
  await sends.some(3);
  await disk.fill(server);
  const large = 'x'.repeat(50_000);
  await until('the disk to be full', async () =>
    (await Promise.all([1, 2, 3].map(() => sends.send(large)))).includes('UNAVAILABLE'),
  );
  await disk.free(server);
  // Without room for its log PostgreSQL ends.
  if (!(await server.admin(async () => true).catch(() => false))) await server.start();
  await sends.healed();
  const sql = new Client(url);
  await sql.connect();
  await sends.check(sql, entries);
  await sql.end();
});

it('fails only those calls that need a row which somebody holds', async () => {
  await using opened = await open();
  const { store, sql } = opened;
  const [held, free] = [await roomIn(store), await roomIn(store)];
  const [hold, free2] = [new Sends(store, held), new Sends(store, free)];
  await sql.query('BEGIN');
  await sql.query('SELECT 1 FROM rooms WHERE id = $1 FOR UPDATE', [held.room_id]);
  const answers = await Promise.all([hold.send(), free2.send(), hold.send(), free2.send()]);
  expect(answers).toEqual(['UNAVAILABLE', 'ok', 'UNAVAILABLE', 'ok']);
  await sql.query('COMMIT');
  expect(await hold.send()).toBe('ok');
});

it('lets nobody wait again and again for a row that somebody holds', async () => {
  await using opened = await open({ times: { ...QUICK, lockMs: 2_000, statementMs: 10_000, silenceMs: 10_000 } });
  const { store, sql } = opened;
  const [held, free] = [new Sends(store, await roomIn(store)), new Sends(store, await roomIn(store))];
  await sql.query('BEGIN');
  await sql.query('SELECT 1 FROM rooms WHERE id = $1 FOR UPDATE', [held.place.room_id]);
  // Were each to wait, it would take longer than a test may.
  for (let i = 0; i < 40; i++) expect(await Promise.all([held.send(), free.send()])).toEqual(['UNAVAILABLE', 'ok']);
  await sql.query('COMMIT');
  expect(await held.send()).toBe('ok');
});

it('gives up a statement that takes too long, and nothing with it', async () => {
  await using opened = await open({ times: { ...QUICK, lockMs: 60_000, statementMs: 200 } });
  const { store, sql } = opened;
  const place = await roomIn(store);
  const sends = new Sends(store, place);
  await sql.query('BEGIN');
  await sql.query('LOCK TABLE rooms IN ACCESS EXCLUSIVE MODE');
  expect(await Promise.all([sends.send(), code(store.rooms.snapshot(place))])).toEqual(['UNAVAILABLE', 'UNAVAILABLE']);
  await sql.query('COMMIT');
  expect(await Promise.all([sends.send(), code(store.rooms.snapshot(place))])).toEqual(['ok', 'ok']);
});

it('lets reads of a table that somebody holds wait together, not one after another', async () => {
  await using opened = await open({ times: { ...QUICK, lockMs: 2_000, statementMs: 10_000, silenceMs: 10_000 } });
  const { store, sql } = opened;
  const place = await roomIn(store);
  await sql.query('BEGIN');
  await sql.query('LOCK TABLE messages IN ACCESS EXCLUSIVE MODE');
  const reads = await Promise.all(Array.from({ length: 48 }, () => code(store.rooms.snapshot(place))));
  expect(new Set(reads)).toEqual(new Set(['UNAVAILABLE']));
  await sql.query('COMMIT');
  expect(await code(store.rooms.snapshot(place))).toBe('ok');
}, 20_000);

it('says that the disk is full though a probe needs no room, until something is said again', async () => {
  await using opened = await open();
  const { store, sql } = opened;
  const sends = new Sends(store, await roomIn(store));
  await sql.query(`CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
    CREATE TRIGGER full_disk BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION full_disk()`);
  expect(await store.probeWrite()).toBeUndefined();
  expect(await sends.send()).toBe('UNAVAILABLE');
  expect(await store.probeWrite()).toBe('full');
  await sql.query('DROP TRIGGER full_disk ON messages');
  expect(await sends.send()).toBe('ok');
  expect(await store.probeWrite()).toBeUndefined();
});

it('hears of what a tool writes beside it, by its word and by looking', async () => {
  await using opened = await open();
  const { store, url, sql } = opened;
  let heard = 0;
  store.onOutsideWrite(() => heard++);
  const tool = await openPostgresStore({ ...options, url, role: 'tool' });
  await tool.users.create({ id: randomUUID(), username: 'beside', at: 1 });
  await until('the word of a tool', async () => heard > 0);
  await tool.close();
  const before = heard;
  await sql.query("INSERT INTO lanes VALUES ('other', 1) ON CONFLICT (id) DO UPDATE SET batch = lanes.batch + 1");
  await until('what was seen by looking', async () => heard > before);
});

it('shows a room in one moment, whatever is written meanwhile', async () => {
  await using opened = await open();
  const { store } = opened;
  const place = await roomIn(store);
  const sends = new Sends(store, place);
  let isOver = false;
  const sending = (async () => {
    while (!isOver) await sends.some(2);
  })();
  for (let i = 0; i < (isLong ? 900 : 200); i++) {
    const { room, messages } = await store.rooms.snapshot(place);
    const revs = (JSON.parse(JSON.stringify(messages)) as { rev: number }[]).map(({ rev }) => rev);
    expect(Math.max(...revs)).toBe(room.seq);
  }
  isOver = true;
  await sending;
});

it('writes a batch in two round trips, and in three when it names a message', async () => {
  await using opened = await open({ times: { ...QUICK, watchMs: 60_000 } });
  const { store, proxy } = opened;
  const place = await roomIn(store);
  const message = { id: randomUUID(), ...place, username: 'ada', content: 'said', client_id: null, at: 1 };
  const trips = async (work: () => Promise<unknown>) => {
    await work();
    const before = proxy.trips;
    await work();
    return proxy.trips - before;
  };
  expect(await trips(() => store.messages.send({ ...message, id: randomUUID() }))).toBe(2);
  await store.messages.send(message);
  let edits = 0;
  const edit = () =>
    store.messages.edit({ message_id: message.id, user_id: place.user_id, content: `${edits++}`, at: 2 });
  expect(await trips(edit)).toBe(3);
});
