import { contest, entriesOf, faults, ratiosOf, windowOf } from '../contest.ts';
import { median, short, type Table } from '../report.ts';
import { deliveryRates, LOAD_COLUMNS, loadRow } from './fanout.ts';
import type { Scenario } from './scenario.ts';

const TOP_ROUNDS = 3;

/** Open loop at half of the rate that stock Socket.IO reaches: who takes longer when neither is pressed? */
export const half: Scenario = async (options, findings, onTable) => {
  const connections = options.connections ?? 1000;
  for (const rooms of options.rooms) {
    const connect = { connections, rooms, body: options.body };
    const notes: string[] = [];
    let top = findings.stockTop.get(rooms);
    if (top === undefined) {
      const found = await contest([{ label: 'stock', name: 'stock' }], {
        connect,
        measurement: { op: 'closed', window: windowOf(rooms, options), seconds: options.seconds },
        rounds: Math.min(TOP_ROUNDS, options.rounds),
      });
      const rounds = found.get('stock') ?? [];
      notes.push(...faults('stock at its top', rounds));
      top = median(deliveryRates(rounds));
      findings.stockTop.set(rooms, top);
    }
    const rate = top / 2 / (connections / rooms);
    const results = await contest(entriesOf(options, ['stock', 'sohbet']), {
      connect,
      measurement: { op: 'open', rate, seconds: options.seconds },
      rounds: options.rounds,
    });
    const table: Table = {
      title: `half: rooms=${rooms} connections=${connections}, ${short(rate)} messages/s (half of stock's top)`,
      columns: LOAD_COLUMNS,
      rows: [...results].map(([label, rounds]) => loadRow(label, rounds)),
      notes,
      data: { rooms, rate, connections, rounds: Object.fromEntries(results) },
    };
    notes.push(...ratiosOf('p99', results, (rounds) => rounds.map((round) => round.delivery.p99)));
    for (const [label, rounds] of results) notes.push(...faults(label, rounds));
    onTable(table);
  }
};
