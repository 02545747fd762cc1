import type { Report, RunOptions } from './run.ts';

/** A way in which things go wrong while clients talk. */
export interface Scenario {
  readonly name: string;
  /** How often its fault strikes in the quick form. */
  readonly strikes: number;
  /** How many commands are acknowledged before each strike, in the quick form. */
  readonly load: number;
  run(options: RunOptions): Promise<Report>;
}
