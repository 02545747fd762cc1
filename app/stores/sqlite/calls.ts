import { adminReads, adminWrites } from './admin.ts';
import type { Database } from './database.ts';
import { erasureReads, erasureWrites } from './erasure.ts';
import { messageReads, messageWrites, type Written } from './message.ts';
import { noticeReads } from './notice.ts';
import { pruneReads, pruneWrites } from './prune.ts';
import { retirementReads, retirementWrites } from './retirement.ts';
import { roomReads, roomWrites } from './room.ts';
import type { RoomCache } from './room-cache.ts';
import { userReads, userWrites } from './user.ts';

/** Everything the writer can be asked, by name. */
export function writeCalls(db: Database, rooms: RoomCache) {
  return {
    ...userWrites(db, rooms),
    ...retirementWrites(db, rooms),
    ...roomWrites(db, rooms),
    ...messageWrites(db, rooms),
    ...adminWrites(db, rooms),
    ...erasureWrites(db, rooms),
    ...pruneWrites(db),
    settleTimes({ at }: { at: number }): Written<null> {
      rooms.settle(at);
      db.run('UPDATE users SET connected_at = ? WHERE connected_at > ?', at, at);
      db.run('UPDATE users SET last_activity = ? WHERE last_activity > ?', at, at);
      // Not `seen_at`: a clock that is behind for a moment would make everybody someone to be retired.
      return { value: null, entries: [] };
    },
    probeWrite(at: number): null {
      db.run(
        "INSERT INTO meta VALUES ('probed_at', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        String(at),
      );
      return null;
    },
  };
}

/** Everything the reader can be asked, by name. */
export function readCalls(db: Database) {
  return {
    ...userReads(db),
    ...retirementReads(db),
    ...roomReads(db),
    ...messageReads(db),
    ...noticeReads(db),
    ...adminReads(db),
    ...erasureReads(db),
    ...pruneReads(db),
    probeRead(): null {
      db.get("SELECT value FROM meta WHERE key = 'epoch'");
      return null;
    },
  };
}

/** The names, inputs and replies of the writer's calls. */
export type WriteCalls = ReturnType<typeof writeCalls>;
/** The names, inputs and replies of the reader's calls. */
export type ReadCalls = ReturnType<typeof readCalls>;
