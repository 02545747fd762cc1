import type { Logger } from '../core/logger.ts';
import type { Store, StoreFault } from '../stores/store.ts';

/** How a part of the server fares. */
type State = 'up' | 'degraded' | 'down';

/** Why the store is not up; `no_answer`: it has not said in time. */
type Reason = StoreFault | 'no_answer';

/** How the whole server fares. */
export interface HealthReport {
  readonly status: State;
  readonly services: { readonly api: State; readonly socketio: State; readonly store: State };
  readonly culprit?: 'store';
  readonly reason?: Reason;
}

const INTERVAL_MS = 5_000;
/** While it is not up, so that it is soon seen that it is again. */
const ANXIOUS_MS = 1_000;
const PATIENCE_MS = 4_500;

/** A way to ask the store; while it has not answered it is not asked again. */
class Probe {
  readonly #ask: () => Promise<Reason | undefined>;
  #underWay: Promise<Reason | undefined> | undefined;
  #last: Reason | undefined;

  constructor(ask: () => Promise<Reason | undefined>) {
    this.#ask = ask;
  }

  /** What it meets, waiting for a while; when that is not enough, what it met the last time, if anything. */
  async run(): Promise<Reason | undefined> {
    this.#underWay ??= this.#ask().then((reason) => {
      this.#underWay = undefined;
      this.#last = reason;
      return reason;
    });
    const { promise: late, resolve } = Promise.withResolvers<Reason>();
    const timer = setTimeout(() => resolve(this.#last ?? 'no_answer'), PATIENCE_MS);
    const found = await Promise.race([this.#underWay, late]);
    clearTimeout(timer);
    return found;
  }
}

/**
 * Probes the store every five seconds, and every second while it is not up; who asks reads the last result. Reads and writes are probed apart, since a
 * write may wait long for a lock that another process holds while everything can be read.
 */
export class StoreHealth {
  readonly #store: Store;
  readonly #logger: Logger;
  readonly #reading: Probe;
  readonly #writing: Probe;
  #unreadable: Reason | undefined;
  #unwritable: Reason | undefined;
  #state: State = 'up';
  #reason: Reason | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(store: Store, logger: Logger) {
    this.#store = store;
    this.#logger = logger;
    this.#reading = new Probe(() => store.probeRead());
    this.#writing = new Probe(() => store.probeWrite());
  }

  /** Probes once, and from then on again and again. */
  async start(): Promise<void> {
    const began = performance.now();
    await this.#probe();
    if (this.#isStopped) return;
    const interval = this.#state === 'up' ? INTERVAL_MS : ANXIOUS_MS;
    const spent = performance.now() - began;
    this.#timer = setTimeout(() => void this.start(), Math.max(interval - spent, 0));
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** The result of the last probe; damage shows as soon as it is met. */
  read(): HealthReport {
    this.#judge();
    const services = { api: 'up', socketio: 'up', store: this.#state } as const;
    const report = { status: this.#state, services };
    return this.#reason === undefined ? report : { ...report, culprit: 'store', reason: this.#reason };
  }

  async #probe(): Promise<void> {
    [this.#unreadable, this.#unwritable] = await Promise.all([this.#reading.run(), this.#writing.run()]);
    this.#judge();
  }

  #judge(): void {
    // What is damaged stays so until somebody mends it, though the probes may not meet it.
    const reason = this.#unreadable ?? this.#unwritable ?? (this.#store.isDamaged ? 'damaged' : undefined);
    const state = this.#unreadable !== undefined ? 'down' : reason !== undefined ? 'degraded' : 'up';
    if (state === this.#state && reason === this.#reason) return;
    this.#state = state;
    this.#reason = reason;
    this.#logger[state === 'up' ? 'info' : 'error']({ state, reason }, 'the store changed its state');
  }
}
