import type { Unsubscribe } from './observable.ts';
import { type Change, changeOutbox, EMPTY_OUTBOX, type OutboxState, type StoredItem } from './outbox-state.ts';
import type { ChatStorage } from './storage.ts';
import { StoredValue } from './stored-value.ts';

/** Past this many unsaved changes a storage that does not work is no longer waited for. */
const UNSAVED_MAX = 200;

/** Where an outbox is stored, and who is told of its changes. */
export interface OutboxStoreOptions {
  readonly storage: ChatStorage;
  readonly key: string;
  /** Called when the state has changed, by a change or by another client. */
  readonly onChange: () => void;
  /** Told of what the storage throws. The outbox then lives in memory until the storage works again. */
  readonly onFault: (error: unknown) => void;
}

/** The outbox as it is stored and shared with other clients, with the changes that are not stored yet on top. */
export class OutboxStore {
  readonly #options: OutboxStoreOptions;
  readonly #value: StoredValue<OutboxState>;
  readonly #unwatch: Unsubscribe;
  #stored = EMPTY_OUTBOX;
  #unsaved: Change[] = [];
  #saving: Promise<void> | undefined;
  #state = EMPTY_OUTBOX;

  constructor(options: OutboxStoreOptions) {
    this.#options = options;
    this.#value = new StoredValue({ ...options, empty: EMPTY_OUTBOX });
    this.#unwatch = this.#value.watch(() => void this.refresh());
  }

  /** The state now. */
  get state(): OutboxState {
    return this.#state;
  }

  /** Whether nothing at all is stored, as after a sign-out. */
  get isDeleted(): boolean {
    return this.#stored === EMPTY_OUTBOX;
  }

  /** The message with this key, while it waits or has failed. */
  find(client_id: string): StoredItem | undefined {
    return this.#state.items.find((item) => item.client_id === client_id);
  }

  /** Changes the state at once, and stores the change as soon as possible. */
  change(change: Change): void {
    this.#unsaved.push(change);
    if (this.#unsaved.length > UNSAVED_MAX && this.#saving === undefined) this.#giveUpSaving();
    this.#setState(changeOutbox(this.#state, change));
    this.#saving ??= this.#save().finally(() => {
      this.#saving = undefined;
    });
  }

  /** Reads what other clients have changed. */
  async refresh(): Promise<void> {
    await this.#value.read((state) => {
      this.#stored = state;
    });
    this.#rebuild();
  }

  /** Resolves when every change so far is stored, or the storage has failed. */
  async saved(): Promise<void> {
    await this.#saving;
  }

  /** Runs a task while no other client on the same storage runs one of this name. */
  exclusively<R>(name: string, task: () => Promise<R>): Promise<R> {
    return this.#value.exclusively(name, task);
  }

  /** Stops watching. */
  close(): void {
    this.#unwatch();
  }

  /** Forgets everything, in the storage too. */
  async clear(): Promise<void> {
    await this.saved();
    await this.#value.delete();
  }

  async #save(): Promise<void> {
    while (this.#unsaved.length > 0) {
      const changes = [...this.#unsaved];
      const change = (state: OutboxState) => changes.reduce(changeOutbox, state);
      const written = (state: OutboxState) => {
        this.#stored = state;
        this.#unsaved = this.#unsaved.slice(changes.length);
      };
      if ((await this.#value.update(change, written)) === undefined) return;
      this.#rebuild();
    }
  }

  /** What is unsaved becomes as if it were stored, so that the list of changes cannot grow without end. */
  #giveUpSaving(): void {
    this.#stored = this.#unsaved.reduce(changeOutbox, this.#stored);
    this.#unsaved = this.#stored.items.map((item) => ({ kind: 'add', item }));
  }

  #rebuild(): void {
    this.#setState(this.#unsaved.reduce(changeOutbox, this.#stored));
  }

  #setState(state: OutboxState): void {
    this.#state = state;
    this.#options.onChange();
  }
}
