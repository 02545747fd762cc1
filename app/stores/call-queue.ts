/** A call that waits for its reply. */
export interface PendingCall {
  readonly name: string;
  readonly input: unknown;
  /** About how many bytes it carries. */
  readonly bytes: number;
  /** Whose turn it waits for, when it is one of the calls that take turns; see {@link CallQueue}. */
  readonly turn: string | null;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** How much may wait, and go together. */
export interface CallQueueOptions {
  /** No more calls than this may wait, of those that take turns and of the others each. */
  readonly queueMax: number;
  readonly batchMax: number;
  readonly batchBytesMax: number;
  /** How many calls that take turns go together. */
  readonly turnsMax: number;
}

/**
 * Calls that wait for a worker. Those without a `turn` go first, in order. The others take turns: each batch holds a few
 * of them, one of each key after another, so that whoever asks for much waits behind its own and nobody else's.
 */
export class CallQueue {
  readonly #options: CallQueueOptions;
  #first: PendingCall[] = [];
  readonly #turns = new Map<string, PendingCall[]>();
  #inTurns = 0;

  constructor(options: CallQueueOptions) {
    this.#options = options;
  }

  /** How many wait. */
  get size(): number {
    return this.#first.length + this.#inTurns;
  }

  /** Lets a call wait; false when too many do. */
  add(call: PendingCall): boolean {
    const { turn } = call;
    if ((turn === null ? this.#first.length : this.#inTurns) >= this.#options.queueMax) return false;
    if (turn === null) this.#first.push(call);
    else {
      this.#inTurns++;
      const waiting = this.#turns.get(turn);
      if (waiting === undefined) this.#turns.set(turn, [call]);
      else waiting.push(call);
    }
    return true;
  }

  /** Takes the next batch out; empty when nothing waits. */
  take(): PendingCall[] {
    const { batchMax, batchBytesMax, turnsMax } = this.#options;
    let bytes = 0;
    let count = 0;
    for (const call of this.#first) {
      bytes += call.bytes;
      if (count > 0 && (bytes > batchBytesMax || count >= batchMax)) break;
      count++;
    }
    const batch = this.#first.splice(0, count);
    for (let i = 0; i < turnsMax; i++) {
      const call = this.#nextInTurn();
      if (call === undefined) break;
      batch.push(call);
    }
    return batch;
  }

  /** Takes all out. */
  clear(): PendingCall[] {
    const all = [...this.#first, ...[...this.#turns.values()].flat()];
    this.#first = [];
    this.#turns.clear();
    this.#inTurns = 0;
    return all;
  }

  #nextInTurn(): PendingCall | undefined {
    const [turn] = this.#turns;
    if (turn === undefined) return undefined;
    const [key, waiting] = turn;
    const call = waiting.shift();
    this.#turns.delete(key);
    if (waiting.length > 0) this.#turns.set(key, waiting);
    if (call !== undefined) this.#inTurns--;
    return call;
  }
}
