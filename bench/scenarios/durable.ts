import {
  contest,
  type Entry,
  entriesOf,
  faults,
  lineTitle,
  overStores,
  profileOf,
  type Round,
  ratiosOf,
  windowOf,
} from '../contest.ts';
import type { Options } from '../options.ts';
import type { Line } from '../postgres.ts';
import { mebibytes, median, short, spread, type Table } from '../report.ts';
import type { Server, ServerOptions } from '../servers.ts';
import { acknowledgedRates } from './fanout.ts';
import type { Scenario } from './scenario.ts';

const RECEIVERS = 10;
const HISTOGRAM = /^sohbet_commit_\w+_(sum|count)(?:\{.*\})?$/;

/** The sums and counts of the histograms of commit batches, added up over their labels, by metric. */
async function batches(server: Server): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const [sample, value] of await server.metrics()) {
    if (!HISTOGRAM.test(sample)) continue;
    const name = sample.replace(/\{.*/, '');
    found.set(name, (found.get(name) ?? 0) + value);
  }
  return found;
}

/** The mean of each histogram between two readings, by its name without `sohbet_`. */
function means(before: Map<string, number>, after: Map<string, number>): Record<string, number> {
  const result: Record<string, number> = {};
  for (const name of after.keys()) {
    if (!name.endsWith('_sum')) continue;
    const stem = name.slice(0, -'_sum'.length);
    const grown = (suffix: string) => (after.get(stem + suffix) ?? 0) - (before.get(stem + suffix) ?? 0);
    result[stem.replace(/^sohbet_/, '')] = grown('_sum') / grown('_count');
  }
  return result;
}

function row(label: string, rounds: Round[]): string[] {
  const middle = (pick: (round: Round) => number) => median(rounds.map(pick));
  return [
    label,
    spread(acknowledgedRates(rounds)),
    short(middle((round) => round.acknowledgement.p50)),
    short(middle((round) => round.acknowledgement.p99)),
    short(middle((round) => round.server.cpu)),
    short(middle((round) => round.server.postgres)),
    mebibytes(middle((round) => round.server.rss)),
  ];
}

/** How many sends a second are stored, with few receivers a room; and what the disk costs: Sohbet in memory beside it. */
export const durable: Scenario = (options, _findings, onTable) =>
  overStores(options, async (line) => {
    for (const rooms of options.rooms) onTable(await measure(options, rooms, line));
  });

async function measure(options: Options, rooms: number, line: Line | undefined): Promise<Table> {
  const inMemory: ServerOptions = { storage: 'memory', ...profileOf(options) };
  const entries: Entry[] = entriesOf(options, ['by-hand', 'sohbet'], line);
  if (!line && options.servers.includes('sohbet')) {
    entries.unshift({ label: 'in memory', name: 'sohbet', options: inMemory });
  }
  const window = windowOf(rooms, options);
  const readings = new Map<string, Map<string, number>>();
  const commits: Record<string, Record<string, number>> = {};
  const around = async (edge: 'before' | 'after', entry: Entry, server: Server) => {
    const reading = await batches(server);
    if (edge === 'before') readings.set(entry.label, reading);
    else commits[entry.label] = means(readings.get(entry.label) ?? new Map(), reading);
  };
  const results = await contest(entries, {
    connect: { connections: rooms * RECEIVERS, rooms, body: options.body },
    measurement: { op: 'closed', window, seconds: options.seconds },
    rounds: options.rounds,
    around,
  });
  const table: Table = {
    title: `durable: rooms=${rooms} window=${window}, ${RECEIVERS} receivers a room${lineTitle(line)}`,
    columns: ['server', 'sends/s', 'ack p50 ms', 'ack p99 ms', 'server CPU s/s', 'postgres CPU s/s', 'RSS MiB'],
    rows: [...results].map(([label, rounds]) => row(label, rounds)),
    notes: ratiosOf('sends/s', results, acknowledgedRates),
    data: { rooms, window, commits, rounds: Object.fromEntries(results) },
  };
  for (const [label, byName] of Object.entries(commits)) {
    const list = Object.entries(byName).map(([name, mean]) => `${name} ${short(mean)}`);
    if (list.length > 0) table.notes.push(`${label}, mean a commit: ${list.join(', ')}`);
  }
  for (const [label, rounds] of results) table.notes.push(...faults(label, rounds));
  return table;
}
