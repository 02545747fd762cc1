import type { Logger } from '../core/logger.ts';
import type { Store, StoreProbe } from '../stores/store.ts';

/** How a part of the server fares. */
type State = 'up' | 'degraded' | 'down';

/** How the whole server fares. */
export interface HealthReport {
  readonly status: State;
  readonly services: { readonly api: State; readonly socketio: State; readonly store: State };
  readonly culprit?: 'store';
}

const INTERVAL_MS = 5_000;

/** Probes the store every five seconds; who asks reads the last result. A probe that does not return is a failed one. */
export class StoreHealth {
  readonly #store: Store;
  readonly #logger: Logger;
  #state: State = 'up';
  #timer: NodeJS.Timeout | undefined;

  constructor(store: Store, logger: Logger) {
    this.#store = store;
    this.#logger = logger;
  }

  /** Probes once, and from then on every five seconds. */
  async start(): Promise<void> {
    await this.#probe();
    this.#timer = setInterval(() => void this.#probe(), INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** The result of the last probe. */
  read(): HealthReport {
    const services = { api: 'up', socketio: 'up', store: this.#state } as const;
    return this.#state === 'up' ? { status: 'up', services } : { status: this.#state, services, culprit: 'store' };
  }

  async #probe(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<StoreProbe>((resolve) => {
      timer = setTimeout(() => resolve({ readable: false, writable: false, reason: 'no answer' }), INTERVAL_MS - 500);
    });
    const { readable, writable, reason } = await Promise.race([this.#store.probe(), late]);
    clearTimeout(timer);
    const state = !readable ? 'down' : writable ? 'up' : 'degraded';
    if (state !== this.#state)
      this.#logger[state === 'up' ? 'info' : 'error']({ state, reason }, 'the store changed its state');
    this.#state = state;
  }
}
