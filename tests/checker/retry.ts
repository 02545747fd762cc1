import { ERRORS, type ErrorBody } from '../../protocol/index.ts';

const RETRY_MS = 200;
const RETRY_MAX_MS = 10_000;

/** Whether the same command may succeed when it is sent again. */
export function mayRetry({ code }: ErrorBody): boolean {
  return ERRORS[code].retryable;
}

/** How long to wait before that, in milliseconds. */
export function waitOf({ retry_after_ms = RETRY_MS }: ErrorBody): number {
  return Math.min(retry_after_ms, RETRY_MAX_MS);
}
