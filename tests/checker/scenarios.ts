import { setTimeout as delay } from 'node:timers/promises';

import { testEngine } from '../support/data.ts';
import { openBeside } from './beside.ts';
import { DATABASE_SCENARIOS } from './database-faults.ts';
import type { Finding } from './findings.ts';
import { smallDisk } from './full-disk.ts';
import { healthIs, loaded, PATIENCE_MS } from './loaded.ts';
import type { ConnectionHistory } from './records.ts';
import { play, type RunOptions, type Setting, type Stage } from './run.ts';
import type { Scenario } from './scenario.ts';
import { simulate } from './sim.ts';
import { readStored } from './stored.ts';
import type { World } from './world.ts';

const TEN_MINUTES_MS = 600_000;
const CLOCK = new URL('./preload/clock.ts', import.meta.url);
const SLOW_REPLIES = new URL('./preload/slow-replies.ts', import.meta.url);
const DIE_AFTER_COMMIT = new URL('./preload/die-after-commit.ts', import.meta.url);

/** A scenario whose body is called while the clients are at work. */
function scenario(
  setting: Setting,
  { strikes, load }: { strikes: number; load: number },
  body: (stage: Stage, options: RunOptions) => Promise<void>,
): Scenario {
  return {
    name: setting.name,
    strikes,
    load,
    run: (options) =>
      play(setting, options, async (stage) => {
        stage.workload.start();
        await body(stage, options);
      }),
  };
}

/** Killed with -9 under load, and started again on the same data. */
export const kill = scenario({ name: 'kill' }, { strikes: 3, load: 250 }, async ({ world }, { size }) => {
  for (let i = 0; i < size.strikes; i++) {
    await loaded(world, size.load);
    await world.server.kill('SIGKILL');
    await delay(world.random.whole(0, 200));
    await world.server.start();
  }
  await loaded(world, size.load);
});

/** What a stop in good order has stored it has answered too; what it has not answered is absent, and is repeated. */
async function checkAnswered({ recorder, server }: World, stopped: readonly ConnectionHistory[]): Promise<void> {
  const sentAway = stopped.filter(({ ended }) => ended !== 'io client disconnect');
  const ids = new Set(sentAway.map(({ id }) => id));
  const sends = recorder.calls.filter((call) => call.command === 'send_message');
  const answered = new Set(sends.filter(({ answer }) => answer !== undefined).map(({ payload }) => payload.content));
  const { messages } = await readStored(server);
  const stored = new Set(messages.map(({ content }) => content));
  for (const { payload, connection } of sends) {
    if (!ids.has(connection) || answered.has(payload.content) || !stored.has(payload.content)) continue;
    recorder.fault(`${payload.content} of ${connection} was stored before a stop, and not answered`);
  }
}

const stop = scenario({ name: 'stop' }, { strikes: 2, load: 250 }, async ({ world }, { size }) => {
  for (let i = 0; i < size.strikes; i++) {
    await loaded(world, size.load);
    const open = world.recorder.connections.filter(({ ended }) => ended === undefined);
    const exit = await world.server.kill('SIGTERM');
    if (exit.code !== 0) world.recorder.fault(`the server ended with ${JSON.stringify(exit)} on SIGTERM`);
    // What was written before the end arrives before a connection hears of it.
    const heard = await world.eventually(() => open.every(({ ended }) => ended !== undefined), PATIENCE_MS);
    if (!heard) world.recorder.fault('a connection did not hear that the server had ended');
    await checkAnswered(world, open);
    await world.server.start();
  }
  await loaded(world, size.load);
});

const network = scenario(
  { name: 'network', throughProxy: true, connections: [3, 3, 3] },
  { strikes: 3, load: 300 },
  async ({ world }, { size }) => {
    world.proxy.trouble(true);
    for (let i = 0; i < size.strikes; i++) await loaded(world, size.load);
  },
);

const undelivered = scenario(
  { name: 'undelivered', server: { preload: [DIE_AFTER_COMMIT] } },
  { strikes: 4, load: 100 },
  async ({ world, count }, { size }) => {
    await loaded(world, size.load);
    await world.server.kill('SIGKILL');
    for (let i = 0; i < size.strikes; i++) {
      await world.server.start({ DIE_AFTER_COMMITS: String(world.random.whole(1, 60)) });
      const exit = await world.server.ended();
      if (exit.signal === 'SIGKILL') count('deaths after COMMIT');
      else world.recorder.fault(`the server ended with ${JSON.stringify(exit)}`);
    }
    await world.server.start();
    await loaded(world, size.load);
  },
);

const fullDisk: Scenario = {
  name: 'full-disk',
  strikes: 1,
  load: 150,
  async run(options) {
    await using disk = await smallDisk(options.seed % 2 === 0 ? 'tmpfs' : 'limit');
    const setting: Setting = { name: 'full-disk', server: { folder: disk.folder } };
    return await play(setting, options, async ({ world, workload, count }) => {
      const { server, recorder, observer } = world;
      const refused = () =>
        recorder.calls.filter(({ answer }) => answer?.ok === false && answer.error.code === 'UNAVAILABLE');
      workload.start();
      for (let i = 0; i < options.size.strikes; i++) {
        await loaded(world, options.size.load);
        const before = refused().length;
        await disk.fill(server);
        const noticed = await world.eventually(() => refused().length > before, PATIENCE_MS);
        if (!noticed) recorder.fault('the disk was full, and no write was refused');
        await healthIs(world, 'degraded');
        for (const room_id of world.room_ids) await world.once('get_messages', { room_id }, observer.account);
        await disk.free(server);
        await healthIs(world, 'up');
        count(`full by ${disk.kind}`);
      }
      await loaded(world, options.size.load);
    });
  },
};

const absence = scenario(
  { name: 'absence', connections: [2, 2, 2], pauseMs: 4, weights: { leave: 0, remove: 0, away: 0, edit: 25 } },
  { strikes: 1, load: 3_000 },
  async ({ world, count }, { size }) => {
    await loaded(world, 400);
    for (let i = 0; i < size.strikes; i++) {
      const sleepers = world.clients.filter(({ name }) => name.endsWith('/2'));
      await Promise.all(sleepers.map((client) => client.stop()));
      const before = sleepers.flatMap((client) => [...client.rooms.values()].map(({ cursor }) => cursor));
      await loaded(world, size.load);
      for (const client of sleepers) client.start();
      await loaded(world, 200);
      const after = sleepers.flatMap((client) => [...client.rooms.values()].map(({ cursor }) => cursor));
      count('missed changes', after.reduce((sum, n) => sum + n, 0) - before.reduce((sum, n) => sum + n, 0));
    }
  },
);

const clock = scenario(
  { name: 'clock', server: { preload: [CLOCK] } },
  { strikes: 4, load: 150 },
  async ({ world }, { size }) => {
    for (let i = 0; i < size.strikes; i++) {
      await loaded(world, size.load);
      world.server.tell(`clock ${i % 2 === 0 ? TEN_MINUTES_MS : -TEN_MINUTES_MS}`);
    }
    await loaded(world, size.load);
  },
);

const CROWD = { send_twice: 10, join: 25, leave: 10, add: 12, remove: 12, read_anew: 12, sync: 6, away: 8 } as const;

/** A user with many connections that join, leave, read anew and come and go, while others manage the members. */
export const connections = scenario(
  { name: 'connections', connections: [6, 3, 1], pauseMs: 12, weights: CROWD },
  { strikes: 4, load: 300 },
  async ({ world }, { size }) => loaded(world, size.strikes * size.load),
);

/** The same with a store that is slow to say what it has done. */
const slow = scenario(
  { name: 'slow', server: { preload: [SLOW_REPLIES] }, connections: [6, 3, 1], pauseMs: 20, weights: CROWD },
  { strikes: 2, load: 300 },
  async ({ world }, { size }) => loaded(world, size.strikes * size.load),
);

/** Members are removed in the middle of sending as fast as they can. */
export const removals = scenario(
  { name: 'removals', connections: [1, 3], rooms: [1, 0], weights: { leave: 0, remove: 0, away: 0 } },
  { strikes: 20, load: 20 },
  async ({ world }, { size }) => {
    const [owner, ...senders] = world.clients.filter((client) => client !== world.observer);
    const [room_id = ''] = world.room_ids;
    const user_id = senders[0]?.account.user_id ?? '';
    for (let i = 0; i < size.strikes; i++) {
      await owner?.call('add_member', { room_id, user_id });
      await world.eventually(() => senders.every((client) => client.rooms.has(room_id)), PATIENCE_MS);
      for (let n = 0; n < 60; n++) {
        for (const sender of senders) sender.send({ room_id, content: `${sender.name} in the end ${i} ${n}` });
        if (n === 20) void owner?.call('remove_member', { room_id, user_id });
        if (n % 10 === 0) await delay(1);
      }
      await loaded(world, size.load);
    }
  },
);

/** Another process writes into the database beside the server. */
export const beside = scenario({ name: 'beside' }, { strikes: 20, load: 40 }, async ({ world, count }, { size }) => {
  await using writer = await openBeside(world.server, world.observer.account, world.recorder);
  for (let i = 0; i < size.strikes; i++) {
    await loaded(world, size.load);
    const room_id = world.random.pick(world.room_ids) ?? '';
    await writer.tell();
    await writer.write(room_id, world.random.whole(0, 3), world.random.whole(0, 4));
    count('written beside');
  }
  await loaded(world, size.load);
  await writer.tell();
});

/** The server's tail in many orders of events, simulated step by step; no server runs. */
const schedules: Scenario = {
  name: 'schedules',
  strikes: 3_000,
  load: 120,
  async run({ seed, size }) {
    const findings: Finding[] = [];
    for (let n = 0; n < size.strikes && findings.length === 0; n++) {
      const found = await simulate(seed + n, size.load);
      findings.push(...found.map(({ kind, text }) => ({ kind, text: `order ${seed + n}: ${text}` })));
    }
    return { name: 'schedules', seed, findings, counts: { orders: size.strikes } };
  },
};

/** Clients do more than the server's limits allow. */
const limits = scenario(
  { name: 'limits', server: { env: { RATE_LIMITS: 'messages_per_second=5,messages_burst=1' } }, connections: [2, 2] },
  { strikes: 1, load: 60 },
  async ({ world }, { size }) => loaded(world, size.strikes * size.load),
);

/** Those of every engine, in the order of the promise. */
const OF_ALL: readonly Scenario[] = [
  kill,
  stop,
  network,
  undelivered,
  absence,
  clock,
  connections,
  slow,
  removals,
  beside,
  limits,
  schedules,
];

/** All of them, on the engine that is tested: a full disk is the server's own with SQLite alone. */
export function scenarios(): readonly Scenario[] {
  return [...OF_ALL, ...(testEngine() === 'postgres' ? DATABASE_SCENARIOS : [fullDisk])];
}
