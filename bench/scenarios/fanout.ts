import { contest, entriesOf, faults, lineTitle, overStores, type Round, ratiosOf, windowOf } from '../contest.ts';
import type { Options } from '../options.ts';
import type { Line } from '../postgres.ts';
import { mebibytes, median, short, spread, type Table } from '../report.ts';
import { SERVERS } from '../servers.ts';
import type { Findings, Scenario } from './scenario.ts';

/** The columns of {@link loadRow}. */
export const LOAD_COLUMNS = [
  'server',
  'deliveries/s',
  'messages/s',
  'acks/s',
  'p50 ms',
  'p99 ms',
  'server CPU s/s',
  'deliveries/CPU s',
  'RSS MiB',
  'client CPU s/s',
];

/** Deliveries a second, round by round. */
export const deliveryRates = (rounds: Round[]) => rounds.map((round) => round.deliveries / round.seconds);

/** Deliveries for each second of processor time of the server: what is left of the comparison on a busy machine. */
const deliveriesByCpu = (rounds: Round[]) => rounds.map((round) => round.deliveries / round.seconds / round.server.cpu);

/** Acknowledged messages a second, round by round. */
export const acknowledgedRates = (rounds: Round[]) => rounds.map((round) => round.acknowledged / round.seconds);

/** A row of medians of one server under load. */
export function loadRow(label: string, rounds: Round[]): string[] {
  const middle = (pick: (round: Round) => number) => median(rounds.map(pick));
  return [
    label,
    spread(deliveryRates(rounds)),
    short(middle((round) => round.sent / round.seconds)),
    short(middle((round) => round.acknowledged / round.seconds)),
    short(middle((round) => round.delivery.p50)),
    short(middle((round) => round.delivery.p99)),
    short(middle((round) => round.server.cpu)),
    short(median(deliveriesByCpu(rounds))),
    mebibytes(middle((round) => round.server.rss)),
    short(middle((round) => round.clientCpu)),
  ];
}

/** Closed loop: one sender a room keeps a window of messages outstanding; how many deliveries a second come of it? */
export const fanout: Scenario = (options, findings, onTable) =>
  overStores(options, async (line) => {
    for (const rooms of options.rooms) onTable(await measure(options, findings, { rooms, line }));
  });

async function measure(
  options: Options,
  findings: Findings,
  { rooms, line }: { rooms: number; line: Line | undefined },
): Promise<Table> {
  const connections = options.connections ?? 1000;
  const window = windowOf(rooms, options);
  const results = await contest(entriesOf(options, SERVERS, line), {
    connect: { connections, rooms, body: options.body },
    measurement: { op: 'closed', window, seconds: options.seconds },
    rounds: options.rounds,
  });
  const table: Table = {
    title: `fanout: rooms=${rooms} window=${window} connections=${connections} body=${options.body} B${lineTitle(line)}`,
    columns: LOAD_COLUMNS,
    rows: [...results].map(([label, rounds]) => loadRow(label, rounds)),
    notes: [
      ...ratiosOf('deliveries/s', results, deliveryRates),
      ...ratiosOf('deliveries/CPU s', results, deliveriesByCpu),
    ],
    data: { rooms, window, connections, rounds: Object.fromEntries(results) },
  };
  const stock = results.get('stock');
  if (stock) findings.stockTop.set(rooms, median(deliveryRates(stock)));
  for (const [label, rounds] of results) table.notes.push(...faults(label, rounds));
  return table;
}
