import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { Id } from '../../../protocol/fields.ts';
import { createLogger } from '../../core/logger.ts';
import { createMetrics } from '../../core/metrics.ts';
import { foldCase } from '../../models/text.ts';
import { Database } from './database.ts';
import { migrate } from './migrations.ts';
import { openSqliteStore } from './store.ts';

const folder = await mkdtemp(join(tmpdir(), 'sohbet-migrations-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

let made = 0;

/** A database as a version wrote it that knew so many steps, closed with the test. */
function older(steps: number) {
  const db = new Database(join(folder, `${++made}.db`));
  migrate(db, steps);
  return { db, [Symbol.dispose]: () => db.close() };
}

it('gives rooms with members and no owner to the longest-standing member, by an entry of their log', () => {
  using old = older(1);
  const { db } = old;
  const names = ['ada', 'can'];
  for (const id of names) db.run('INSERT INTO users VALUES (?, ?, ?, 0, 1, 1, 1)', id, id, id);
  const addRoom = (id: string, owner: string | null, seq: number) =>
    db.run(
      "INSERT INTO rooms VALUES (?, ?, ?, 'public', NULL, 'ada', ?, 1, 1, ?, 2, NULL)",
      ...[id, id, id],
      owner,
      seq,
    );
  addRoom('ownerless', null, 7);
  addRoom('owned', 'can', 7);
  addRoom('empty', null, 7);
  for (const room of ['ownerless', 'owned']) {
    db.run('INSERT INTO members VALUES (?, ?, 6)', room, 'can');
    db.run('INSERT INTO members VALUES (?, ?, 4)', room, 'ada');
  }
  migrate(db);
  expect(db.all('SELECT id, owner_id, seq FROM rooms ORDER BY id')).toEqual([
    { id: 'empty', owner_id: null, seq: 7 },
    { id: 'owned', owner_id: 'can', seq: 7 },
    { id: 'ownerless', owner_id: 'ada', seq: 8 },
  ]);
  const [entry, ...others] = db.all<{ id: string; timestamp: number; system: string }>('SELECT * FROM messages');
  expect(others).toEqual([]);
  expect(entry).toMatchObject({ room_id: 'ownerless', seq: 8, rev: 8, user_id: 'ada', username: 'ada' });
  expect(Id.safeParse(entry?.id).success).toBe(true);
  expect(Math.abs(Date.now() - (entry?.timestamp ?? 0))).toBeLessThan(60_000);
  const system = { type: 'role_changed', role: 'owner', user_id: 'ada', username: 'ada', by: null };
  expect(JSON.parse(entry?.system ?? '')).toEqual(system);
});

it('makes the keys of names anew, without what is not shown, and takes no name away', () => {
  using old = older(2);
  const { db } = old;
  const addUser = (id: string, username: string, name_key: string | null) =>
    db.run('INSERT INTO users VALUES (?, ?, ?, 0, 1, 1, 1)', id, username, name_key);
  addUser('1', 'Ada', 'ada');
  addUser('2', 'Ada\ufe0f', 'ada\ufe0f');
  addUser('3', 'Can\u2800', 'can\u2800');
  addUser('4', 'gone', null);
  const room =
    "INSERT INTO rooms VALUES ('r', 'I ❤\ufe0f Ankara', 'i ❤\ufe0f ankara', 'public', NULL, '1', '1', 1, 1, 0, 0, NULL)";
  db.run(room);
  migrate(db);
  expect(db.all('SELECT id, username, name_key FROM users ORDER BY id')).toEqual([
    { id: '1', username: 'Ada', name_key: 'ada' },
    { id: '2', username: 'Ada\ufe0f', name_key: 'ada\ufe0f' },
    { id: '3', username: 'Can\u2800', name_key: 'can' },
    { id: '4', username: 'gone', name_key: 'gone' },
  ]);
  expect(db.all('SELECT name, name_key FROM rooms')).toEqual([{ name: 'I ❤\ufe0f Ankara', name_key: 'i ❤ ankara' }]);
});

it('retires guests who signed out when that left a ghost', () => {
  using old = older(3);
  const { db } = old;
  const add = (id: string, generation: number) =>
    db.run('INSERT INTO users VALUES (?, ?, ?, ?, 1, 1, 9)', id, id, id, generation);
  add('here', 0);
  add('out', 0);
  add('out everywhere', 1);
  const notice = 'INSERT INTO notices (kind, subject, token_id, generation) VALUES (?, ?, ?, ?)';
  db.run(notice, 'token_revoked', 'out', 'token', null);
  db.run(notice, 'tokens_revoked', 'out everywhere', null, 0);
  db.run(notice, 'room_deleted', 'here', null, null);
  migrate(db);
  expect(db.all('SELECT id, name_key, retired_at FROM users ORDER BY id')).toEqual([
    { id: 'here', name_key: 'here', retired_at: null },
    { id: 'out', name_key: null, retired_at: 9 },
    { id: 'out everywhere', name_key: null, retired_at: 9 },
  ]);
  expect(db.all('SELECT user_id FROM departures ORDER BY user_id')).toEqual([
    { user_id: 'out' },
    { user_id: 'out everywhere' },
  ]);
});

it('lists rooms by what they are and were, and keeps all of them as they were', () => {
  using old = older(5);
  const { db } = old;
  const DAY = 86_400_000;
  const columns =
    'id, name, name_key, type, password_hash, created_by, owner_id, created_at, active_at, seq, user_count';
  const add = (id: string, type: string, hash: string | null, active_at: number, client_id: string | null) => {
    const sql = `INSERT INTO rooms (${columns}, client_id) VALUES (?, ?, ?, ?, ?, 'ada', NULL, 1, ?, 7, 2, ?)`;
    db.run(sql, id, `Room ${id}`, `room ${id}`, type, hash, active_at, client_id);
  };
  add('public', 'public', null, 3 * DAY + 5, 'key');
  add('locked', 'private', 'hash', 3 * DAY + 5, null);
  add('hidden', 'private', null, 3 * DAY + 5, null);
  const rows = `SELECT ${columns}, client_id FROM rooms ORDER BY id`;
  const before = db.all(rows);
  migrate(db);
  expect(db.all(rows)).toEqual(before);
  expect(db.all('SELECT id, listed_at FROM rooms ORDER BY id')).toEqual([
    { id: 'hidden', listed_at: null },
    { id: 'locked', listed_at: 3 * DAY },
    { id: 'public', listed_at: 3 * DAY + 5 },
  ]);
  const twin =
    "INSERT INTO rooms SELECT 'twin', name, name_key, type, password_hash, created_by, owner_id, created_at,";
  const rest = " active_at, seq, user_count, client_id, listed_at FROM rooms WHERE id = 'public'";
  expect(() => db.run(twin + rest)).toThrow(/UNIQUE/);
  expect(() => db.run('UPDATE rooms SET active_at = active_at + 1 WHERE id = ?', 'public')).toThrow(/CHECK/);
});

it('gives a name again to who came to none while away, and leaves who is retired as it was', () => {
  using old = older(8);
  const { db } = old;
  const add = (id: string, username: string, name_key: string | null, retired_at: number | null = null) => {
    const columns = 'id, username, name_key, generation, created_at, connected_at, last_activity, retired_at';
    db.run(`INSERT INTO users (${columns}) VALUES (?, ?, ?, 0, 1, 1, 1, ?)`, id, username, name_key, retired_at);
  };
  add('1', 'Ada', 'ada');
  for (const id of ['2', '3', '4']) add(id, 'ADA', null);
  add('5', 'can', null);
  add('6', 'gone', null, 7);
  add('7', 'Can\u2800', null);
  add('8', 'deleted user', null);
  migrate(db);
  const users = db.all<{ id: string; username: string; name_key: string | null }>('SELECT * FROM users ORDER BY id');
  const nameOf = (id: string) => users.find((user) => user.id === id)?.username;
  expect([nameOf('1'), nameOf('5'), nameOf('6')]).toEqual(['Ada', 'can', 'gone']);
  for (const id of ['2', '3', '4']) expect(nameOf(id)).toMatch(/^ADA \d+$/);
  for (const id of ['7', '8']) expect(nameOf(id)).toMatch(/^guest \d+$/);
  for (const { id, username, name_key } of users) expect(name_key).toBe(id === '6' ? null : foldCase(username));
});

it('keeps messages, notices and what is being erased when two engines come to share the tables', () => {
  using old = older(9);
  const { db } = old;
  const columns =
    'id, room_id, seq, rev, user_id, username, content, timestamp, system, edited_at, deleted_at, client_id';
  const say = (id: string, seq: number, rev: number, client_id: string | null = null) =>
    db.run(
      `INSERT INTO messages (${columns}) VALUES (?, 'r', ?, ?, 'ada', 'ada', ?, 1, NULL, NULL, NULL, ?)`,
      ...[id, seq, rev, `text of ${id}`],
      client_id,
    );
  say('first', 1, 1, 'key');
  say('edited', 2, 5);
  say('third', 3, 3);
  say('edited too', 4, 6);
  for (const id of ['ada', 'can']) db.run("INSERT INTO notices (kind, subject) VALUES ('room_deleted', ?)", id);
  db.run('DELETE FROM notices WHERE number = 2');
  db.run("INSERT INTO erasures VALUES ('room', 'gone', 7, 500, 900), ('user', 'ada', 8, 2, 3)");
  db.run("INSERT INTO meta VALUES ('probed_at', '99')");
  const messages = `SELECT ${columns} FROM messages ORDER BY seq`;
  const before = db.all(messages);
  migrate(db, 10);
  expect(db.all(messages)).toEqual(before);
  const revs = "SELECT group_concat(id) AS ids FROM messages WHERE room_id = 'r' AND changed = ? AND rev > 0";
  expect([0, 1].map((changed) => db.get(revs, changed))).toEqual([
    { ids: 'first,third' },
    { ids: 'edited,edited too' },
  ]);
  for (const [id, column] of [
    ['first', "'key'"],
    ['edited', 'NULL'],
  ] as const) {
    const again = `INSERT INTO messages (${columns}, changed) SELECT 'twin', room_id, seq, rev, user_id, username, content,
      timestamp, system, edited_at, deleted_at, ${column}, changed FROM messages WHERE id = ?`;
    expect(() => db.run(again, id)).toThrow(/UNIQUE/);
  }
  expect(db.all('SELECT number, kind, subject FROM notices')).toEqual([
    { number: 1, kind: 'room_deleted', subject: 'ada' },
  ]);
  expect(db.all('SELECT name, value FROM counters ORDER BY name')).toEqual([
    { name: 'erasures', value: 0 },
    { name: 'notices', value: 2 },
    { name: 'probe', value: 99 },
  ]);
  expect(db.all('SELECT key FROM meta ORDER BY key')).toEqual([{ key: 'compatible_from' }, { key: 'epoch' }]);
  expect(db.all('SELECT * FROM erasures ORDER BY kind')).toEqual([
    { kind: 'room', subject: 'gone', begun_at: 7, reached: 500, total: 900, position: '' },
    { kind: 'user', subject: 'ada', begun_at: 8, reached: 0, total: 4, position: '' },
  ]);
});

it('goes on with what was being erased, and with the numbers of notices, where an older version has stopped', async () => {
  const path = join(folder, 'going-on.db');
  const db = new Database(path);
  migrate(db, 9);
  const user = 'INSERT INTO users VALUES (?, ?, ?, 1, 1, 1, 1, ?, 1)';
  db.run(user, 'ada', 'deleted user', null, 5);
  db.run(user, 'can', 'can', 'can', null);
  db.run("INSERT INTO rooms VALUES ('r', 'r', 'r', 'public', NULL, 'can', 'can', 1, 1, 6, 1, NULL, 1)");
  db.run("INSERT INTO members VALUES ('r', 'can', 1)");
  const say = (room: string, [seq, rev]: [number, number], user_id: string, deleted_at: number | null = null) => {
    const columns = 'id, room_id, seq, rev, user_id, username, content, timestamp, deleted_at';
    const username = deleted_at === null ? user_id : 'deleted user';
    const content = deleted_at === null ? `text ${seq}` : '';
    const sql = `INSERT INTO messages (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?)`;
    db.run(sql, `${room}${seq}`, room, seq, rev, user_id, username, content, deleted_at);
  };
  say('r', [1, 1], 'can');
  say('r', [2, 6], 'ada', 5);
  say('r', [3, 5], 'ada');
  say('r', [4, 4], 'ada');
  for (const seq of [1, 2, 3]) say('gone', [seq, seq], 'can');
  db.run("INSERT INTO erasures VALUES ('user', 'ada', 5, 2, 4), ('room', 'gone', 6, 100, 103)");
  db.run("INSERT INTO notices (number, kind, subject) VALUES (7, 'room_deleted', 'gone')");
  db.close();
  const logger = createLogger({ level: 'silent', pretty: false });
  const store = await openSqliteStore({ path, queueMax: 100, logger, metrics: createMetrics() });
  try {
    for (let next = await store.erasures.next(); next !== null; next = await store.erasures.next())
      await store.erasures.step({ next, at: 9 });
    const { entries } = await store.messages.log({ room_id: 'r', after: 0 });
    expect(entries.map(({ message: { id, rev, username, content } }) => ({ id, rev, username, content }))).toEqual([
      { id: 'r1', rev: 1, username: 'can', content: 'text 1' },
      { id: 'r2', rev: 6, username: 'deleted user', content: '' },
      { id: 'r3', rev: 7, username: 'deleted user', content: '' },
      { id: 'r4', rev: 8, username: 'deleted user', content: '' },
    ]);
    expect(await store.admin.countMessages()).toBe(4);
    await store.admin.deleteRoom({ room_id: 'r', at: 10 });
    expect(await store.notices.after({ after: 7 })).toEqual([{ number: 8, kind: 'room_deleted', room_id: 'r' }]);
  } finally {
    await store.close();
  }
});

it('finds messages by their numbers without passing over others', () => {
  using newest = older(10);
  const plan = (where: string) =>
    newest.db.all<{ detail: string }>(`EXPLAIN QUERY PLAN SELECT id FROM messages WHERE room_id = 'r' AND ${where}`);
  expect(plan('changed = 0 AND rev > 5 ORDER BY rev')).toMatchObject([{ detail: expect.stringContaining('rev>?') }]);
  expect(plan('changed = 1 AND rev > 5 ORDER BY rev')).toMatchObject([{ detail: expect.stringContaining('rev>?') }]);
  expect(plan('changed = 1 AND seq > 5 ORDER BY seq')).toMatchObject([{ detail: expect.stringContaining('seq>?') }]);
});

it('lets an older program use what a newer one made, where a step says so, and no other', () => {
  using newest = older(9);
  const { db } = newest;
  const epoch = migrate(db, 9);
  const compatible = "UPDATE meta SET value = ? WHERE key = 'compatible_from'";
  const schema = () => db.get('SELECT * FROM pragma_user_version, (SELECT group_concat(sql) FROM sqlite_schema)');
  const before = schema();
  db.run(compatible, '8');
  expect(migrate(db, 8)).toBe(epoch);
  expect(schema()).toEqual(before);
  expect(() => migrate(db, 7)).toThrow(/made by a newer version; this one knows 7/);
  db.run("DELETE FROM meta WHERE key = 'compatible_from'");
  expect(() => migrate(db, 8)).toThrow(/made by a newer version/);
});

it('notes the oldest program that may run on what it made', () => {
  using old = older(1);
  const value = () => old.db.get("SELECT value FROM meta WHERE key = 'compatible_from'");
  expect(value()).toEqual({ value: '1' });
  migrate(old.db, 9);
  expect(value()).toEqual({ value: '9' });
});
