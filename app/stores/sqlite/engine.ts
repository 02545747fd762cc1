import type { Worker } from 'node:worker_threads';
import type { Logger } from '../../core/logger.ts';
import type { Call, Engine, Reply, Written } from '../engine.ts';
import { EngineFault, type Fault } from '../fault.ts';
import { restore } from './brief.ts';
import { endWorker, startThreads } from './threads.ts';
import type { BatchMessage, DoneMessage, OutsideWrite, WatchFailed } from './worker-messages.ts';

/** What the SQLite engine is opened with. */
export interface SqliteOptions {
  /** The database file, or `:memory:`. Its folder must exist. */
  readonly path: string;
  readonly logger: Logger;
  /** Told of a fault that no call met. */
  readonly onFault: (what: string, fault: Fault) => void;
}

/** What waits for the worker. */
interface UnderWay {
  readonly resolve: (done: DoneMessage) => void;
}

/**
 * Opens the embedded engine: one worker that writes, and one that reads, so that no query ever blocks the event loop and a
 * storm of reads does not hold up commits. A database in memory has one worker for both.
 * @throws Error with the reason when the database cannot be opened
 */
export async function openSqlite({ path, logger, onFault }: SqliteOptions): Promise<Engine> {
  const { writer, reader, epoch } = await startThreads(path, logger);
  const underWay = { write: [] as UnderWay[], read: [] as UnderWay[] };
  let onOutsideWrite: () => void = () => {};
  let onFailure: (error: Error) => void = () => {};
  let isClosed = false;

  for (const worker of new Set([writer, reader])) {
    worker.on('message', (message: DoneMessage | OutsideWrite | WatchFailed) => {
      if (message.kind === 'outside write') onOutsideWrite();
      else if (message.kind === 'watch failed') onFault('watch', message.fault);
      else underWay[message.kind].shift()?.resolve(message);
    });
    const fail = (error: Error) => {
      if (isClosed) return;
      isClosed = true;
      onFailure(error);
    };
    worker.on('error', fail);
    worker.on('exit', (code) => fail(new Error(`The database's worker ended with code ${code}.`)));
  }

  function carryOut(worker: Worker, batch: BatchMessage): Promise<DoneMessage> {
    return new Promise((resolve) => {
      underWay[batch.kind].push({ resolve });
      worker.postMessage(batch);
    });
  }

  return {
    epoch,
    readers: 1,
    async write(calls: readonly Call[]): Promise<Written> {
      const done = await carryOut(writer, { kind: 'write', calls });
      if ('written' in done) return restore(calls, done.written);
      throw faultIn(done);
    },
    async read(calls: readonly Call[]): Promise<readonly Reply[]> {
      const done = await carryOut(reader, { kind: 'read', calls });
      if ('replies' in done) return done.replies;
      throw faultIn(done);
    },
    onOutsideWrite: (listener) => {
      onOutsideWrite = listener;
    },
    onFailure: (listener) => {
      onFailure = listener;
    },
    async close() {
      isClosed = true;
      await Promise.all([...new Set([reader, writer])].map(endWorker));
    },
  };
}

function faultIn(done: DoneMessage): EngineFault {
  return new EngineFault('fault' in done ? done.fault : { kind: 'other', text: 'The worker gave another answer.' });
}
