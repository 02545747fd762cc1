import { parentPort, workerData } from 'node:worker_threads';
import { Refusal } from '../../models/refusal.ts';
import { readCalls, writeCalls } from './calls.ts';
import { Database } from './database.ts';
import { explainFault, faultCode, faultOf } from './faults.ts';
import { migrate } from './migrations.ts';
import { RoomCache } from './room-cache.ts';
import type {
  BatchMessage,
  BatchReply,
  CallMessage,
  FailedReply,
  OutsideWrite,
  ReadyMessage,
  ReplyMessage,
  WatchFailed,
  WorkerOptions,
} from './worker-messages.ts';

/** A thread that owns one connection and carries out batches of calls, one batch at a time. */
const port = parentPort;
if (port === null) throw new Error('This file is a worker: it is not run by itself.');

type Call = (input: unknown) => unknown;

function open({ path, role, alone = false }: WorkerOptions) {
  const db = new Database(path, { readOnly: role === 'reader', alone });
  const epoch = role === 'reader' ? '' : migrate(db);
  const rooms = new RoomCache(db);
  const writes = writeCalls(db, rooms) as Record<string, unknown> as Record<string, Call>;
  const reads = readCalls(db) as Record<string, unknown> as Record<string, Call>;

  function answer(table: Record<string, Call>, { name, input }: CallMessage): ReplyMessage {
    try {
      const call = table[name];
      if (call === undefined) throw new Error(`No call ${name}`);
      return { ok: true, value: call(input) };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { ok: false, code: error.code, details: error.details };
    }
  }

  /** All calls in one transaction; throws when any meets a fault, with nothing done. */
  function transact(calls: readonly CallMessage[]): ReplyMessage[] {
    try {
      return db.transaction('IMMEDIATE', () => {
        rooms.begin();
        const replies = calls.map((call) => answer(writes, call));
        rooms.flush();
        return replies;
      });
    } catch (error) {
      rooms.forget();
      throw error;
    }
  }

  /** A fault fails the call that met it and no other: then each is tried alone. */
  function write(calls: readonly CallMessage[]): ReplyMessage[] {
    try {
      return transact(calls);
    } catch (error) {
      const failed = failure(error);
      // Alone, each would wait as long again for the lock that another process holds.
      if (calls.length === 1 || failed.fault.kind === 'locked') return calls.map(() => failed);
      return calls.flatMap((call) => write([call]));
    }
  }

  /** Each in a snapshot of its own. */
  function read(calls: readonly CallMessage[]): ReplyMessage[] {
    return calls.map((call) => {
      try {
        return db.transaction('DEFERRED', () => answer(reads, call));
      } catch (error) {
        return failure(error);
      }
    });
  }

  let dataVersion = db.dataVersion();
  /** Whether another connection has written since the last call. */
  function writtenOutside(): boolean {
    const before = dataVersion;
    dataVersion = db.dataVersion();
    if (dataVersion !== before) db.noteOutsideWrite();
    return dataVersion !== before;
  }

  let tryAt = Number.NEGATIVE_INFINITY;
  /** Empties the log when it holds what was taken away: at once, or while that goes on from time to time. */
  function removeTraces(): void {
    const now = performance.now();
    if (!db.holdsTraces || now < tryAt) return;
    tryAt = now + EMPTY_INTERVAL_MS;
    db.emptyLog();
    if (db.holdsTraces) tryAt = now;
  }

  return { epoch, write, read, writtenOutside, removeTraces, close: () => db.close() };
}

/** The reply to a call that met a fault. */
function failure(error: unknown): FailedReply {
  const fault = faultOf(error);
  return { ok: false, code: faultCode(fault), fault };
}

/** No more often than this is the log emptied, in milliseconds. */
const EMPTY_INTERVAL_MS = 5_000;

/** How often the writer looks whether another process has written, in milliseconds. */
const WATCH_INTERVAL_MS = 500;

function start(): void {
  const options = workerData as WorkerOptions;
  let connection: ReturnType<typeof open>;
  try {
    connection = open(options);
  } catch (error) {
    const { kind } = faultOf(error);
    port?.postMessage({
      ready: false,
      kind,
      reason: explainFault(`open the database ${options.path}`, error),
    } satisfies ReadyMessage);
    return;
  }
  port?.postMessage({ ready: true, epoch: connection.epoch } satisfies ReadyMessage);
  // As in `main.ts`, while the main thread still loads.
  globalThis.gc?.({ execution: 'sync', flavor: 'last-resort' });
  const watch = () => {
    try {
      if (connection.writtenOutside()) port?.postMessage({ kind: 'outside write' } satisfies OutsideWrite);
      connection.removeTraces();
    } catch (error) {
      port?.postMessage({ kind: 'watch failed', fault: faultOf(error) } satisfies WatchFailed);
    }
  };
  // The reader would see the writer's own commits as another's.
  const watching = options.role === 'reader' ? undefined : setInterval(watch, WATCH_INTERVAL_MS);
  port?.on('message', (batch: BatchMessage | 'close') => {
    if (batch === 'close') {
      clearInterval(watching);
      connection.close();
      port?.close();
    } else {
      const replies = batch.kind === 'write' ? connection.write(batch.calls) : connection.read(batch.calls);
      port?.postMessage({ kind: batch.kind, replies } satisfies BatchReply);
    }
  });
}

start();
