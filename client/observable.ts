/** Ends a subscription. Calling it again does nothing. */
export type Unsubscribe = () => void;

/** A set of listeners. One that throws does not keep the others from being called: its error is thrown later, alone. */
export class Listeners<A extends unknown[]> {
  readonly #listeners = new Set<(...args: A) => void>();

  /** How many there are. */
  get size(): number {
    return this.#listeners.size;
  }

  /** Adds a listener; the same function may be added more than once. */
  add(listener: (...args: A) => void): Unsubscribe {
    const own = (...args: A) => listener(...args);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** Calls all listeners. */
  call(...args: A): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(...args);
      } catch (error) {
        setTimeout(() => {
          throw error;
        });
      }
    }
  }
}

/**
 * Something with a state that changes. Listeners are told once for all changes of a turn; `getSnapshot` gives the same
 * object until something changes, as React's `useSyncExternalStore` asks.
 */
export abstract class Observable<S> {
  readonly #listeners = new Listeners<[]>();
  #snapshot: S | undefined;
  #told = true;

  /** Calls the listener after changes. */
  readonly subscribe = (listener: () => void): Unsubscribe => {
    const unsubscribe = this.#listeners.add(listener);
    this.subscribed();
    return unsubscribe;
  };

  /** The state now. It never changes; after a change there is another object. */
  readonly getSnapshot = (): S => {
    this.#snapshot ??= this.build();
    return this.#snapshot;
  };

  /** Whether anyone listens. */
  protected get isWatched(): boolean {
    return this.#listeners.size > 0;
  }

  /** Makes the state from its parts. */
  protected abstract build(): S;

  /** Called when a listener came. */
  protected subscribed(): void {}

  /** Call after each change of what it shows. */
  changed(): void {
    this.#snapshot = undefined;
    if (!this.#told) return;
    this.#told = false;
    queueMicrotask(() => {
      this.#told = true;
      this.#listeners.call();
    });
  }
}
