import { Listeners, type Unsubscribe } from './observable.ts';

/**
 * Where the client keeps what must outlive it: the session, messages not sent yet, and what was read. Three methods,
 * each of which may answer at once or with a promise.
 */
export interface ChatStorage {
  /** What is kept under a key; null or undefined when there is nothing. */
  get(key: string): Promise<string | null | undefined> | string | null | undefined;
  /** Keeps a text under a key. */
  set(key: string, value: string): Promise<unknown> | unknown;
  /** Forgets what is kept under a key. */
  delete(key: string): Promise<unknown> | unknown;
  /**
   * Runs a task while no other client on the same storage runs one under this name. Needed only where several clients
   * share one storage, as browser tabs do.
   */
  lock?<T>(name: string, task: () => Promise<T>): Promise<T>;
  /** Calls back when another client on the same storage has written a key. */
  watch?(key: string, listener: () => void): Unsubscribe;
}

/** Tasks that wait for each other, by name. */
export class Locks {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs the task after all those of this name that came before. Throws what the task throws. */
  run<T>(name: string, task: () => Promise<T>): Promise<T> {
    const mine = (this.#last.get(name) ?? Promise.resolve()).then(task);
    const end = () => {
      if (this.#last.get(name) === done) this.#last.delete(name);
    };
    const done = mine.then(end, end);
    this.#last.set(name, done);
    return mine;
  }
}

/** Keeps everything in memory. Clients that are given the same one share it. */
export function memoryStorage(): ChatStorage {
  const values = new Map<string, string>();
  const locks = new Locks();
  const watchers = new Map<string, Listeners<[]>>();
  return {
    get: (key) => values.get(key),
    set(key, value) {
      values.set(key, value);
      watchers.get(key)?.call();
    },
    delete(key) {
      values.delete(key);
      watchers.get(key)?.call();
    },
    lock: (name, task) => locks.run(name, task),
    watch(key, listener) {
      const listeners = watchers.get(key) ?? new Listeners<[]>();
      watchers.set(key, listeners);
      const unsubscribe = listeners.add(listener);
      return () => {
        unsubscribe();
        if (listeners.size === 0) watchers.delete(key);
      };
    },
  };
}

/** The part of `@react-native-async-storage/async-storage` that is used; it may answer at once, too. */
export interface AsyncStorageLike {
  getItem(key: string): Promise<string | null> | string | null;
  setItem(key: string, value: string): Promise<void> | void;
  removeItem(key: string): Promise<void> | void;
}

/** Keeps everything in React Native's AsyncStorage. */
export function asyncStorage(area: AsyncStorageLike): ChatStorage & Required<Pick<ChatStorage, 'lock'>> {
  const locks = new Locks();
  return {
    get: (key) => area.getItem(key),
    set: (key, value) => area.setItem(key, value),
    delete: (key) => area.removeItem(key),
    lock: (name, task) => locks.run(name, task),
  };
}

/** What is used of a page, where there is one. */
interface Page {
  readonly navigator?: { readonly locks?: { request<T>(name: string, task: () => Promise<T>): Promise<T> } };
  addEventListener?(type: 'storage', listener: (event: { readonly key: string | null }) => void): void;
  removeEventListener?(type: 'storage', listener: (event: { readonly key: string | null }) => void): void;
}

/**
 * Keeps everything in the browser's `localStorage` (or `sessionStorage`). Tabs wait for each other through Web Locks;
 * where a browser has none, two tabs may send the same message at the same time, which the server takes once.
 */
export function webStorage(area: AsyncStorageLike): ChatStorage {
  const page = globalThis as Page;
  const kept = asyncStorage(area);
  return {
    ...kept,
    lock: (name, task) => page.navigator?.locks?.request(name, task) ?? kept.lock(name, task),
    watch(key, listener) {
      const changed = (event: { readonly key: string | null }) => {
        if (event.key === key || event.key === null) listener();
      };
      page.addEventListener?.('storage', changed);
      return () => page.removeEventListener?.('storage', changed);
    },
  };
}

/** `localStorage` on a page, memory elsewhere. */
export function defaultStorage(): ChatStorage {
  const page = globalThis as { readonly document?: unknown; readonly localStorage?: AsyncStorageLike };
  try {
    if (page.document !== undefined && page.localStorage !== undefined) return webStorage(page.localStorage);
  } catch {
    // A page that may not keep anything throws when it asks for its storage.
  }
  return memoryStorage();
}
