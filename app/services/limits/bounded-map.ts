/** State that is kept for a key while somebody holds it, or while it still matters. */
export interface Kept {
  /** How many hold it. */
  held: number;
}

/**
 * A bounded map of state by key. What nobody holds is forgotten once `idle` says that it no longer matters, and when
 * there are too many keys the oldest that nobody holds goes: a flood of new keys cannot fill the memory.
 */
export class BoundedMap<T extends Kept> {
  readonly #entries = new Map<string, T>();
  readonly #create: () => T;
  readonly #idle: (state: T, now: number) => boolean;
  readonly #max: number;

  constructor(options: { create: () => T; idle: (state: T, now: number) => boolean; max: number }) {
    this.#create = options.create;
    this.#idle = options.idle;
    this.#max = options.max;
  }

  /** How many keys are kept. */
  get size(): number {
    return this.#entries.size;
  }

  /** The state of a key, if it is kept. */
  peek(key: string): T | undefined {
    return this.#entries.get(key);
  }

  /** The state of a key, made anew when it is not kept. */
  get(key: string): T {
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    if (this.#entries.size >= this.#max) this.#evict();
    const made = this.#create();
    this.#entries.set(key, made);
    return made;
  }

  /** Forgets a key at once. */
  delete(key: string): void {
    this.#entries.delete(key);
  }

  /** Forgets what no longer matters; call it from time to time. */
  sweep(now: number): void {
    for (const [key, state] of this.#entries) {
      if (state.held === 0 && this.#idle(state, now)) this.#entries.delete(key);
    }
  }

  #evict(): void {
    for (const [key, state] of this.#entries) {
      if (state.held > 0) continue;
      this.#entries.delete(key);
      return;
    }
  }
}
