import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ATTACKS, type Attack } from './abuse/attacks.ts';
import { UNREAD_ATTACKS } from './abuse/unread.ts';
import { cleanUpAtExit, makeFolder, openFiles, residentBytes, startNode, stopChild } from './processes.ts';
import { mebibytes, print, short } from './report.ts';

/*
 * Loads from below, one after another against one server with its limits on: what each costs in memory and in open files,
 * and for how long it keeps others waiting. `npm run abuse -- --connections 100 --seconds 10 --only 'ping flood' --heap 300`.
 */

const MAIN = fileURLToPath(new URL('../app/main.ts', import.meta.url));
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

/** A server under attack. */
interface Target {
  readonly port: number;
  readonly pid: number;
  /** Settles when its process has ended. */
  readonly ended: Promise<unknown>;
  stop(): Promise<void>;
}

/** A whole server in a process of its own, with its limits on. */
async function start({ connections, heap }: Options): Promise<Target> {
  const folder = makeFolder();
  const env = {
    ...process.env,
    HOST: '127.0.0.1',
    PORT: '0',
    DATABASE_URL: `sqlite:${folder}/abuse.db`,
    LOG_LEVEL: 'silent',
    SIGN_IN_TIMEOUT: '2',
    ...(heap !== undefined && { NODE_OPTIONS: `--max-old-space-size=${heap}` }),
    // All come from this machine, so that only as many connections as asked for get through.
    RATE_LIMITS: `connections_per_address=${connections + 100},handshakes_burst=${10 * connections + 1_000}`,
  };
  const child = startNode('server', [MAIN], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout?.on('data', (data: Buffer) => {
      const found = /listening on \S+:(\d+)/.exec(data.toString());
      if (found) resolve(Number(found[1]));
    });
    child.once('exit', () => reject(new Error('the server ended at its start')));
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  return { port, pid: child.pid ?? 0, ended, stop: () => stopChild(child, 5_000) };
}

/** The longest delay of the server's event loop since the last time it was asked, in milliseconds. */
async function loopDelay(port: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(/^nodejs_eventloop_lag_max_seconds (\S+)/m.exec(text)?.[1]) * 1_000;
}

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

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      connections: { type: 'string', default: '100' },
      seconds: { type: 'string', default: '10' },
      only: { type: 'string' },
      heap: { type: 'string' },
    },
  });
  const { connections, seconds, heap } = values;
  const options = { connections: Number(connections), seconds: Number(seconds), heap };
  cleanUpAtExit();
  const target = await start(options);
  const rows: string[][] = [];
  for (const attack of [...ATTACKS, ...UNREAD_ATTACKS].filter(
    ({ name }) => values.only === undefined || name === values.only,
  )) {
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
  const table = {
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
  print(table);
}

await main();
