import type { Unsubscribe } from './observable.ts';
import { type ChatStorage, Locks } from './storage.ts';

/** Where a value is kept, and what it is at first. */
export interface StoredValueOptions<T> {
  readonly storage: ChatStorage;
  readonly key: string;
  /** What it is before anything was stored, and when what was stored cannot be read as JSON. */
  readonly empty: T;
  /** Told of what the storage throws. */
  readonly onFault: (error: unknown) => void;
}

/** One JSON value in a storage that other clients may change too. */
export class StoredValue<T extends object> {
  readonly #options: StoredValueOptions<T>;
  readonly #locks = new Locks();

  constructor(options: StoredValueOptions<T>) {
    this.#options = options;
  }

  /**
   * Reads it while nobody writes; `then` is called before anybody may write again. Undefined when the storage fails.
   */
  read(then: (value: T) => void = () => {}): Promise<T | undefined> {
    return this.#guarded(async () => {
      const value = await this.#read();
      then(value);
      return value;
    });
  }

  /**
   * Reads it, changes it and writes it, with no other client between; `then` is called before anybody may read or write
   * again. Undefined when the storage fails.
   */
  update(change: (value: T) => T, then: (value: T) => void = () => {}): Promise<T | undefined> {
    const { storage, key } = this.#options;
    return this.#guarded(async () => {
      const value = change(await this.#read());
      await storage.set(key, JSON.stringify(value));
      then(value);
      return value;
    });
  }

  /** Forgets it. */
  async delete(): Promise<void> {
    const { storage, key } = this.#options;
    await this.#guarded(async () => void (await storage.delete(key)));
  }

  /** Runs a task while no other client runs one of this name on this value. */
  exclusively<R>(name: string, task: () => Promise<R>): Promise<R> {
    const { storage, key } = this.#options;
    const lock = `${key}:${name}`;
    return storage.lock?.(lock, task) ?? this.#locks.run(lock, task);
  }

  /** Calls back when another client has written it, where the storage can tell. */
  watch(listener: () => void): Unsubscribe {
    return this.#options.storage.watch?.(this.#options.key, listener) ?? (() => {});
  }

  async #guarded<R>(task: () => Promise<R>): Promise<R | undefined> {
    try {
      return await this.exclusively('write', task);
    } catch (error) {
      this.#options.onFault(error);
      return undefined;
    }
  }

  async #read(): Promise<T> {
    const { storage, key, empty } = this.#options;
    const text = await storage.get(key);
    if (text === null || text === undefined) return empty;
    try {
      const value: unknown = JSON.parse(text);
      return typeof value === 'object' && value !== null ? (value as T) : empty;
    } catch {
      return empty;
    }
  }
}
