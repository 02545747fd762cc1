import { setTimeout as sleep } from 'node:timers/promises';
import { type Entry, profileOf, REST_MS, withServer } from '../contest.ts';
import { mebibytes, short } from '../report.ts';
import type { Server } from '../servers.ts';
import type { Scenario } from './scenario.ts';

const ROOMS = 10;
const MISSED = 300;

/**
 * Admission is what is looked at, so limits are on; but all clients come from one address, and the senders of what is
 * missed send fast.
 */
const LIMITS = [
  ...['handshakes', 'sign_ins', 'guests', 'joins', 'messages', 'commands', 'packets', 'address_syncs'].map(
    (name) => `${name}_burst=100000`,
  ),
  'connections_per_address=100000',
].join(',');

/** The event-loop delay at p99 that the server itself reports, in milliseconds; NaN when it does not. */
async function loopDelay(server: Server): Promise<number> {
  for (const [sample, value] of await server.metrics()) {
    if (/eventloop_lag_p99_seconds/.test(sample)) return value * 1000;
  }
  return Number.NaN;
}

/** All clients lose their connection, miss 300 messages each, and come back in the same moment. */
export const storm: Scenario = async (options, _findings, onTable) => {
  const clients = options.connections ?? 1000;
  const entry: Entry = {
    label: 'sohbet',
    name: 'sohbet',
    options: { limits: LIMITS, ...profileOf(options) },
  };
  const connect = { connections: clients + ROOMS, rooms: ROOMS, body: options.body };
  await withServer(entry, connect, async (server, client) => {
    const before = server.rss;
    const result = await client.request({ op: 'storm', missed: MISSED });
    const due = result.clients * MISSED;
    const delay = await loopDelay(server);
    await sleep(REST_MS);
    const rested = server.rss;
    onTable({
      title: `storm: ${result.clients} clients in ${ROOMS} rooms reconnect at once, ${MISSED} messages missed each`,
      columns: [
        'server',
        'all live s',
        'client p50 ms',
        'client p99 ms',
        'deferred',
        'server CPU s',
        'RSS before MiB',
        'at its end',
        `${REST_MS / 1_000} s later`,
        'loop p99 ms',
      ],
      rows: [
        [
          'sohbet',
          short(result.seconds),
          short(result.client.p50),
          short(result.client.p99),
          String(result.deferred),
          short(result.server.cpuSeconds),
          mebibytes(before),
          mebibytes(result.server.rss),
          mebibytes(rested),
          short(delay),
        ],
      ],
      notes: [
        'deferred: attempts that the server told to come later, and that did',
        ...(result.messages === due ? [] : [`FAULT: ${result.messages} messages came, ${due} were due`]),
      ],
      data: { ...result, loopDelayMs: delay, before, rested },
    });
  });
};
