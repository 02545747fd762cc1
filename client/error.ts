import type { ErrorBody } from '../protocol/answer.ts';
import type { ERRORS, ErrorCode } from '../protocol/errors.ts';

/** What the server calls worth repeating; kept in step with its table by the compiler. */
type RetryableCode = { [C in ErrorCode]: (typeof ERRORS)[C]['retryable'] extends true ? C : never }[ErrorCode];

/** What is wrong when a client finds it by itself. */
const LOCAL_TEXTS = {
  UNAUTHENTICATED: 'Sign in first.',
  OFFLINE: 'There is no connection.',
  NO_ANSWER: 'There was no answer.',
  OUTBOX_FULL: 'Too many are waiting.',
  DISCARDED: 'It was thrown away.',
} as const;

/** A code of the client's own: no server sends it. */
export type LocalErrorCode = Exclude<keyof typeof LOCAL_TEXTS, ErrorCode>;

/** Why a command failed. A newer server may send codes that are not in this list: keep a default branch. */
export type ChatErrorCode = ErrorCode | LocalErrorCode;

const RETRYABLE: Readonly<Record<RetryableCode | 'OFFLINE' | 'NO_ANSWER', true>> = {
  RATE_LIMITED: true,
  OVERLOADED: true,
  UNAVAILABLE: true,
  INTERNAL: true,
  OFFLINE: true,
  NO_ANSWER: true,
};

/** What every method of the client throws when a command fails. */
export class ChatError extends Error {
  /** For programs; never changes. */
  declare readonly code: ChatErrorCode;
  /** The field of the payload that is at fault. */
  declare readonly field: string | undefined;
  /** How long to wait before trying again, in milliseconds. */
  declare readonly retryAfterMs: number | undefined;
  /** Of `USERNAME_TAKEN`: a name like it that was free just now. */
  declare readonly suggestion: string | undefined;

  constructor(error: { code: ChatErrorCode; message: string } & Partial<Omit<ErrorBody, 'code'>>) {
    super(error.message);
    this.name = 'ChatError';
    this.code = error.code;
    this.field = error.field;
    this.retryAfterMs = error.retry_after_ms;
    this.suggestion = error.suggestion;
  }

  /** Whether the same command, simply repeated later, can succeed. */
  get isRetryable(): boolean {
    return this.code in RETRYABLE || this.retryAfterMs !== undefined;
  }
}

/** The error of a fault on this side; `UNAUTHENTICATED`: of a command that needs a user while nobody is signed in. */
export function localError(code: keyof typeof LOCAL_TEXTS): ChatError {
  return new ChatError({ code, message: LOCAL_TEXTS[code] });
}
