import type { Message } from '../protocol/message.ts';
import { Backoff, Sleep } from './backoff.ts';
import type { Connection } from './connection.ts';
import { ChatError, localError } from './error.ts';
import type { StoredItem } from './outbox-state.ts';
import { OutboxStore, type OutboxStoreOptions } from './outbox-store.ts';
import { randomId } from './uuid.ts';

/** Where an outbox keeps what waits, and over which connection it sends. */
export interface OutboxOptions extends OutboxStoreOptions {
  readonly connection: Connection;
  /** Called with the message when it was sent, before it leaves the outbox. */
  readonly onSent: (message: Message) => void;
}

interface Waiter {
  readonly item: StoredItem;
  /** Another client on the storage has sent it; this one does not have the message yet. */
  isSent?: boolean;
  /** While the message is asked for. */
  fetching?: Retries;
  readonly resolve: (message: Message) => void;
  readonly reject: (error: ChatError) => void;
}

/** No more messages than this wait at once. */
const ITEMS_MAX = 1_000;
/** A message that the server fails on so often, with a fault of its own, has failed. */
const FAULTS_MAX = 5;

/** Attempts at one command, one after another: whether there is to be one more, and when. */
class Retries {
  readonly #backoff = new Backoff();
  readonly #sleep = new Sleep();
  #faults = 0;

  /** False when the refusal will not pass; otherwise true, when it is time to try again or {@link wake} was called. */
  async after(refusal: ChatError): Promise<boolean> {
    if (refusal.code === 'INTERNAL') this.#faults++;
    if (!refusal.isRetryable || this.#faults >= FAULTS_MAX) {
      this.#faults = 0;
      return false;
    }
    this.#backoff.ask(refusal.retryAfterMs);
    await this.#sleep.for(this.#backoff.next());
    return true;
  }

  /** An attempt succeeded. */
  reset(): void {
    this.#backoff.reset();
    this.#faults = 0;
  }

  /** Ends the wait now. */
  wake(): void {
    this.#sleep.wake();
  }
}

/**
 * Messages on their way: each is kept in the storage from the moment it is written, goes out in order when there is a
 * connection, with the same key each time, and ends as sent or failed. One client on a storage sends at a time.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #store: OutboxStore;
  readonly #waiters = new Map<string, Waiter>();
  readonly #retries = new Retries();
  #running = false;
  #again = false;
  #closed = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#store = new OutboxStore({
      ...options,
      onChange: () => {
        this.#followOthers();
        options.onChange();
        // Another client may have written it and gone.
        if (this.#canSend && this.#next() !== undefined) void this.flush();
      },
    });
    void this.#store.refresh();
  }

  /**
   * What waits or has failed, in the order in which it was written. What another client on the storage has sent stays
   * at the front until this one has the message.
   */
  get items(): readonly StoredItem[] {
    const sent = [...this.#waiters.values()].filter(({ isSent }) => isSent).map(({ item }) => item);
    return [...sent, ...this.#store.state.items];
  }

  /** Adds a message; resolves when the server has it. Throws ChatError when it has failed or was discarded. */
  add(room_id: string, content: string): Promise<Message> {
    if (this.items.length >= ITEMS_MAX) return Promise.reject(localError('OUTBOX_FULL'));
    const item: StoredItem = { client_id: randomId(), room_id, content, timestamp: new Date().toISOString() };
    const sent = this.#wait(item);
    this.#store.change({ kind: 'add', item });
    return sent;
  }

  /** Tries a failed message again, after those that wait. Resolves and throws as {@link add}. */
  retry(client_id: string): Promise<Message> {
    const found = this.#store.find(client_id);
    if (found?.failed === undefined) return Promise.reject(localError('DISCARDED'));
    const { failed: _, ...item } = found;
    const sent = this.#wait(item);
    this.#store.change({ kind: 'retry', item });
    return sent;
  }

  /** Throws a failed message away. One that waits may be on its way already and stays. */
  discard(client_id: string): void {
    const item = this.#store.find(client_id);
    if (item?.failed !== undefined) this.#store.change({ kind: 'settle', item, outcome: 'discarded' });
  }

  /** Takes note that a message of this user is in the room, however that became known. */
  arrived(message: Message): void {
    const { client_id } = message;
    if (client_id === undefined) return;
    const waiter = this.#waiters.get(client_id);
    this.#waiters.delete(client_id);
    waiter?.resolve(message);
    waiter?.fetching?.wake();
    const item = this.#store.find(client_id);
    if (item !== undefined) this.#store.change({ kind: 'settle', item, outcome: 'sent' });
    else this.#options.onChange();
  }

  /** Sends what waits, if there is a connection. Call when there is one again. */
  async flush(): Promise<void> {
    this.#followOthers();
    this.#again = true;
    if (this.#running) return;
    this.#running = true;
    try {
      while (this.#again && this.#canSend && this.#next() !== undefined) {
        this.#again = false;
        await this.#store.exclusively('send', () => this.#sendAll());
      }
    } catch (error) {
      this.#options.onFault(error);
    } finally {
      this.#running = false;
    }
  }

  /** Stops; what waits stays in the storage, and whoever waits for it is told `error`. */
  close(error: ChatError = localError('UNAUTHENTICATED')): void {
    this.#closed = true;
    this.#store.close();
    this.#retries.wake();
    for (const { reject, fetching } of this.#waiters.values()) {
      reject(error);
      fetching?.wake();
    }
    this.#waiters.clear();
  }

  /** Stops, and forgets what waits. */
  async clear(): Promise<void> {
    this.close();
    await this.#store.clear();
  }

  /** Resolves when what waits is in the storage. */
  saved(): Promise<void> {
    return this.#store.saved();
  }

  get #canSend(): boolean {
    return !this.#closed && this.#options.connection.phase === 'ready';
  }

  #next(): StoredItem | undefined {
    return this.#store.state.items.find((item) => item.failed === undefined);
  }

  #wait(item: StoredItem): Promise<Message> {
    return new Promise<Message>((resolve, reject) => {
      this.#waiters.set(item.client_id, { item, resolve, reject });
    });
  }

  async #sendAll(): Promise<void> {
    await this.#store.refresh();
    for (let item = this.#next(); item !== undefined && this.#canSend; item = this.#next()) await this.#sendOne(item);
    await this.#store.saved();
  }

  async #sendOne(item: StoredItem): Promise<void> {
    try {
      await this.#send(item);
      this.#retries.reset();
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      await this.#refused(item, error);
    }
  }

  async #send({ client_id, room_id, content }: StoredItem): Promise<void> {
    const { connection, onSent } = this.#options;
    await connection.call(
      'send_message',
      { room_id, content, client_id },
      {
        apply: ({ message }) => {
          onSent(message);
          this.arrived({ ...message, client_id });
        },
      },
    );
  }

  async #refused(item: StoredItem, error: ChatError): Promise<void> {
    if ((await this.#isToRepeat(error, this.#retries)) !== false) return;
    const { code, message } = error;
    this.#waiters.get(item.client_id)?.reject(error);
    this.#waiters.delete(item.client_id);
    this.#store.change({ kind: 'fail', item: { ...item, failed: { code, message } } });
  }

  /** Whether to try again now; undefined: when there is a connection again. */
  async #isToRepeat(error: ChatError, retries: Retries): Promise<boolean | undefined> {
    if (error.code === 'UNAUTHENTICATED') this.#options.connection.reconnect();
    else if (error.code !== 'OFFLINE' && error.code !== 'NO_ANSWER') return await retries.after(error);
    return undefined;
  }

  /** Tells those who wait what another client on the same storage did with their message. */
  #followOthers(): void {
    if (this.#closed) return;
    for (const [client_id, waiter] of [...this.#waiters]) {
      const stored = this.#store.find(client_id);
      if (stored !== undefined && stored.failed === undefined) continue;
      const end = this.#store.state.settled.find((settled) => settled.client_id === client_id);
      if (stored === undefined && end === undefined) {
        // Without a lock another client may have written over it; one that signed out has deleted everything.
        if (!this.#store.isDeleted) this.#store.change({ kind: 'add', item: waiter.item });
        continue;
      }
      if (end?.outcome === 'sent') {
        void this.#fetchSent(waiter);
        continue;
      }
      this.#waiters.delete(client_id);
      waiter.reject(stored?.failed === undefined ? localError('DISCARDED') : new ChatError(stored.failed));
    }
  }

  /** The same key gives the message, if it does not come as an event before. Offline, the next sign-in asks again. */
  async #fetchSent(waiter: Waiter): Promise<void> {
    waiter.isSent = true;
    if (waiter.fetching !== undefined) return;
    waiter.fetching = new Retries();
    const isAwaited = () => this.#waiters.get(waiter.item.client_id) === waiter;
    while (isAwaited()) {
      const refusal = await this.#send(waiter.item).then(
        () => undefined,
        (error: unknown) => (error instanceof ChatError ? error : localError('NO_ANSWER')),
      );
      if (refusal === undefined || !isAwaited()) break;
      const isToRepeat = await this.#isToRepeat(refusal, waiter.fetching);
      if (isToRepeat === undefined) break;
      if (isToRepeat) continue;
      this.#waiters.delete(waiter.item.client_id);
      waiter.reject(refusal);
      this.#options.onChange();
    }
    delete waiter.fetching;
  }
}
