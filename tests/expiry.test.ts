import { expect, it } from 'vitest';
import { createLogger } from '../app/core/logger.ts';
import { Expiry } from '../app/services/expiry.ts';
import { Presence } from '../app/services/presence.ts';
import { dataFolder, openSql, removeData } from './support/data.ts';
import { openStore } from './support/store.ts';

const HOUR_MS = 60 * 60 * 1_000;
const DAY_MS = 24 * HOUR_MS;
const YEAR_MS = 365 * DAY_MS;
const START = Date.parse('2026-11-28T12:00:00.000Z');

const logger = createLogger({ level: 'silent', pretty: false });

/** A store with two guests, on clocks that the test sets; `seen` is when the guests were last online. */
async function create({ ada, can }: { ada: number; can: number }) {
  const folder = await dataFolder();
  const store = await openStore({ folder });
  for (const [id, at] of Object.entries({ ada, can })) await store.users.create({ id, username: id, at });
  const clock = { at: START, uptime: 0 };
  const retired: string[] = [];
  const expiry = new Expiry({
    store,
    sessions: { revoked: ({ user_id, retired: gone }) => gone && retired.push(user_id) },
    now: () => clock.at,
    uptime: () => clock.uptime,
    logger,
  });
  /** Time goes on, and the check is made as every hour. */
  const pass = async (ms: number) => {
    clock.at += ms;
    clock.uptime += ms;
    await expiry.check();
  };
  const dispose = async () => {
    await store.close();
    await removeData(folder);
  };
  return { store, folder, clock, retired, pass, [Symbol.asyncDispose]: dispose };
}

it('retires a guest whose token has expired, on the second look a day later', async () => {
  await using world = await create({ ada: START - YEAR_MS - 3 * DAY_MS, can: START - YEAR_MS + 5 * DAY_MS });
  const { store, retired, pass } = world;
  await pass(0);
  await pass(23 * HOUR_MS);
  expect(retired).toEqual([]);
  await pass(HOUR_MS);
  expect(retired).toEqual(['ada']);
  expect(await store.users.departing({ after: '', limit: 10 })).toEqual(['ada']);
  expect((await store.users.session({ user_id: 'ada', token: undefined, mine: true })).user).toBeUndefined();
  expect((await store.users.session({ user_id: 'can', token: undefined, mine: true })).user?.username).toBe('can');
  for (let day = 0; day < 8; day++) await pass(DAY_MS);
  expect(retired).toEqual(['ada', 'can']);
});

it('forgets a revocation once its token has expired, and not by a clock that is far ahead for less than a day', async () => {
  await using world = await create({ ada: START, can: START });
  const { store, clock, pass } = world;
  const expires_at = START + YEAR_MS;
  await store.users.revoke({ user_id: 'ada', token_id: 'phone', expires_at, at: START });
  await using beside = await openSql(world);
  const kept = async () => (await beside.all('SELECT token_id FROM revoked_tokens')).length;
  await pass(0);
  await pass(23 * HOUR_MS);
  // Just when it looks.
  clock.at += 2 * YEAR_MS;
  await pass(HOUR_MS);
  await store.users.revoke({ user_id: 'can', token_id: 'laptop', expires_at: clock.at + YEAR_MS, at: clock.at });
  for (let hour = 0; hour < 20; hour++) await pass(HOUR_MS);
  clock.at -= 2 * YEAR_MS;
  for (let hour = 0; hour < 60; hour++) await pass(HOUR_MS);
  expect(await kept()).toBe(2);
  for (let day = 0; day < 368; day++) await pass(DAY_MS);
  expect(await kept()).toBe(1);
});

it('retires nobody by a clock that is far ahead for less than a day', async () => {
  await using world = await create({ ada: START - 100 * DAY_MS, can: START - 10 * DAY_MS });
  const { clock, retired, pass } = world;
  clock.at += 2 * YEAR_MS;
  await pass(0);
  for (let hour = 0; hour < 20; hour++) await pass(HOUR_MS);
  clock.at -= 2 * YEAR_MS;
  for (let hour = 0; hour < 60; hour++) await pass(HOUR_MS);
  expect(retired).toEqual([]);
});

it('retires nobody who is online, however long and still', async () => {
  await using world = await create({ ada: START, can: START });
  const { store, clock, retired, pass } = world;
  const presence = new Presence({
    delivery: {} as never,
    now: () => clock.at,
    graceMs: 1,
    broadcastMax: 1,
    onSeen: (users) => store.users.touch({ users, at: clock.at }).then(() => true),
    onCount: () => {},
    onLeft: () => {},
  });
  const time = new Date(START).toISOString();
  presence.connect({} as never, { id: 'ada', username: 'ada', connected_at: time, last_activity: time });
  for (let day = 0; day < 400; day++) {
    await presence.save();
    await pass(DAY_MS);
  }
  expect(retired).toEqual(['can']);
});
