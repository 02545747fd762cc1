/** A place that is so far behind is always written, in milliseconds. */
const STEP_MS = 1_000;
/** So many others are written a second. */
const PER_SECOND = 50;

/**
 * When the place of a room in lists by activity is written anew. It stands in an index, and costs a page and more a
 * write: so it is left as it is while the room stands first anyway, and in a busy server while it is less than a second
 * behind. One for all writes of a process.
 */
export class Activity {
  /** The newest activity that was written, in milliseconds since 1970; nothing is known of what was before. */
  #newest = Number.POSITIVE_INFINITY;
  #second = 0;
  #left = PER_SECOND;

  /**
   * @param active_at when something was done in the room, as it is written
   * @param at when something is done in it
   * @returns what is to be written, no older than what was written before, though the clock says so; null: nothing
   */
  next(active_at: number, at: number): number | null {
    if (at - active_at < STEP_MS && (active_at >= this.#newest || !this.#takes(at))) return null;
    return this.note(at);
  }

  /** Call with the activity of a new room, or one that is to stand first. @returns what is to be written */
  note(at: number): number {
    this.#newest = Number.isFinite(this.#newest) ? Math.max(this.#newest + 1, at) : at;
    return this.#newest;
  }

  /** Call when what lies in the future was set to a time. */
  settle(at: number): void {
    this.#newest = at;
  }

  #takes(at: number): boolean {
    const second = Math.floor(at / STEP_MS);
    if (second !== this.#second) {
      this.#second = second;
      this.#left = PER_SECOND;
    }
    if (this.#left === 0) return false;
    this.#left--;
    return true;
  }
}
