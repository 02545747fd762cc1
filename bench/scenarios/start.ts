import { setTimeout as sleep } from 'node:timers/promises';
import { LoadClient } from '../load-client.ts';
import { mebibytes, short, type Table } from '../report.ts';
import { Server } from '../servers.ts';
import type { Scenario } from './scenario.ts';

const ROOMS = 100;
const WINDOW = 16;
const TARGET_MS = 3_000;
const STARTS = 3;

/** How long a server takes from the start of its process to its first answers when much is stored. */
export const start: Scenario = async (options, _findings, onTable) => {
  const first = await Server.start('sohbet');
  const client = new LoadClient(first);
  let filled = { seconds: 0 };
  try {
    await client.request({ op: 'connect', port: first.port, connections: ROOMS, rooms: ROOMS, body: options.body });
    filled = await client.request({ op: 'fill', messages: options.messages, window: WINDOW });
  } finally {
    await client.stop();
    await first.stop({ politely: true, keepFolder: true });
  }
  const rows: string[][] = [];
  const data: object[] = [];
  const times: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    const server = await Server.start('sohbet', { folder: first.folder });
    const visitor = new LoadClient(server);
    try {
      const begin = performance.now();
      await visitor.request({ op: 'connect', port: server.port, connections: 1, rooms: 1, body: options.body });
      const visit = performance.now() - begin;
      times.push(server.readyMs);
      rows.push([String(i + 1), short(server.readyMs), short(visit), mebibytes(server.rss)]);
      data.push({ readyMs: server.readyMs, visitMs: visit, rss: server.rss });
      await sleep(100);
    } finally {
      await visitor.stop();
      await server.stop({ politely: true, keepFolder: i < STARTS - 1 });
    }
  }
  const worst = Math.max(...times);
  const table: Table = {
    title: `start: ${options.messages} messages stored in ${ROOMS} rooms (filled through the server in ${short(filled.seconds)} s)`,
    columns: ['start', 'process to first answer ms', 'then sign in and make a room ms', 'RSS MiB'],
    rows,
    notes: [
      `target with 1,000,000: under ${TARGET_MS} ms: ${worst < TARGET_MS ? 'met' : 'MISSED'} at ${options.messages}`,
    ],
    data: { messages: options.messages, fillSeconds: filled.seconds, starts: data },
  };
  onTable(table);
};
