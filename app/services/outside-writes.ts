import type { Logger } from '../core/logger.ts';
import type { Store } from '../stores/store.ts';
import type { Chores } from './chores.ts';
import type { Tail } from './log/tail.ts';
import type { Sessions } from './session.ts';

/** What is told of writes from outside. */
export interface WatchOptions {
  readonly store: Store;
  readonly tail: Tail;
  readonly sessions: Sessions;
  readonly chores: Chores;
  readonly logger: Logger;
}

/** When it tries again to read what it could not, in milliseconds. */
const RETRY_MS = 1_000;

/**
 * Takes up what another process has written, such as a command-line tool: new entries of rooms, revoked tokens,
 * deleted rooms.
 * @returns once it watches, what ends it; what was written before is no news to a server that has just started
 */
export async function watchOutsideWrites({ store, tail, sessions, chores, logger }: WatchOptions): Promise<() => void> {
  // Where that cannot be read, old ones are taken up too, which changes nothing: nobody is here yet.
  let seen = await store.notices.newest().catch((error: unknown) => {
    logger.error({ err: error }, 'what another process wrote could not be read');
    return 0;
  });
  let running: Promise<void> = Promise.resolve();
  let retry: NodeJS.Timeout | undefined;
  let ended = false;

  async function takeUp(): Promise<void> {
    for (const notice of await store.notices.after({ after: seen })) {
      seen = notice.number;
      switch (notice.kind) {
        case 'token_revoked':
        case 'tokens_revoked':
          sessions.revoked(notice);
          break;
        case 'room_deleted':
          tail.deleteRoom(notice.room_id);
          break;
      }
    }
    chores.wake();
    await tail.catchUp();
  }

  function schedule(): void {
    clearTimeout(retry);
    running = running.then(takeUp).catch((error: unknown) => {
      logger.error({ err: error }, 'what another process wrote could not be read');
      if (!ended) retry = setTimeout(schedule, RETRY_MS).unref();
    });
  }

  store.onOutsideWrite(schedule);
  return () => {
    ended = true;
    clearTimeout(retry);
  };
}
