import { setImmediate as turn } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Postgres, startPostgres } from '../../../tests/support/postgres.ts';
import { createDatabase } from '../../../tests/support/postgres-databases.ts';
import { newId } from '../../../tests/support/records.ts';
import type { Call, Engine, Reply } from '../engine.ts';
import { openPostgres } from './engine.ts';

/** Two servers' writers on one database, against each other: what one alone never shows. */

const SEEDS = Array.from({ length: 200 }, (_, seed) => seed);

const stack = new AsyncDisposableStack();
let engines: readonly [Engine, Engine];
let postgres: Postgres;
let sql: Client;
const leftOut: string[] = [];
const faults: string[] = [];

beforeAll(async () => {
  postgres = stack.use(await startPostgres({ inMemory: true, settings: { deadlock_timeout: '10ms' } }));
  const { url } = stack.use(await createDatabase(postgres.url()));
  const open = async () => {
    const engine = await openPostgres({
      url,
      role: 'server',
      together: true,
      onLeftOut: (write, wanted) => leftOut.push(`${write} ${wanted.join(' ')}`),
      onFault: (what, { text }) => faults.push(`${what} ${text}`),
    });
    stack.defer(() => engine.close());
    return engine;
  };
  engines = [await open(), await open()];
  sql = new Client(url);
  await sql.connect();
  stack.defer(() => sql.end());
});

afterAll(async () => {
  await stack.disposeAsync();
  expect(leftOut).toEqual([]);
  expect(faults).toEqual([]);
});

const number = async (text: string, ...values: unknown[]) => Number((await sql.query(text, values)).rows[0]?.number);

/** A number from 0 to below `below` that follows from a seed. */
const pick = (seed: number, below: number) => ((seed * 2_654_435_761) >>> 7) % below;

async function values<T>(engine: Engine, calls: readonly Call[]): Promise<T[]> {
  const { replies } = await engine.write(calls);
  return replies.map((reply) => {
    if (!reply.ok) throw new Error(`${reply.code} ${reply.fault?.text ?? ''}`);
    return reply.value as T;
  });
}

/** Both batches at once, one of them some turns behind the other. */
async function race(seed: number, first: readonly Call[], second: readonly Call[]): Promise<Reply[]> {
  const [a, b] = seed % 2 === 0 ? engines : [engines[1], engines[0]];
  const written = await Promise.all([
    a.write(first),
    (async () => {
      for (let i = pick(seed, 40); i > 0; i--) await turn();
      return await b.write(second);
    })(),
  ]);
  return written.flatMap(({ replies }) => replies);
}

/** How many connections wait for a lock. */
const WAITING = 'SELECT count(DISTINCT pid) AS number FROM pg_locks WHERE NOT granted';

const code = (reply: Reply | undefined) => (reply?.ok === true ? 'ok' : reply?.code);

const createUser = (username: string): Call => ({ name: 'users.create', input: { id: newId(), username, at: 1 } });

const createRoom = (user_id: string, room_id = newId()): Call => {
  const room = { room_id, message_id: newId(), name: 'garden', type: 'public', password_hash: null, client_id: null };
  return { name: 'rooms.create', input: { ...room, user_id, rooms_max: 10_000, at: 1 } };
};

const send = (room_id: string, user_id: string, id = newId()): Call => ({
  name: 'messages.send',
  input: { id, room_id, user_id, username: 'x', content: 'said', client_id: null, at: 1 },
});

/** Users of these names, and a room of the first for each seed. */
async function scene(names: readonly string[]): Promise<{ users: string[]; rooms: string[] }> {
  const users = (await values<{ id: string }>(engines[0], names.map(createUser))).map(({ id }) => id);
  const rooms = SEEDS.map(() => newId());
  await values(
    engines[0],
    rooms.map((id) => createRoom(users[0] ?? '', id)),
  );
  return { users, rooms };
}

it('deletes a message for good, whoever edits it at that moment', async () => {
  const { users, rooms } = await scene(['deleter']);
  const [user_id = ''] = users;
  const ids = rooms.map(() => newId());
  await values(
    engines[0],
    rooms.map((room_id, i) => send(room_id, user_id, ids[i])),
  );
  for (const seed of SEEDS) {
    const about = { message_id: ids[seed], user_id, at: 2 };
    const replies = await race(
      seed,
      [{ name: 'messages.delete', input: about }],
      [{ name: 'messages.edit', input: { ...about, content: 'changed' } }],
    );
    expect(code(replies[0])).toBe('ok');
  }
  const left =
    "SELECT count(*) AS number FROM messages WHERE deleted_at IS NULL AND system IS NULL OR deleted_at IS NOT NULL AND content <> ''";
  expect(await number(`${left} AND user_id = $1`, user_id)).toBe(0);
  // Each change took a number of its own.
  const torn =
    'SELECT count(*) AS number FROM rooms r WHERE seq <> (SELECT max(rev) FROM messages WHERE room_id = r.id)';
  expect(await number(torn)).toBe(0);
});

it('never has two batches wait for each other, in whatever order their calls name rooms and users', async () => {
  const { users, rooms } = await scene(['ada', 'can', 'eve', 'dan'].map((name) => `crossing ${name}`));
  for (const seed of SEEDS) {
    const touch = (id: string): Call => ({
      name: 'users.touch',
      input: { users: [{ id, connected_at: seed, last_activity: seed }], at: seed },
    });
    const four = [0, 1, 2, 3].map((i) => rooms[(seed + i) % rooms.length] ?? '');
    const batch = () => [...four.map((room_id) => send(room_id, users[0] ?? '')), ...users.map(touch)];
    // Each has locked what comes before this row in its order, when it is let go.
    await sql.query('BEGIN');
    if (seed % 2 === 0) await sql.query('SELECT 1 FROM rooms WHERE id = $1 FOR UPDATE', [four[1 + pick(seed, 2)]]);
    else await sql.query('SELECT 1 FROM users WHERE id = $1 FOR UPDATE', [users[1 + pick(seed, 2)]]);
    const racing = race(seed, batch(), batch().toReversed());
    while ((await number(WAITING)) < 2) await turn();
    await sql.query('COMMIT');
    const replies = await racing;
    expect(replies.map(code)).toEqual(replies.map(() => 'ok'));
  }
  expect(postgres.log).not.toContain('deadlock detected');
});

it('writes nothing back that another has changed since', async () => {
  const { users } = await scene(['touched']);
  const [id = ''] = users;
  let generation = 0;
  for (const seed of SEEDS) {
    const at = 1_000 + seed;
    const touch: Call = { name: 'users.touch', input: { users: [{ id, connected_at: at, last_activity: at }], at } };
    const revoke: Call = { name: 'users.revoke', input: { user_id: id, token_id: null, expires_at: 1, at } };
    await race(seed, [touch], [revoke]);
    const { rows } = await sql.query('SELECT generation, last_activity FROM users WHERE id = $1', [id]);
    expect(rows[0]).toEqual({ generation: String(++generation), last_activity: String(at) });
  }
  const missing =
    'SELECT count(*) AS number FROM generate_series(1, (SELECT max(number) FROM notices)) n WHERE n NOT IN (SELECT number FROM notices)';
  expect(await number(missing)).toBe(0);
});

it('gives a name that is let go to one user, in one batch and in two', async () => {
  let [holder] = await values<{ id: string }>(engines[0], [createUser('wanted')]);
  for (const seed of SEEDS) {
    const letGo: Call = {
      name: 'users.revoke',
      input: { user_id: holder?.id, token_id: null, expires_at: 1, at: seed },
    };
    const replies = await race(seed, [letGo, createUser('wanted')], [createUser('wanted')]);
    expect(code(replies[0])).toBe('ok');
    expect(replies.slice(1).map(code).sort()).toEqual(['USERNAME_TAKEN', 'ok']);
    holder = replies.slice(1).flatMap((reply) => (reply.ok ? [reply.value as { id: string }] : []))[0];
    expect(await number("SELECT count(*) AS number FROM users WHERE name_key = 'wanted'")).toBe(1);
  }
});

it('gives a free name to one of two who take it at once', async () => {
  for (const seed of SEEDS) {
    const name = `free ${seed}`;
    const replies = await race(pick(seed, 4), [createUser(name)], [createUser(name)]);
    expect(replies.map(code).sort()).toEqual(['USERNAME_TAKEN', 'ok']);
  }
  expect(await number("SELECT count(*) AS number FROM users WHERE username LIKE 'free %'")).toBe(SEEDS.length);
});

it('counts members and passes rooms on as they come and go at both', async () => {
  const { users, rooms } = await scene(['ada', 'can', 'eve']);
  const [ada = '', can = '', eve = ''] = users;
  const member = (name: string, room_id: string, user_id: string): Call => ({
    name: `rooms.${name}`,
    input: { room_id, user_id, message_id: newId(), at: 1, rooms_max: 10_000, verified_hash: null },
  });
  await values(
    engines[0],
    rooms.map((room_id) => member('join', room_id, can)),
  );
  for (const seed of SEEDS) {
    const room_id = rooms[seed] ?? '';
    const first = [member('leave', room_id, ada), send(room_id, ada)];
    const others = [member('leave', room_id, can), member('join', room_id, eve), send(room_id, can)];
    const replies = await race(seed, first, pick(seed, 3) === 0 ? others.toReversed() : others);
    for (const reply of replies) expect(['ok', 'NOT_A_MEMBER']).toContain(code(reply));
  }
  const wrong = `SELECT count(*) AS number FROM rooms r WHERE id = ANY($1) AND (
      user_count <> (SELECT count(*) FROM members m WHERE m.room_id = r.id)
      OR owner_id IS DISTINCT FROM (SELECT user_id FROM members m WHERE m.room_id = r.id ORDER BY joined_seq LIMIT 1)
      OR seq <> (SELECT count(*) FROM messages m WHERE m.room_id = r.id))`;
  expect(await number(wrong, rooms)).toBe(0);
});
