import { Refusal } from '../models/refusal.ts';
import { CallQueue, type CallQueueOptions, type PendingCall } from './call-queue.ts';
import { type Call, failed, type Reply } from './engine.ts';
import { EngineFault, type Fault, type StoreFault, UnheardFault } from './fault.ts';

/** What became of a batch. */
interface Done {
  readonly replies: readonly Reply[];
}

/** How batches are carried out, how much may wait, and go together. */
export interface BatchQueueOptions<D extends Done> extends CallQueueOptions {
  /** How many batches may be under way at once. */
  readonly atOnce: number;
  /** Carries out a batch. @throws EngineFault when nothing of it was done */
  readonly carryOut: (calls: readonly Call[]) => Promise<D>;
  /** Sees what became of each batch before its promises resolve. `seconds`: from the beginning to the end of it. */
  readonly onDone?: (done: D, seconds: number) => void;
  /** Told how many wait, whenever that changes. */
  readonly onQueue?: (waiting: number) => void;
  /** Told of a fault that is nobody's rule. */
  readonly onFault: (call: string, fault: Fault) => void;
}

/** Calls that were carried out together, and what became of them. */
interface Outcome<D> {
  readonly calls: readonly PendingCall[];
  readonly outcome: D | EngineFault;
}

/** Faults that each call alone would meet again, and wait for. */
const OF_ALL: ReadonlySet<StoreFault> = new Set(['locked', 'away']);

/**
 * The queue before an engine: what arrives while a batch is under way goes together in the next. For writes that is
 * group commit (as in PostgreSQL's `commit_siblings` or MySQL's binary log group commit, with no delay to wait for
 * company): a call that comes alone leaves at the end of the same turn of the event loop.
 */
export class BatchQueue<D extends Done> {
  readonly #options: BatchQueueOptions<D>;
  readonly #waiting: CallQueue;
  readonly #underWay = new Set<readonly PendingCall[]>();
  #scheduled = false;
  #failure: Error | null = null;
  #idle: (() => void) | null = null;

  constructor(options: BatchQueueOptions<D>) {
    this.#options = options;
    this.#waiting = new CallQueue(options);
  }

  /** Whether a batch is under way. */
  get isBusy(): boolean {
    return this.#underWay.size > 0;
  }

  /**
   * @param turn whose turn it waits for; see {@link CallQueue}
   * @param bytes about how many it carries
   * @returns the value of the reply. Rejects with a `Refusal`: of the call's own, `OVERLOADED`, `UNAVAILABLE`, `INTERNAL`
   */
  call(call: Call, { bytes = 256, turn = null }: { bytes?: number; turn?: string | null } = {}): Promise<unknown> {
    if (this.#failure !== null) return Promise.reject(new Refusal('UNAVAILABLE'));
    return new Promise((resolve, reject) => {
      if (this.#waiting.add({ ...call, bytes, turn, resolve, reject })) this.#schedule();
      else reject(new Refusal('OVERLOADED'));
    });
  }

  /** Call when the engine is gone: what is under way has an unknown outcome. */
  fail(error: Error): void {
    this.#failure = error;
    for (const batch of this.#underWay) for (const call of batch) call.reject(new Refusal('INTERNAL'));
    for (const call of this.#waiting.clear()) call.reject(new Refusal('UNAVAILABLE'));
    this.#underWay.clear();
    this.#idle?.();
  }

  /** Resolves when nothing waits and nothing is under way. */
  async drained(): Promise<void> {
    if (this.#waiting.size === 0 && this.#underWay.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
  }

  /** The calls of one turn of the event loop leave together. */
  #schedule(): void {
    if (this.#scheduled || this.#underWay.size >= this.#options.atOnce) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#send();
    });
  }

  #send(): void {
    while (this.#waiting.size > 0 && this.#underWay.size < this.#options.atOnce) {
      const batch = this.#waiting.take();
      this.#underWay.add(batch);
      this.#options.onQueue?.(this.#waiting.size);
      void this.#carryOut(batch);
    }
  }

  async #carryOut(batch: readonly PendingCall[]): Promise<void> {
    const began = performance.now();
    const outcomes = await this.#outcomes(batch);
    if (!this.#underWay.delete(batch)) return;
    // The next batch leaves first, so that its commit goes on while these replies are told to everyone.
    this.#send();
    for (const { calls, outcome } of outcomes) {
      if (outcome instanceof UnheardFault) void this.#settle(calls, outcome, began);
      else this.#end(calls, outcome, began);
    }
    if (this.#underWay.size === 0 && this.#waiting.size === 0) this.#idle?.();
  }

  /** A fault fails the call that met it and no other: then each is tried alone. */
  async #outcomes(batch: readonly PendingCall[]): Promise<Outcome<D>[]> {
    const outcome = await this.#attempt(batch);
    const isOfOne = outcome instanceof EngineFault && !OF_ALL.has(outcome.fault.kind);
    if (!isOfOne || batch.length === 1) return [{ calls: batch, outcome }];
    const outcomes: Outcome<D>[] = [];
    for (const call of batch) outcomes.push({ calls: [call], outcome: await this.#attempt([call]) });
    return outcomes;
  }

  /** What the outcome of is not known yet holds up nothing else. */
  async #settle(calls: readonly PendingCall[], fault: UnheardFault<D>, began: number): Promise<void> {
    try {
      this.#end(calls, (await fault.settled) ?? fault, began);
    } catch {
      for (const call of calls) call.reject(new Refusal('INTERNAL'));
    }
  }

  #end(calls: readonly PendingCall[], outcome: D | EngineFault, began: number): void {
    const isDone = !(outcome instanceof EngineFault);
    if (isDone) this.#options.onDone?.(outcome, (performance.now() - began) / 1_000);
    for (const [i, call] of calls.entries()) this.#answer(call, isDone ? outcome.replies[i] : failed(outcome));
  }

  async #attempt(calls: readonly PendingCall[]): Promise<D | EngineFault> {
    try {
      return await this.#options.carryOut(calls.map(({ name, input }) => ({ name, input })));
    } catch (error) {
      if (error instanceof EngineFault) return error;
      return new EngineFault({ kind: 'other', text: String(error) }, { cause: error });
    }
  }

  #answer(call: PendingCall, reply: Reply | undefined): void {
    if (reply === undefined) call.reject(new Refusal('INTERNAL'));
    else if (reply.ok) call.resolve(reply.value);
    else if (reply.fault === undefined) call.reject(new Refusal(reply.code, reply.details));
    else {
      this.#options.onFault(call.name, reply.fault);
      call.reject(new Refusal(reply.code, {}, { cause: reply.fault.kind }));
    }
  }
}
