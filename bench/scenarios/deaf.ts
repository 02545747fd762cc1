import { setTimeout as sleep } from 'node:timers/promises';
import { type Entry, profileOf, withServer } from '../contest.ts';
import type { LoadClient } from '../load-client.ts';
import { mebibytes, short } from '../report.ts';
import type { Server } from '../servers.ts';
import type { Scenario } from './scenario.ts';

const CLIENTS = 100;
const MESSAGES = 3_000;
const BODY_BYTES = 3_900;
const WINDOW = 10;
const SAMPLE_MS = 20;
const LOOK_MS = 100;

interface Outcome {
  before: number;
  peak: number;
  cut: number;
  /** From the first message until the last deaf client was cut; NaN when not all were. */
  allCut: number;
  seconds: number;
}

/** Connections that the server has ended since they read too slowly. */
async function cutBy(server: Server): Promise<number> {
  return (await server.metrics()).get('sohbet_slow_clients_total') ?? Number.NaN;
}

/** Loads the room, with `deaf` clients that read nothing, and watches the server meanwhile. */
async function underLoad(server: Server, client: LoadClient, deaf: number): Promise<Outcome> {
  const before = server.rss;
  let peak = before;
  const sampling = setInterval(() => {
    peak = Math.max(peak, server.rss);
  }, SAMPLE_MS);
  try {
    if (deaf > 0) await client.request({ op: 'deafen', clients: deaf });
    const begin = performance.now();
    const since = () => (performance.now() - begin) / 1_000;
    let loaded = false;
    const filling = client.request({ op: 'fill', messages: MESSAGES, window: WINDOW }).then(() => {
      loaded = true;
      return since();
    });
    let allCut = Number.NaN;
    while (deaf > 0 && Number.isNaN(allCut) && !loaded) {
      if ((await cutBy(server)) >= deaf) allCut = since();
      else await sleep(LOOK_MS);
    }
    const seconds = await filling;
    return { before, peak, cut: await cutBy(server), allCut, seconds };
  } finally {
    clearInterval(sampling);
  }
}

/** A hundred clients of a busy room read nothing; beside it the same room with a hundred more that read. */
export const deaf: Scenario = async (options, _findings, onTable) => {
  const entry: Entry = { label: 'sohbet', name: 'sohbet', options: profileOf(options) };
  const connect = { connections: 1 + 2 * CLIENTS, rooms: 1, body: BODY_BYTES };
  const found: [string, Outcome][] = [];
  for (const [label, count] of [
    [`${2 * CLIENTS} that read`, 0],
    [`${CLIENTS} that read, ${CLIENTS} deaf`, CLIENTS],
  ] as const) {
    found.push([label, await withServer(entry, connect, (server, client) => underLoad(server, client, count))]);
  }
  const spared = found.some(([, { cut }], i) => cut !== i * CLIENTS);
  onTable({
    title: `deaf: ${MESSAGES} messages of ${BODY_BYTES} bytes to one room, ${CLIENTS} of its clients read nothing`,
    columns: ['clients', 'RSS before MiB', 'RSS peak MiB', 'cut', 'all cut after s', 'load took s'],
    rows: found.map(([label, one]) => [
      label,
      mebibytes(one.before),
      mebibytes(one.peak),
      String(one.cut),
      Number.isNaN(one.allCut) ? '-' : short(one.allCut),
      short(one.seconds),
    ]),
    notes: spared ? [`FAULT: not exactly the ${CLIENTS} deaf clients were cut`] : [],
    data: { found },
  });
};
