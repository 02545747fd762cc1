import type { Logger } from '../core/logger.ts';
import type { Store } from '../stores/store.ts';
import type { Sessions } from './session.ts';
import type { Tail } from './tail.ts';

/** What watching needs. */
export interface WatchOptions {
  readonly store: Store;
  readonly tail: Tail;
  readonly sessions: Sessions;
  readonly logger: Logger;
}

/**
 * Takes up what another process has written, such as a command-line tool: new entries of rooms, revoked tokens,
 * deleted rooms.
 * @returns once it watches; what was written before is no news to a server that has just started
 */
export async function watchOutsideWrites({ store, tail, sessions, logger }: WatchOptions): Promise<void> {
  let seen = await store.newestNotice();
  let running: Promise<void> = Promise.resolve();

  async function takeUp(): Promise<void> {
    for (const notice of await store.notices({ after: seen })) {
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
    await tail.catchUp();
  }

  store.onOutsideWrite(() => {
    running = running.then(takeUp).catch((error: unknown) => {
      logger.error({ err: error }, 'what another process wrote could not be read');
    });
  });
}
