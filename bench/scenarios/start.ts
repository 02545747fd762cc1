import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LoadClient } from '../load-client.ts';
import { makeFolder, removeFolder } from '../processes.ts';
import { mebibytes, short, type Table } from '../report.ts';
import { Server } from '../servers.ts';
import type { Scenario } from './scenario.ts';

const ROOMS = 100;
const WINDOW = 16;
const TARGET_MS = 3_000;
/** How long it is left alone before its memory is read. */
const REST_MS = 10_000;

/** The starts that are measured, in order: from the source the first has no compile cache, the others have its. */
const STARTS = [
  { label: 'source, first start', built: false },
  { label: 'source, second', built: false },
  { label: 'source, third', built: false },
  { label: 'built, first start', built: true },
  { label: 'built, second', built: true },
];

/**
 * How long a server takes from the start of its process to its first answers when much is stored, and what it holds when
 * nobody comes: from the source, and as `npm run build` makes it.
 */
export const start: Scenario = async (options, _findings, onTable) => {
  execFileSync(process.execPath, [join(import.meta.dirname, '../../tools/build.ts')]);
  const first = await Server.start('sohbet');
  const client = new LoadClient(first);
  const cache = makeFolder();
  let filled = { seconds: 0 };
  try {
    await client.request({ op: 'connect', port: first.port, connections: ROOMS, rooms: ROOMS, body: options.body });
    filled = await client.request({ op: 'fill', messages: options.messages, window: WINDOW });
  } finally {
    await client.stop();
    await first.stop({ politely: true, keepFolder: true });
  }
  const data: { label: string; readyMs: number; visitMs: number; restRss: number }[] = [];
  for (const { label, built } of STARTS) {
    const server = await Server.start('sohbet', { folder: first.folder, built, ...(!built && { cache }) });
    const visitor = new LoadClient(server);
    try {
      await sleep(REST_MS);
      const restRss = server.rss;
      const begin = performance.now();
      await visitor.request({ op: 'connect', port: server.port, connections: 1, rooms: 1, body: options.body });
      data.push({ label, readyMs: server.readyMs, visitMs: performance.now() - begin, restRss });
    } finally {
      await visitor.stop();
      await server.stop({ politely: true, keepFolder: true });
    }
  }
  removeFolder(first.folder);
  removeFolder(cache);
  const worst = Math.max(...data.map(({ readyMs }) => readyMs));
  const table: Table = {
    title: `start: ${options.messages} messages stored in ${ROOMS} rooms (filled through the server in ${short(filled.seconds)} s)`,
    columns: ['start', 'process to first answer ms', `RSS after ${REST_MS / 1_000} s MiB`, 'sign in, make a room ms'],
    rows: data.map((one) => [one.label, short(one.readyMs), mebibytes(one.restRss), short(one.visitMs)]),
    notes: [
      `target with 1,000,000: under ${TARGET_MS} ms: ${worst < TARGET_MS ? 'met' : 'MISSED'} at ${options.messages}`,
    ],
    data: { messages: options.messages, fillSeconds: filled.seconds, starts: data },
  };
  onTable(table);
};
