import type { ErrorCode } from '../../../protocol/errors.ts';
import type { RefusalDetails } from '../../models/refusal.ts';
import type { StoreFault } from '../store.ts';
import type { Fault } from './faults.ts';

/** What a worker is started with. */
export interface WorkerOptions {
  /** The database file, or `:memory:`. */
  readonly path: string;
  /** `both` is for a database that only one connection can see. */
  readonly role: 'writer' | 'reader' | 'both';
  /** No other connection can see it: then what they would share needs no file, for which a full disk has no room. */
  readonly alone?: boolean;
}

/** One call of a batch, as it crosses to the worker. */
export interface CallMessage {
  readonly name: string;
  readonly input: unknown;
}

/** Calls that the worker carries out together: writes in one transaction. */
export interface BatchMessage {
  readonly kind: 'write' | 'read';
  readonly calls: readonly CallMessage[];
}

/** A call that met a fault, which is nobody's rule. */
export interface FailedReply {
  readonly ok: false;
  readonly code: ErrorCode;
  readonly fault: Fault;
}

/** What became of one call: a value, the refusal of a rule, or a fault. */
export type ReplyMessage =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: ErrorCode; readonly details?: RefusalDetails; readonly fault?: undefined }
  | FailedReply;

/** The replies to a batch, in the order of its calls. */
export interface BatchReply {
  readonly kind: 'write' | 'read';
  readonly replies: ReplyMessage[];
}

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
