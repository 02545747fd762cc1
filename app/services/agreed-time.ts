/** What {@link AgreedTime} reads. */
export interface Clocks {
  /** The clock that may be set wrongly, in milliseconds since 1970. */
  readonly now: () => number;
  /** One that only ever goes on, in milliseconds. */
  readonly uptime: () => number;
}

const DAY_MS = 24 * 60 * 60 * 1_000;

/**
 * A time that may be trusted with what cannot be undone: a clock that is set wrongly for less than a day does not move it
 * forwards. It is the earlier of two readings, a day of uptime apart.
 */
export class AgreedTime {
  readonly #clocks: Clocks;
  readonly #apartMs: number;
  #first: { readonly at: number; readonly uptime: number } | undefined;

  constructor(clocks: Clocks, apartMs = DAY_MS) {
    this.#clocks = clocks;
    this.#apartMs = apartMs;
  }

  /** Call every hour or so: the time, in milliseconds since 1970; undefined until a day after the one before. */
  read(): number | undefined {
    const at = this.#clocks.now();
    const uptime = this.#clocks.uptime();
    const first = this.#first;
    if (first !== undefined && uptime - first.uptime < this.#apartMs) return undefined;
    this.#first = { at, uptime };
    return first && Math.min(first.at, at);
  }
}
