import { ask, sql } from '../query.ts';
import { read } from '../read.ts';

const AHEAD = 'SELECT id FROM rooms WHERE active_at > ? ORDER BY active_at DESC, id DESC LIMIT ?';

/** What is read of times that lie in the future. */
export const timeReads = {
  /** Rooms whose activity lies after a time, newest first. */
  roomsAhead: read(function* ({ at, limit }: { at: number; limit: number }) {
    const [rows] = yield* ask(sql<{ id: string }>(AHEAD, at, limit));
    return rows.map(({ id }) => id);
  }),
};
