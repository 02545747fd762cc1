import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { contest, entriesOf, faults, lineTitle, overStores, type Round, ratiosOf } from '../contest.ts';
import type { Options } from '../options.ts';
import type { Line } from '../postgres.ts';
import { isMemory, makeFolder, removeFolder } from '../processes.ts';
import { median, short, spread, type Table } from '../report.ts';
import { SERVERS } from '../servers.ts';
import type { Scenario } from './scenario.ts';

const APPEND_BYTES = 4096;

/** Latencies, in milliseconds, of appending 4 KiB to a file and `fdatasync`, again and again for `seconds`. */
function syncTimes(seconds: number): { times: number[]; memory: boolean } {
  const folder = makeFolder();
  const file = openSync(join(folder, 'baseline'), 'w');
  const block = Buffer.alloc(APPEND_BYTES, 1);
  const times: number[] = [];
  try {
    const end = performance.now() + seconds * 1000;
    for (let now = performance.now(); now < end; ) {
      writeSync(file, block);
      fdatasyncSync(file);
      const done = performance.now();
      times.push(done - now);
      now = done;
    }
    return { times, memory: isMemory(folder) };
  } finally {
    closeSync(file);
    removeFolder(folder);
  }
}

function quantile(values: number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

/** One connection in one room sends one message at a time: how long until each is acknowledged, durable? */
export const lone: Scenario = (options, _findings, onTable) =>
  overStores(options, async (line) => onTable(await measure(options, line)));

async function measure(options: Options, line: Line | undefined): Promise<Table> {
  const baseline = syncTimes(Math.min(2, options.seconds));
  const results = await contest(entriesOf(options, SERVERS, line), {
    connect: { connections: 1, rooms: 1, body: options.body },
    measurement: { op: 'lone', seconds: options.seconds },
    rounds: options.rounds,
  });
  const row = (label: string, rounds: Round[]) => [
    label,
    spread(rounds.map((round) => round.acknowledgement.p50)),
    spread(rounds.map((round) => round.acknowledgement.p99)),
    short(median(rounds.map((round) => round.acknowledged / round.seconds))),
  ];
  const disk = { p50: quantile(baseline.times, 0.5), p99: quantile(baseline.times, 0.99) };
  const table: Table = {
    title: `lone: one message at a time, send to acknowledgement${lineTitle(line)}`,
    columns: ['server', 'p50 ms', 'p99 ms', 'a second'],
    rows: [...results].map(([label, rounds]) => row(label, rounds)),
    notes: ratiosOf('p50', results, (rounds) => rounds.map((round) => round.acknowledgement.p50)),
    data: { disk, rounds: Object.fromEntries(results) },
  };
  table.rows.push([
    'bare disk: append 4 KiB + fdatasync',
    short(disk.p50),
    short(disk.p99),
    short(1000 / median(baseline.times)),
  ]);
  const sohbet = results.get('sohbet');
  if (sohbet) {
    const p50 = median(sohbet.map((round) => round.acknowledgement.p50));
    table.notes.push(`target: sohbet under 5 ms at the median: ${p50 < 5 ? 'met' : 'MISSED'}`);
  }
  if (baseline.memory) table.notes.push('NOTE the data lies in memory (tmpfs): this is no disk');
  for (const [label, rounds] of results) table.notes.push(...faults(label, rounds));
  return table;
}
