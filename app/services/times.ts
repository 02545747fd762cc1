import type { Logger } from '../core/logger.ts';
import type { Store } from '../stores/store.ts';
import type { Presence } from './presence.ts';

/** What settling times needs. */
export interface TimesOptions {
  readonly store: Pick<Store, 'settleTimes'>;
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
    store.settleTimes({ at: clock.now() }).catch((error: unknown) => {
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
