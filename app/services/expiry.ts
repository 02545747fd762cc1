import type { Logger } from '../core/logger.ts';
import type { Store } from '../stores/store.ts';
import { AgreedTime, type Clocks } from './agreed-time.ts';
import type { Sessions } from './session.ts';
import { TOKEN_LIFETIME_MS } from './token.ts';

/** What {@link Expiry} looks at and acts on. */
export interface ExpiryOptions extends Clocks {
  readonly store: Pick<Store, 'users'>;
  readonly sessions: Pick<Sessions, 'revoked'>;
  readonly logger: Logger;
}

const HOUR_MS = 60 * 60 * 1_000;

/** Beyond a token's life: when a user was last seen is not kept to the second. */
const MARGIN_MS = 24 * HOUR_MS;

const USERS_A_STEP = 100;

/** Retires guests whose token has expired, since they can never come back, and forgets what expired tokens were revoked. */
export class Expiry {
  readonly #options: ExpiryOptions;
  readonly #time: AgreedTime;
  #timer: NodeJS.Timeout | undefined;
  #checking: Promise<void> = Promise.resolve();
  #ended = false;

  constructor(options: ExpiryOptions) {
    this.#options = options;
    this.#time = new AgreedTime(options);
  }

  /** Looks now, and from then on every hour. */
  start(): void {
    const look = () => {
      this.#checking = this.#checking
        .then(() => this.check())
        .catch((error: unknown) => {
          this.#options.logger.warn({ err: error }, 'guests whose token has expired were not all retired');
        });
    };
    look();
    this.#timer = setInterval(look, HOUR_MS).unref();
  }

  /** Retires whom it finds, if a day of uptime has passed since it last looked. */
  async check(): Promise<void> {
    const time = this.#time.read();
    if (time === undefined) return;
    const { store, sessions, now } = this.#options;
    await store.users.forgetRevoked({ expired_before: time });
    const before = time - TOKEN_LIFETIME_MS - MARGIN_MS;
    for (;;) {
      const users = await store.users.unseen({ before, limit: USERS_A_STEP });
      if (users.length === 0) return;
      for (const { id: user_id, username } of users) {
        if (this.#ended) return;
        const retired = await store.users.retireUnseen({ user_id, unseen_since: before, at: now() });
        if (retired) sessions.revoked({ user_id, username, retired });
      }
    }
  }

  /** Stops between two users. */
  async close(): Promise<void> {
    this.#ended = true;
    clearInterval(this.#timer);
    await this.#checking;
  }
}
