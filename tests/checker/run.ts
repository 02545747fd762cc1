import { check } from './check.ts';
import { type Finding, tally } from './findings.ts';
import { Random } from './random.ts';
import { readStored } from './stored.ts';
import { type Action, Workload } from './workload.ts';
import { createWorld, type World, type WorldOptions } from './world.ts';

/** How long and how hard a scenario runs. */
export interface Size {
  /** How often its fault strikes. */
  readonly strikes: number;
  /** How many commands are acknowledged between two strikes, at least. */
  readonly load: number;
}

/** What a scenario is run with. */
export interface RunOptions {
  readonly seed: number;
  readonly size: Size;
  /** The folder that holds `app/main.ts`; the repository itself by default. */
  readonly program?: string;
}

/** What a scenario found. */
export interface Report {
  readonly name: string;
  readonly seed: number;
  readonly findings: readonly Finding[];
  /** What happened how often, for people and for tests that want to know that it did. */
  readonly counts: Readonly<Record<string, number>>;
}

/** What the body of a scenario works with. */
export interface Stage {
  readonly world: World;
  readonly workload: Workload;
  /** Counts something for the report. */
  count(what: string, by?: number): void;
}

/** What differs between scenarios, beside their body. */
export interface Setting extends Omit<WorldOptions, 'random'> {
  readonly name: string;
  readonly weights?: Readonly<Partial<Record<Action, number>>>;
  readonly pauseMs?: number;
  /** How many public and private rooms there are. */
  readonly rooms?: readonly [number, number];
}

/** Sets a world up, lets the body do its worst, lets everything settle, and judges. */
export async function play(
  setting: Setting,
  { seed, program }: RunOptions,
  body: (stage: Stage) => Promise<void>,
): Promise<Report> {
  const random = new Random(seed);
  const counts: Record<string, number> = {};
  const count = (what: string, by = 1) => {
    counts[what] = (counts[what] ?? 0) + by;
  };
  const server = { ...setting.server, ...(program !== undefined && { program }) };
  await using world = await createWorld({ ...setting, random, server });
  await addRooms(world, setting.rooms ?? [2, 1]);
  const clients = world.clients.filter(({ account }) => account !== world.observer.account);
  const workload = new Workload({ ...setting, clients, room_ids: world.room_ids, random: random.fork('workload') });
  for (const client of clients) client.start();
  await body({ world, workload, count });
  await workload.stop();
  world.proxy.trouble(false);
  await world.settle();
  const findings = await judge(world);
  countRecords(world, count);
  return { name: setting.name, seed, findings, counts };
}

async function addRooms(world: World, [open, closed]: readonly [number, number]): Promise<void> {
  const owners = world.accounts.filter((account) => account !== world.observer.account);
  for (let i = 0; i < open + closed; i++) {
    const owner = owners[i % owners.length];
    if (owner !== undefined) await world.addRoom(owner, `room ${i}`, i < open ? 'public' : 'private');
  }
}

/** Stops the server and holds its database against what the clients saw. */
async function judge(world: World): Promise<Finding[]> {
  const { server, recorder } = world;
  const exit = await server.kill('SIGTERM');
  if (exit.code !== 0) recorder.fault(`the server ended with ${JSON.stringify(exit)} when it was told to stop`);
  const findings = check(recorder, await readStored(server));
  if (findings.length > 0 && server.output !== '') {
    return [...findings, { kind: 'fault', text: `what the server wrote:\n${server.output}` }];
  }
  return findings;
}

function countRecords({ recorder, proxy, server }: World, count: Stage['count']): void {
  const { calls, connections } = recorder;
  count('starts', server.starts);
  count('connections', connections.length);
  count('calls', calls.length);
  count('acknowledged', recorder.acknowledged);
  count('unknown', calls.filter(({ answer }) => answer === undefined).length);
  count('duplicates', calls.filter(({ answer }) => answer?.ok === true && 'duplicate' in answer).length);
  count('syncs', calls.filter(({ command }) => command === 'sync').length);
  count(
    'deliveries',
    connections.reduce((sum, { arrivals }) => sum + arrivals.length, 0),
  );
  for (const call of calls) if (call.answer?.ok === false) count(call.answer.error.code);
  for (const [trouble, times] of Object.entries(proxy.suffered)) {
    if (times > 0 && trouble !== 'none') count(`proxy ${trouble}`, times);
  }
}

/** A report for people: what was done, what was found, with the first of many counterexamples, and how to repeat it. */
export function describeReport({ name, seed, findings, counts }: Report, options = '--harder 1'): string {
  const done = Object.entries(counts).map(([what, times]) => `${what} ${times}`);
  const lines = [`${name}, seed ${seed}: ${tally(findings)}`, `  ${done.join(', ')}`];
  for (const { kind, text } of findings.slice(0, 12)) lines.push(`  ${kind.toUpperCase()}: ${text}`);
  if (findings.length > 12) lines.push(`  and ${findings.length - 12} more`);
  if (findings.length > 0)
    lines.push(`  To repeat: npm run torture -- --only ${name} --seed ${seed} --rounds 1 ${options}`);
  return lines.join('\n');
}
