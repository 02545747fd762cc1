import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ATTACKS, type Attack } from './abuse/attacks.ts';
import { measureRooms } from './abuse/rooms.ts';
import { loopDelay, startTarget, type Target } from './abuse/server.ts';
import { UNREAD_ATTACKS } from './abuse/unread.ts';
import { cleanUpAtExit, openFiles, residentBytes } from './processes.ts';
import { mebibytes, print, short, type Table } from './report.ts';

/*
 * Loads from below, one after another against one server with its limits on: what each costs in memory and in open files,
 * and for how long it keeps others waiting. Then what each command costs on a database full of rooms.
 * `npm run abuse -- --connections 100 --seconds 10 --only 'ping flood' --heap 300`,
 * `npm run abuse -- --only 'many rooms' --rooms 100000`.
 */

const ROOMS = 'many rooms';
const PROBE_EVERY_MS = 20;

interface Figures {
  readonly opened: number;
  readonly ended: number;
  readonly seconds: number;
  /** The most memory while it went on, beside what there was before. */
  readonly growth: number;
  /** The most files and connections that were open, beside those before. */
  readonly files: number;
  /** How long others waited for an answer, at most. */
  readonly waitMs: number;
  /** The longest that the server's event loop stood still, as it tells itself. */
  readonly loopMs: number;
}

/** A server with its limits on. */
const start = ({ connections, heap }: Options) =>
  startTarget({
    SIGN_IN_TIMEOUT: '2',
    ...(heap !== undefined && { NODE_OPTIONS: `--max-old-space-size=${heap}` }),
    // All come from this machine, so that only as many connections as asked for get through.
    RATE_LIMITS: `connections_per_address=${connections + 100},handshakes_burst=${10 * connections + 1_000}`,
  });

async function measure(attack: Attack, target: Target, options: Options): Promise<Figures> {
  await loopDelay(target.port);
  const before = { bytes: residentBytes(target.pid), files: openFiles(target.pid) };
  const begin = performance.now();
  let isOver = false;
  let isDead = false;
  const seen = { growth: 0, files: 0, waitMs: 0 };
  const own = monitorEventLoopDelay({ resolution: 1 });
  const probe = async () => {
    while (!isOver) {
      own.reset();
      own.enable();
      const asked = performance.now();
      await (await fetch(`http://127.0.0.1:${target.port}/health/live`)).text();
      const waited = performance.now() - asked;
      own.disable();
      // The load comes from this process too: what it kept itself waiting is not the server's.
      seen.waitMs = Math.max(seen.waitMs, waited - Math.max(0, own.max / 1e6 - 1));
      seen.growth = Math.max(seen.growth, residentBytes(target.pid) - before.bytes);
      seen.files = Math.max(seen.files, openFiles(target.pid) - before.files);
      await sleep(PROBE_EVERY_MS);
    }
  };
  const probing = probe().catch(() => {});
  const died = target.ended.then(() => {
    isDead = true;
    return { opened: options.connections, ended: Number.NaN };
  });
  const running = attack.run(target.port, options.connections, options.seconds * 1_000);
  const outcome = await Promise.race([died, running.catch(() => died)]);
  isOver = true;
  await probing;
  const loopMs = isDead ? Number.NaN : await loopDelay(target.port);
  return { ...outcome, ...seen, seconds: (performance.now() - begin) / 1_000, loopMs };
}

interface Options {
  readonly connections: number;
  readonly seconds: number;
  /** The heap of the server, in MiB; V8's own default when absent. */
  readonly heap: string | undefined;
}

/** All loads from below, or the one of this name. */
async function attackAll(options: Options, only: string | undefined): Promise<Table> {
  const target = await start(options);
  const rows: string[][] = [];
  for (const attack of [...ATTACKS, ...UNREAD_ATTACKS].filter(({ name }) => only === undefined || name === only)) {
    const { opened, ended, seconds, growth, files, waitMs, loopMs } = await measure(attack, target, options);
    const row = [
      attack.name,
      String(opened),
      Number.isNaN(ended) ? 'the server ended' : String(ended),
      short(seconds),
      mebibytes(growth),
      String(files),
      short(waitMs),
      short(loopMs),
    ];
    rows.push(row);
    process.stderr.write(`${row.join('  ')}\n`);
    if (Number.isNaN(ended)) break;
    await sleep(1_000);
  }
  await target.stop();
  return {
    title: `loads from below, ${options.connections} connections each, limits on`,
    columns: [
      'load',
      'opened',
      'ended or refused',
      's',
      'RSS growth MiB',
      'files',
      'others waited ms',
      'loop stood ms',
    ],
    rows,
    notes: [
      'others waited: the slowest answer to a request each 20 ms; loop stood: the longest delay of its event loop',
    ],
    data: rows,
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      connections: { type: 'string', default: '100' },
      seconds: { type: 'string', default: '10' },
      rooms: { type: 'string', default: '100000' },
      messages: { type: 'string', default: '200000' },
      only: { type: 'string' },
      heap: { type: 'string' },
    },
  });
  const { connections, seconds, rooms, messages, only, heap } = values;
  cleanUpAtExit();
  const options = { connections: Number(connections), seconds: Number(seconds), heap };
  if (only !== ROOMS) print(await attackAll(options, only));
  if (only === undefined || only === ROOMS)
    print(await measureRooms({ rooms: Number(rooms), messages: Number(messages) }));
}

await main();
