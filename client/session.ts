import type { Unsubscribe } from './observable.ts';
import type { ChatStorage } from './storage.ts';
import { StoredValue } from './stored-value.ts';

/** Who is signed in on this device. */
export interface Session {
  readonly token: string;
  readonly user_id: string;
  readonly username: string;
  /** The name that was asked for; the server may have given another one since. */
  readonly asked: string | null;
}

/** The session as it is kept between runs of the app, and shared by the clients on one storage. */
export class StoredSession {
  readonly #value: StoredValue<Partial<Session>>;

  constructor(options: { storage: ChatStorage; key: string; onFault: (error: unknown) => void }) {
    this.#value = new StoredValue<Partial<Session>>({ ...options, empty: {} });
  }

  /** The session of the last run, if there was one. */
  async load(): Promise<Session | undefined> {
    const stored = await this.#value.read();
    return stored?.token === undefined ? undefined : (stored as Session);
  }

  /** Calls back once another client on the storage has signed out the one who is signed in here. */
  onEnd(user: () => string | undefined, listener: () => void): Unsubscribe {
    return this.#value.watch(async () => {
      const user_id = user();
      const stored = await this.#value.read();
      if (user_id && stored && stored.user_id !== user_id && user() === user_id) listener();
    });
  }

  /** Keeps the session. */
  async save(session: Session): Promise<void> {
    await this.#value.update(() => session);
  }

  /** Forgets the session of this user, also where another client has renewed it; that of somebody else stays. */
  async forget(user_id: string): Promise<void> {
    await this.#value.update((stored) => (stored.user_id === user_id ? {} : stored));
  }
}
