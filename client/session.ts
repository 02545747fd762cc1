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

/** The session as it is kept between runs of the app. */
export class StoredSession {
  readonly #value: StoredValue<Partial<Session>>;
  readonly #onFault: (error: unknown) => void;

  constructor(options: { storage: ChatStorage; key: string; onFault: (error: unknown) => void }) {
    this.#value = new StoredValue<Partial<Session>>({ ...options, empty: {} });
    this.#onFault = options.onFault;
  }

  /** The session of the last run, if there was one. */
  async load(): Promise<Session | undefined> {
    try {
      const stored = await this.#value.read();
      return stored.token === undefined ? undefined : (stored as Session);
    } catch (error) {
      this.#onFault(error);
      return undefined;
    }
  }

  /** Keeps the session. */
  async save(session: Session): Promise<void> {
    await this.#value.update(() => session).catch(this.#onFault);
  }

  /** Forgets the session, unless another client has stored another one meanwhile. */
  async forget(token: string): Promise<void> {
    await this.#value.update((stored) => (stored.token === token ? {} : stored)).catch(this.#onFault);
  }
}
