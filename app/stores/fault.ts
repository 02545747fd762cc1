import type { ErrorCode } from '../../protocol/errors.ts';

/**
 * Why a database cannot be used: it cannot be reached, another process holds its lock, there is no room on the disk, it
 * may not be written, the disk fails, a part of it cannot be read for good, it cannot be opened, too much is waiting for
 * it, or something else.
 */
export type StoreFault =
  | 'away'
  | 'locked'
  | 'full'
  | 'read_only'
  | 'io'
  | 'damaged'
  | 'unopened'
  | 'overloaded'
  | 'other';

/** A fault of an engine; the text is for the log. */
export interface Fault {
  readonly kind: StoreFault;
  readonly text: string;
}

/** An engine met a fault, and nothing of what it was to do was stored. */
export class EngineFault extends Error {
  readonly fault: Fault;

  constructor(fault: Fault, options?: ErrorOptions) {
    super(fault.text, options);
    this.fault = fault;
  }
}

/** A database could not be opened: the message is for people, and says what to do. */
export class UnopenedError extends Error {
  readonly kind: StoreFault;

  constructor(message: string, kind: StoreFault) {
    super(message);
    this.kind = kind;
  }
}

/** The code that a fault is answered with: `UNAVAILABLE` for the database's, `INTERNAL` for ours. */
export function faultCode({ kind }: Fault): ErrorCode {
  return kind === 'other' ? 'INTERNAL' : 'UNAVAILABLE';
}

/**
 * Whether something was stored is not known yet, as when a connection was lost in COMMIT. `settled` tells what was written,
 * null when nothing was; it rejects when it will never be known.
 */
export class UnheardFault<Written> extends EngineFault {
  readonly settled: Promise<Written | null>;

  constructor(fault: Fault, settled: Promise<Written | null>) {
    super(fault);
    this.settled = settled;
  }
}
