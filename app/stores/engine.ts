import type { ErrorCode } from '../../protocol/errors.ts';
import { Refusal, type RefusalDetails } from '../models/refusal.ts';
import type { LogEntry } from './entry.ts';
import { EngineFault, type Fault, faultCode } from './fault.ts';
import type { Read } from './read.ts';
import { READS } from './reads/index.ts';
import type { Write } from './write.ts';
import { WRITES } from './writes/index.ts';

/** One call of a write or a read, by its noun and its name, such as `messages.send`. */
export interface Call {
  readonly name: string;
  readonly input: unknown;
}

/** A call that met a fault of the engine, which is nobody's rule. */
export interface FailedReply {
  readonly ok: false;
  readonly code: ErrorCode;
  readonly fault: Fault;
}

/** What became of one call: a value, the refusal of a rule, or a fault. */
export type Reply =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: ErrorCode; readonly details: RefusalDetails; readonly fault?: undefined }
  | FailedReply;

/** What became of a batch of writes: the reply to each, and all entries that they made, in order. */
export interface Written {
  readonly replies: readonly Reply[];
  readonly entries: readonly LogEntry[];
}

/** What carries out writes and reads in a database. It knows no noun and no rule. */
export interface Engine {
  /** Identifies the history: changes when a backup is restored. */
  readonly epoch: string;
  /** How many batches of reads may be under way at once. */
  readonly readers: number;
  /**
   * Carries out writes in one transaction. Resolves after COMMIT has returned; one batch is under way at a time.
   * @throws EngineFault when the database cannot be used, and nothing of the batch is stored
   */
  write(calls: readonly Call[]): Promise<Written>;
  /** Carries out reads, each in a snapshot of its own. @throws EngineFault when none could be carried out */
  read(calls: readonly Call[]): Promise<readonly Reply[]>;
  /** Calls back when another process has written to the database. One listener. */
  onOutsideWrite(listener: () => void): void;
  /** Calls back once if the engine dies and cannot go on; what was being written has an unknown outcome. */
  onFailure(listener: (error: Error) => void): void;
  /** Closes the database. Call when nothing is under way. */
  close(): Promise<void>;
}

/** Calls by name. */
function byName<T>(nouns: Readonly<Record<string, object>>): ReadonlyMap<string, T> {
  const all = Object.entries(nouns).flatMap(([noun, calls]) =>
    Object.entries(calls).map(([name, call]) => [`${noun}.${name}`, call as T] as const),
  );
  return new Map(all);
}

const writes = byName<Write<unknown, unknown>>(WRITES);
const reads = byName<Read<unknown, unknown>>(READS);

/** The write of a name. @throws Error when there is none */
export function writeOf(name: string): Write<unknown, unknown> {
  const found = writes.get(name);
  if (found === undefined) throw new Error(`There is no write ${name}.`);
  return found;
}

/** The read of a name. @throws Error when there is none */
export function readOf(name: string): Read<unknown, unknown> {
  const found = reads.get(name);
  if (found === undefined) throw new Error(`There is no read ${name}.`);
  return found;
}

/** The reply to a call whose rule has refused. @throws what is no refusal */
export function refused(error: unknown): Reply {
  if (!(error instanceof Refusal)) throw error;
  return { ok: false, code: error.code, details: error.details };
}

/** The reply to what a call has thrown: a refusal of its rule, or else the fault that `faultOf` sees in it. */
export function thrown(error: unknown, faultOf: (error: unknown) => Fault): Reply {
  return error instanceof Refusal ? refused(error) : failed(new EngineFault(faultOf(error)));
}

/** The reply to a call that met a fault. */
export function failed({ fault }: EngineFault): FailedReply {
  return { ok: false, code: faultCode(fault), fault };
}
