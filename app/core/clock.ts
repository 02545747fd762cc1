/** What a {@link Clock} reads. */
export interface Clocks {
  /** The clock that may be set, in milliseconds since 1970. */
  readonly wall: () => number;
  /** One that only ever goes on, in milliseconds. */
  readonly uptime: () => number;
}

/** Less than this is no step: the two are not read at the same moment. */
const STEP_MS = 250;

/** The time of day, which notices by itself, as it is read, when the machine's clock is set back. */
export class Clock {
  /** Told the new time, before anybody else is told it, and how far it was set back, both in milliseconds. */
  onBack: (at: number, by: number) => void = () => {};
  readonly #clocks: Clocks;
  #ahead: number;

  constructor(clocks: Clocks = { wall: Date.now, uptime: () => performance.now() }) {
    this.#clocks = clocks;
    this.#ahead = clocks.wall() - clocks.uptime();
  }

  /** The time in whole milliseconds since 1970. */
  readonly now = (): number => {
    const at = this.#clocks.wall();
    const ahead = at - this.#clocks.uptime();
    const by = this.#ahead - ahead;
    if (by < 0) this.#ahead = ahead;
    else if (by > STEP_MS) {
      this.#ahead = ahead;
      this.onBack(at, Math.round(by));
    }
    return at;
  };
}
