import type { Logger } from '../core/logger.ts';
import type { Metrics } from '../core/metrics.ts';
import { Refusal } from '../models/refusal.ts';
import { BatchQueue } from './batch-queue.ts';
import type { Engine, Written } from './engine.ts';
import type { LogEntry } from './entry.ts';
import type { Fault, StoreFault } from './fault.ts';
import { FaultLog } from './fault-log.ts';
import type { Read } from './read.ts';
import { READS } from './reads/index.ts';
import type { Nouns, ToolStore } from './store.ts';
import type { Write } from './write.ts';
import { WRITES } from './writes/index.ts';

/** How a store is made of an engine. */
export interface StoreOptions {
  /** Opens the engine. `onFault` is told of faults that no call met. */
  readonly open: (onFault: (what: string, fault: Fault) => void) => Promise<Engine>;
  /** How many writes may wait before more are refused `OVERLOADED`. */
  readonly queueMax: number;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

const WRITE_BATCH_MAX = 1_000;
const WRITE_BATCH_BYTES_MAX = 1_048_576;
/** Small, so that a quick read does not wait for many slow ones to be replied with it. */
const READ_BATCH_MAX = 16;
/** Lists and syncs take a few milliseconds each at most: a quick read that comes meanwhile waits for so many of them. */
const READ_TURNS_MAX = 4;

/** Faults that a probe may not meet, since it needs no more room than it has. */
const OF_DISK: ReadonlySet<StoreFault> = new Set(['full', 'io']);
/** So long does one count, in milliseconds, when nothing has been said since. */
const DISK_MS = 10_000;

/**
 * Puts a store together over an engine: queues before it, the nouns' methods, what is told of entries and faults.
 * @throws what opening the engine throws
 */
export async function createStore({ open, queueMax, logger, metrics }: StoreOptions): Promise<ToolStore> {
  const faults = new FaultLog(logger);
  let isDamaged = false;
  let disk: { readonly kind: StoreFault; readonly at: number } | null = null;
  const onFault = (call: string, fault: Fault) => {
    isDamaged ||= fault.kind === 'damaged';
    if (OF_DISK.has(fault.kind)) disk = { kind: fault.kind, at: performance.now() };
    faults.add(call, fault);
  };
  const diskFault = () => (disk !== null && performance.now() - disk.at < DISK_MS ? disk.kind : undefined);
  const engine = await open(onFault);
  let onEntries: (entries: readonly LogEntry[]) => void = () => {};
  let onFailure: (error: Error) => void = () => {};

  const writes = new BatchQueue<Written>({
    atOnce: 1,
    carryOut: (calls) => engine.write(calls),
    queueMax,
    batchMax: WRITE_BATCH_MAX,
    batchBytesMax: WRITE_BATCH_BYTES_MAX,
    turnsMax: 0,
    onDone({ replies, entries }, seconds) {
      metrics.commitBatch.observe(replies.length);
      metrics.commitSeconds.observe(seconds);
      if (entries.length === 0) return;
      disk = null;
      onEntries(entries);
    },
    onQueue: (waiting) => metrics.writeQueue.set(waiting),
    onFault,
  });
  const reads = new BatchQueue({
    atOnce: engine.readers,
    carryOut: async (calls) => ({ replies: await engine.read(calls) }),
    queueMax,
    batchMax: READ_BATCH_MAX,
    batchBytesMax: Number.POSITIVE_INFINITY,
    turnsMax: READ_TURNS_MAX,
    onQueue: (waiting) => metrics.readQueue.set(waiting),
    onFault,
  });
  engine.onFailure((error) => {
    writes.fail(error);
    reads.fail(error);
    onFailure(error);
  });

  const { health, ...nouns } = methods(writes, reads);
  return {
    epoch: engine.epoch,
    get isCommitting() {
      return writes.isBusy;
    },
    ...nouns,
    onEntries: (listener) => {
      onEntries = listener;
    },
    onOutsideWrite: (listener) => engine.onOutsideWrite(listener),
    onFailure: (listener) => {
      onFailure = listener;
    },
    get isDamaged() {
      return isDamaged;
    },
    probeRead: () => faultIn(health.probeRead()),
    async probeWrite() {
      return (await faultIn(health.probeWrite({ at: Date.now() }))) ?? diskFault();
    },
    async close() {
      await Promise.all([writes.drained(), reads.drained()]);
      await engine.close();
    },
  };
}

/** What a call meets, if anything. */
async function faultIn(call: Promise<unknown>): Promise<StoreFault | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (!(error instanceof Refusal)) return 'other';
    return error.code === 'OVERLOADED' ? 'overloaded' : ((error.cause as StoreFault | undefined) ?? 'other');
  }
}

/** The methods of all nouns, each of which is one call of an engine. */
function methods(writes: BatchQueue<Written>, reads: BatchQueue<{ replies: Written['replies'] }>): Nouns {
  const nouns: Record<string, Record<string, (input: unknown) => Promise<unknown>>> = {};
  for (const [noun, table] of Object.entries(WRITES)) {
    for (const [method, declared] of Object.entries(table as Record<string, Write<unknown, unknown>>)) {
      const name = `${noun}.${method}`;
      const { bytes } = declared;
      nouns[noun] ??= {};
      nouns[noun][method] = bytes
        ? (input) => writes.call({ name, input }, { bytes: bytes(input) })
        : (input) => writes.call({ name, input });
    }
  }
  for (const [noun, table] of Object.entries(READS)) {
    for (const [method, declared] of Object.entries(table as Record<string, Read<unknown, unknown>>)) {
      const name = `${noun}.${method}`;
      const { turn, revive } = declared;
      const call = (input: unknown) => reads.call({ name, input }, { turn: turn?.(input) ?? null });
      nouns[noun] ??= {};
      nouns[noun][method] = revive === undefined ? call : async (input) => revive(await call(input));
    }
  }
  // `Nouns` is derived from the same tables.
  return nouns as unknown as Nouns;
}
