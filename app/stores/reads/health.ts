import { ask, sql } from '../query.ts';
import { read } from '../read.ts';

const EPOCH = "SELECT value FROM meta WHERE key = 'epoch'";

/** What tells whether the database can be read. */
export const healthReads = {
  /** Reads something. */
  probeRead: read<void, void>(function* () {
    yield* ask(sql(EPOCH));
  }),
};
