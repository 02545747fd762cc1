import type { Logger } from '../core/logger.ts';
import type { Store } from '../stores/store.ts';
import type { Presence } from './presence.ts';

/** Whose times are settled, and by which clock. */
export interface TimesOptions {
  readonly store: Pick<Store, 'times'>;
  readonly presence: Pick<Presence, 'settleTimes'>;
  /** The clock, in milliseconds since 1970, which tells when it is set back, and by how many milliseconds. */
  readonly clock: { readonly now: () => number; onBack: (at: number, by: number) => void };
  readonly logger: Logger;
}

/** When it tries again what the store could not do, in milliseconds. */
const RETRY_MS = 10_000;

/**
 * Sets times that lie in the future to now, at the start and whenever the clock is set back: else what happened while it
 * was ahead would count as the newest for as long as it was.
 * @returns what ends it
 */
export function settleTimes({ store, presence, clock, logger }: TimesOptions): () => void {
  let retry: NodeJS.Timeout | undefined;
  let ended = false;
  const settle = () => {
    clearTimeout(retry);
    settleStored(store, clock.now()).catch((error: unknown) => {
      logger.warn({ err: error }, 'times in the future could not be set to now');
      if (!ended) retry = setTimeout(settle, RETRY_MS).unref();
    });
  };
  clock.onBack = (at, by) => {
    logger.warn({ seconds: by / 1_000 }, 'the clock was set back');
    presence.settleTimes(at);
    settle();
  };
  settle();
  return () => {
    ended = true;
    clearTimeout(retry);
  };
}

/** So many rooms are set in one transaction. */
const ROOMS_SET = 1_000;

/** Sets the times in the store that lie after `at`; the rooms keep the order that they were in. */
async function settleStored({ times }: Pick<Store, 'times'>, at: number): Promise<void> {
  await times.settleUsers({ at });
  for (let place = 0; ; place += ROOMS_SET) {
    const room_ids = await times.roomsAhead({ at, limit: ROOMS_SET });
    // Also with none: the room that was active last may be gone, and no other shall take its time for now.
    await times.settleRooms({ room_ids, place, at });
    if (room_ids.length < ROOMS_SET) return;
  }
}

/**
 * The clock for what expires, which may be behind, as on a machine that does not keep the time while it is off: what is
 * counted from too early is void once the clock is right, what is counted from too late lasts longer and does no harm.
 * @param about `installedAt`: when this program came to this machine, in milliseconds since 1970
 * @returns `seenNow` for when users are seen: no earlier than the program; `issuedNow` for tokens: nor than when any user
 *   was seen before
 */
export async function soundTimes(about: {
  readonly store: Pick<Store, 'users'>;
  readonly now: () => number;
  readonly installedAt: number;
  readonly logger: Logger;
}): Promise<{ readonly seenNow: () => number; readonly issuedNow: () => number }> {
  const { store, now, installedAt, logger } = about;
  const newestSeen = await store.users.newestSeen().catch((error: unknown) => {
    logger.warn({ err: error }, 'when users were last seen could not be read');
    return 0;
  });
  const from = Math.floor(installedAt);
  return { seenNow: () => Math.max(now(), from), issuedNow: () => Math.max(now(), from, newestSeen) };
}
