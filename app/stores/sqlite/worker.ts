import { parentPort, workerData } from 'node:worker_threads';
import { type Call, type Reply, readOf, thrown } from '../engine.ts';
import { shorten } from './brief.ts';
import { Database } from './database.ts';
import { explainFault, faultOf } from './faults.ts';
import { migrate } from './migrations.ts';
import { runRead } from './read.ts';
import { Writer } from './transact.ts';
import type {
  BatchMessage,
  DoneMessage,
  OutsideWrite,
  ReadyMessage,
  WatchFailed,
  WorkerOptions,
} from './worker-messages.ts';

/** A thread that owns one connection and carries out batches of calls, one batch at a time. */
const port = parentPort;
if (port === null) throw new Error('This file is a worker: it is not run by itself.');

function open({ path, role, alone = false }: WorkerOptions) {
  const db = new Database(path, { readOnly: role === 'reader', alone });
  const epoch = role === 'reader' ? '' : migrate(db);
  const writer = new Writer(db);

  /** Each in a snapshot of its own; a fault fails the call that met it and no other. */
  function read(calls: readonly Call[]): Reply[] {
    return calls.map(({ name, input }) => {
      try {
        return { ok: true, value: db.transaction('DEFERRED', () => runRead(db, readOf(name), input)) };
      } catch (error) {
        return thrown(error, faultOf);
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

  return { epoch, writer, read, writtenOutside, removeTraces, close: () => db.close() };
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
    } else port?.postMessage(carryOut(connection, batch));
  });
}

function carryOut({ writer, read }: ReturnType<typeof open>, { kind, calls }: BatchMessage): DoneMessage {
  try {
    return kind === 'write' ? { kind, written: shorten(calls, writer.write(calls)) } : { kind, replies: read(calls) };
  } catch (error) {
    return { kind, fault: faultOf(error) };
  }
}

start();
