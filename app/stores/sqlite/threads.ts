import { Worker } from 'node:worker_threads';
import type { Logger } from '../../core/logger.ts';
import { UnopenedError } from '../fault.ts';
import { checkAccess } from './access.ts';
import type { ReadyMessage, WorkerOptions } from './worker-messages.ts';

/** The threads of a store, each with a connection of its own. */
export interface Threads {
  readonly writer: Worker;
  readonly reader: Worker;
  readonly epoch: string;
}

/**
 * Starts the thread that writes and the one that reads, which are one where only one connection can see the database.
 * @throws Error with the reason when the database cannot be opened
 */
export async function startThreads(path: string, logger: Logger): Promise<Threads> {
  if (path === ':memory:') return await startOne({ path, role: 'both' });
  checkAccess(path);
  try {
    return await startTwo(path);
  } catch (error) {
    if (!(error instanceof UnopenedError && error.kind === 'full')) throw error;
    const threads = await startOne({ path, role: 'both', alone: true });
    logger.error('the disk is full: nothing can be written until there is room, and other processes cannot read');
    return threads;
  }
}

async function startOne(options: WorkerOptions): Promise<Threads> {
  const { worker, epoch } = await startWorker(options);
  return { writer: worker, reader: worker, epoch };
}

async function startTwo(path: string): Promise<Threads> {
  const { worker: writer, epoch } = await startWorker({ path, role: 'writer' });
  try {
    return { writer, reader: (await startWorker({ path, role: 'reader' })).worker, epoch };
  } catch (error) {
    await endWorker(writer);
    throw error;
  }
}

/** Closes the worker's connection and waits for its thread to end. */
export async function endWorker(worker: Worker): Promise<void> {
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  worker.postMessage('close');
  await ended;
}

async function startWorker(options: WorkerOptions): Promise<{ worker: Worker; epoch: string }> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: options });
  const ready = await new Promise<ReadyMessage>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  if (ready.ready) return { worker, epoch: ready.epoch };
  await worker.terminate();
  throw new UnopenedError(ready.reason, ready.kind);
}
