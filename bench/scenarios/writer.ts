import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lineTitle, overStores } from '../contest.ts';
import type { Options } from '../options.ts';
import type { Line } from '../postgres.ts';
import { makeFolder, removeFolder, startNode } from '../processes.ts';
import { spread, type Table } from '../report.ts';
import { productionFlags } from '../servers.ts';
import type { WriteLoop, WriteRound } from '../write-loop.ts';
import type { Scenario } from './scenario.ts';

const PROGRAM = fileURLToPath(new URL('../write-loop.ts', import.meta.url));
const BATCH = 64;

/** Runs a loop in a process of its own, to its end. Throws when it fails. */
async function roundsOf(loop: WriteLoop): Promise<WriteRound[]> {
  const child = startNode('neither', [...productionFlags(), PROGRAM], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const rounds: WriteRound[] = [];
  child.on('message', (round: WriteRound) => rounds.push(round));
  child.send(loop);
  await once(child, 'exit');
  if (rounds.length < loop.rounds) throw new Error(`the store ended after ${rounds.length} of ${loop.rounds} rounds`);
  return rounds;
}

/** The store alone: what a send costs it when 64 go into one commit. */
export const writer: Scenario = (options, _findings, onTable) =>
  overStores(options, async (line) => onTable(await measure(options, line)));

async function measure(options: Options, line: Line | undefined): Promise<Table> {
  const { body, rounds, seconds } = options;
  const found: { rooms: number; rounds: WriteRound[] }[] = [];
  for (const rooms of options.rooms) {
    await withDatabase(line, async (database) => {
      found.push({ rooms, rounds: await roundsOf({ database, rooms, batch: BATCH, body, rounds, seconds }) });
    });
  }
  return {
    title: `writer: the store alone, ${BATCH} sends a commit${lineTitle(line)}`,
    columns: ['rooms', 'sends/s', 'writing thread µs a send', 'whole process µs a send'],
    rows: found.map(({ rooms, rounds: measured }) => [
      String(rooms),
      spread(measured.map((round) => round.sends / round.seconds)),
      spread(measured.map((round) => round.writer)),
      spread(measured.map((round) => round.node)),
    ]),
    notes: [],
    data: found,
  };
}

/** Hands an empty database to `use`: over the line where there is one, else a file. */
async function withDatabase(line: Line | undefined, use: (database: string) => Promise<void>): Promise<void> {
  if (line) {
    await using database = await line.createDatabase();
    await use(database.url);
    return;
  }
  const folder = makeFolder();
  try {
    await use(join(folder, 'bench.db'));
  } finally {
    removeFolder(folder);
  }
}
