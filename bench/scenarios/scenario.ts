import type { Options } from '../options.ts';
import type { Table } from '../report.ts';

/** What scenarios of one run tell each other. */
export interface Findings {
  /** The deliveries a second that stock Socket.IO reached, by number of rooms. */
  stockTop: Map<number, number>;
}

/** One scenario: runs, and hands each table over as soon as it is there. */
export type Scenario = (options: Options, findings: Findings, onTable: (table: Table) => void) => Promise<void>;
