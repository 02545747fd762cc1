import type { Call, Reply } from '../engine.ts';
import type { Fault, StoreFault } from '../fault.ts';
import type { BriefWritten } from './brief.ts';

/** What a worker is started with. */
export interface WorkerOptions {
  /** The database file, or `:memory:`. */
  readonly path: string;
  /** `both` is for a database that only one connection can see. */
  readonly role: 'writer' | 'reader' | 'both';
  /** No other connection can see it: then what they would share needs no file, for which a full disk has no room. */
  readonly alone?: boolean;
}

/** Calls that the worker carries out together: writes in one transaction. */
export interface BatchMessage {
  readonly kind: 'write' | 'read';
  readonly calls: readonly Call[];
}

/** What became of a batch; with a fault, nothing of it was done. */
export type DoneMessage =
  | { readonly kind: 'write'; readonly written: BriefWritten }
  | { readonly kind: 'read'; readonly replies: readonly Reply[] }
  | { readonly kind: 'write' | 'read'; readonly fault: Fault };

/** Another process has written to the file since the last time this was looked at. */
export interface OutsideWrite {
  readonly kind: 'outside write';
}

/** Whether another process has written could not be seen; it is looked at again. */
export interface WatchFailed {
  readonly kind: 'watch failed';
  readonly fault: Fault;
}

/** The first thing a worker says: it is ready, or why it cannot be. */
export type ReadyMessage =
  | { readonly ready: true; readonly epoch: string }
  | { readonly ready: false; readonly kind: StoreFault; readonly reason: string };
