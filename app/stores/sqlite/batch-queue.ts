import { Worker } from 'node:worker_threads';
import { Refusal } from '../../models/refusal.ts';
import type { StoreFault } from '../store.ts';
import { CallQueue, type CallQueueOptions, type PendingCall } from './call-queue.ts';
import type { Fault } from './faults.ts';
import type { BatchMessage, ReadyMessage, ReplyMessage, WorkerOptions } from './worker-messages.ts';

/** A table of functions that a worker carries out, by name. */
export type CallTable<T> = { [K in keyof T]: (input: never) => unknown };

/** What a call of this name takes. */
export type Input<T extends CallTable<T>, K extends keyof T> = Parameters<T[K]>[0];

/** What a call of this name replies. */
export type Output<T extends CallTable<T>, K extends keyof T> = ReturnType<T[K]>;

/** What callers get of each call, where that is what the worker replies. */
export type Outputs<T extends CallTable<T>> = { [K in keyof T]: Output<T, K> };

/** How much may wait, and go together. */
export interface BatchQueueOptions extends CallQueueOptions {
  readonly kind: 'write' | 'read';
  /**
   * Sees each batch's replies, in order, before their promises resolve, and may put others in their place. `seconds`:
   * from sending to reply.
   */
  readonly onBatch?: (calls: readonly PendingCall[], replies: ReplyMessage[], seconds: number) => void;
  /** Told how many wait, whenever that changes. */
  readonly onQueue?: (waiting: number) => void;
  /** Told of a fault that is nobody's rule. */
  readonly onFault: (call: string, fault: Fault) => void;
}

/**
 * The queue before a worker: one batch is under way at a time, and all that arrives meanwhile goes together in the
 * next. For writes that is group commit (as in PostgreSQL's `commit_siblings` or MySQL's binary log group commit,
 * with no delay to wait for company): a call that comes alone leaves at the end of the same turn of the event loop.
 * `R`: what callers get, where `onBatch` makes that of what the worker replies.
 */
export class BatchQueue<T extends CallTable<T>, R extends Record<keyof T, unknown> = Outputs<T>> {
  readonly #worker: Pick<Worker, 'postMessage'>;
  readonly #options: BatchQueueOptions;
  readonly #waiting: CallQueue;
  #underWay: PendingCall[] | null = null;
  #sentAt = 0;
  #scheduled = false;
  #failure: Error | null = null;
  #idle: (() => void) | null = null;

  constructor(worker: Pick<Worker, 'postMessage'>, options: BatchQueueOptions) {
    this.#worker = worker;
    this.#options = options;
    this.#waiting = new CallQueue(options);
  }

  /** Whether a batch is under way. */
  get isBusy(): boolean {
    return this.#underWay !== null;
  }

  /** Rejects with a `Refusal`: of the call's own, `OVERLOADED`, `UNAVAILABLE` or `INTERNAL`. */
  call<K extends keyof T & string>(
    name: K,
    input: Input<T, K>,
    { bytes = 256, turn = null }: { bytes?: number; turn?: string | null } = {},
  ): Promise<R[K]> {
    if (this.#failure !== null) return Promise.reject(new Refusal('UNAVAILABLE'));
    return new Promise((resolve, reject) => {
      const call = { name, input, bytes, turn, resolve: resolve as (value: unknown) => void, reject };
      if (this.#waiting.add(call)) this.#schedule();
      else reject(new Refusal('OVERLOADED'));
    });
  }

  /** Call with each batch of replies from the worker. */
  settle(replies: ReplyMessage[]): void {
    const calls = this.#underWay;
    if (calls === null) return;
    const seconds = (performance.now() - this.#sentAt) / 1_000;
    this.#underWay = null;
    // The next batch leaves first, so that its commit goes on while these replies are told to everyone.
    if (this.#waiting.size > 0) this.#send();
    this.#options.onBatch?.(calls, replies, seconds);
    for (const [i, call] of calls.entries()) this.#answer(call, replies[i]);
    if (this.#underWay === null && this.#waiting.size === 0) this.#idle?.();
  }

  /** Call when the worker is gone: what is under way has an unknown outcome. */
  fail(error: Error): void {
    this.#failure = error;
    for (const call of this.#underWay ?? []) call.reject(new Refusal('INTERNAL'));
    for (const call of this.#waiting.clear()) call.reject(new Refusal('UNAVAILABLE'));
    this.#underWay = null;
    this.#idle?.();
  }

  /** Resolves when nothing waits and nothing is under way. */
  async drained(): Promise<void> {
    if (this.#waiting.size === 0 && this.#underWay === null) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
  }

  #answer(call: PendingCall, reply: ReplyMessage | undefined): void {
    if (reply === undefined) call.reject(new Refusal('INTERNAL'));
    else if (reply.ok) call.resolve(reply.value);
    else if (reply.fault === undefined) call.reject(new Refusal(reply.code, reply.details));
    else {
      this.#options.onFault(call.name, reply.fault);
      call.reject(new Refusal(reply.code, {}, { cause: reply.fault.kind }));
    }
  }

  /** The calls of one turn of the event loop leave together. */
  #schedule(): void {
    if (this.#scheduled || this.#underWay !== null) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#underWay === null && this.#waiting.size > 0) this.#send();
    });
  }

  #send(): void {
    const batch = this.#waiting.take();
    const calls = batch.map(({ name, input }) => ({ name, input }));
    this.#underWay = batch;
    this.#sentAt = performance.now();
    this.#worker.postMessage({ kind: this.#options.kind, calls } satisfies BatchMessage);
    this.#options.onQueue?.(this.#waiting.size);
  }
}

/** A database could not be opened: the message is for people. */
export class UnopenedError extends Error {
  readonly kind: StoreFault;

  constructor(message: string, kind: StoreFault) {
    super(message);
    this.kind = kind;
  }
}

/**
 * Starts a worker and waits until its database is open.
 * @throws UnopenedError when it cannot be opened
 */
export async function startWorker(options: WorkerOptions): Promise<{ worker: Worker; epoch: string }> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: options });
  const ready = await new Promise<ReadyMessage>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  if (ready.ready) return { worker, epoch: ready.epoch };
  await worker.terminate();
  throw new UnopenedError(ready.reason, ready.kind);
}
