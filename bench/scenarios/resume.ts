import { withServer } from '../contest.ts';
import { mebibytes, short, type Table } from '../report.ts';
import type { Scenario } from './scenario.ts';

const MISSED = [1_000, 10_000];
const REPEATS = 20;
const WINDOW = 256;
const TARGET_MS = 50;

/** A client that was away fetches what it missed in one room: how long does the server take for it? */
export const resume: Scenario = async (options, _findings, onTable) => {
  const connect = { connections: 2, rooms: 1, body: options.body };
  const rows: string[][] = [];
  const notes = [
    'whole: the sum over the pages of the time from request to the last byte, the transport included,',
    "the client's own parsing not; server CPU: of all its threads, for one whole catch-up",
  ];
  const data: object[] = [];
  await withServer({ label: 'sohbet', name: 'sohbet' }, connect, async (_server, client) => {
    await client.request({ op: 'fill', messages: Math.max(...MISSED), window: WINDOW });
    for (const missed of MISSED) {
      const result = await client.request({ op: 'resume', missed, repeats: REPEATS });
      rows.push([
        String(missed),
        short(result.whole.p50),
        short(result.whole.p99),
        String(result.pages / REPEATS),
        short(result.page.p50),
        short((result.server.cpuSeconds / REPEATS) * 1000),
        mebibytes(result.bytes / REPEATS),
      ]);
      data.push({ missed, ...result });
      if (result.messages !== missed * REPEATS) {
        notes.push(`FAULT: ${result.messages} messages came, ${missed * REPEATS} were due`);
      }
      if (missed === MISSED[0]) {
        const verdict = result.whole.p50 < TARGET_MS ? 'met' : 'MISSED';
        notes.push(`target: ${missed} messages under ${TARGET_MS} ms: ${verdict}`);
      }
    }
  });
  const table: Table = {
    title: `resume: sync of missed messages in one room, ${REPEATS} times`,
    columns: ['missed', 'whole p50 ms', 'whole p99 ms', 'pages', 'page p50 ms', 'server CPU ms', 'MiB'],
    rows,
    notes,
    data,
  };
  onTable(table);
};
