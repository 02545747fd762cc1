import { setTimeout as sleep } from 'node:timers/promises';
import { type Entry, entriesOf, REST_MS } from '../contest.ts';
import { LoadClient } from '../load-client.ts';
import type { Options } from '../options.ts';
import { kibibytes, mebibytes, type Table } from '../report.ts';
import { type Memory, productionFlags, Server } from '../servers.ts';
import type { Scenario } from './scenario.ts';

const ROOMS = 100;

interface Footprint {
  label: string;
  flags: string;
  before: Memory;
  /** What is resident after the silence, with nothing collected by force, in bytes. */
  restRss: number;
  after: Memory;
  perConnection: Memory;
}

async function footprint(entry: Entry, connections: number, body: number): Promise<Footprint> {
  const server = await Server.start(entry.name, { ...entry.options, collectable: true });
  const client = new LoadClient(server);
  try {
    const before = await server.collect();
    await client.request({ op: 'connect', port: server.port, connections, rooms: Math.min(ROOMS, connections), body });
    await sleep(REST_MS);
    const restRss = server.rss;
    const after = await server.collect();
    const each = (key: keyof Memory) => (after[key] - before[key]) / connections;
    const flags = [...(entry.options?.flags ?? []), ...(entry.name === 'sohbet' ? productionFlags() : [])].join(' ');
    const perConnection = { rss: each('rss'), heapUsed: each('heapUsed'), external: each('external') };
    return { label: entry.label, flags: flags || 'none', before, restRss, after, perConnection };
  } finally {
    await client.stop();
    await server.stop();
  }
}

/** Stock without flags, Sohbet with those of `npm start`, and stock with the same when there are any. */
function entries(options: Options): Entry[] {
  const list = entriesOf(options, ['stock', 'sohbet']);
  const flags = productionFlags();
  if (flags.length > 0 && options.servers.includes('stock')) {
    list.splice(1, 0, { label: 'stock, same flags', name: 'stock', options: { flags } });
  }
  return list;
}

/** Memory a connection: signed in, in a room, silent for a while. Each server alone, at rest and after two forced collections. */
export const idle: Scenario = async (options, _findings, onTable) => {
  const connections = options.connections ?? 2000;
  const found: Footprint[] = [];
  for (const entry of entries(options)) found.push(await footprint(entry, connections, options.body));
  const table: Table = {
    title: `idle: ${connections} connections in ${Math.min(ROOMS, connections)} rooms, after ${REST_MS / 1_000} s of silence, then after two forced collections`,
    columns: [
      'server',
      'RSS before MiB',
      'RSS at rest MiB',
      'RSS after MiB',
      'at rest KiB/conn',
      'RSS KiB/conn',
      'heap KiB/conn',
      'external KiB/conn',
    ],
    rows: found.map((one) => [
      one.label,
      mebibytes(one.before.rss),
      mebibytes(one.restRss),
      mebibytes(one.after.rss),
      kibibytes((one.restRss - one.before.rss) / connections),
      kibibytes(one.perConnection.rss),
      kibibytes(one.perConnection.heapUsed),
      kibibytes(one.perConnection.external),
    ]),
    notes: [`flags: ${found.map((one) => `${one.label}: ${one.flags}`).join('; ')} (and --expose-gc for all)`],
    data: { connections, found },
  };
  const stock = found.filter((one) => one.label.startsWith('stock'));
  const sohbet = found.find((one) => one.label === 'sohbet');
  const [plain] = stock;
  const equal = stock.at(-1);
  if (sohbet && plain && equal) {
    const rss = sohbet.perConnection.rss / plain.perConnection.rss;
    const heap = sohbet.perConnection.heapUsed / equal.perConnection.heapUsed;
    table.notes.push(`sohbet / stock: RSS a connection ${rss.toFixed(2)}, heap at equal flags ${heap.toFixed(2)}`);
  }
  onTable(table);
};
