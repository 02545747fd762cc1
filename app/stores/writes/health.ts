import type { Wanted } from '../known-rows.ts';
import { write } from '../write.ts';

const PROBE = 'probe';

/** Looks whether the database can be written. */
export const healthWrites = {
  /** Writes the time of the look, in milliseconds since 1970. */
  probeWrite: write({
    counters: (_: { readonly at: number }) => [PROBE],
    reads: (): Wanted[] => [['counters', 'id', PROBE]],
    run(tx, { at }): void {
      const counter = tx.get('counters', 'id', PROBE);
      if (counter === undefined) tx.insert('counters', { name: PROBE, value: at });
      else tx.update('counters', counter, { value: at });
    },
  }),
};
