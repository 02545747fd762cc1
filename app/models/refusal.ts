import type { ErrorBody } from '../../protocol/answer.ts';
import { ERRORS, type ErrorCode, type Locale } from '../../protocol/errors.ts';

/** What a refusal tells beside its code. */
export interface RefusalDetails {
  /** The field of the payload that is at fault. */
  readonly field?: string;
  /** What is wrong with that field, in English; the code's own wording when absent. */
  readonly detail?: string;
  /** How long to wait before trying again, in milliseconds. */
  readonly retryAfterMs?: number;
}

/** A command that is refused by a rule: thrown by services and stores, answered to the client with its code. */
export class Refusal extends Error {
  readonly code: ErrorCode;
  readonly details: RefusalDetails;

  constructor(code: ErrorCode, details: RefusalDetails = {}, options?: ErrorOptions) {
    super(details.detail ?? ERRORS[code].message.en, options);
    this.name = 'Refusal';
    this.code = code;
    this.details = details;
  }

  /** The wording for people. The detail of a field is in English; other languages name the field alone. */
  wording(locale: Locale): string {
    const { field, detail } = this.details;
    const sentence = ERRORS[this.code].message[locale];
    if (detail === undefined) return sentence;
    if (locale !== 'en') return field === undefined ? sentence : `${sentence} (${field})`;
    return field === undefined ? detail : `${field}: ${detail}`;
  }

  /** What the client is answered, in its language. */
  body(locale: Locale): ErrorBody {
    const { field, retryAfterMs } = this.details;
    const body: ErrorBody = { code: this.code, message: this.wording(locale) };
    if (field !== undefined) body.field = field;
    if (retryAfterMs !== undefined) body.retry_after_ms = retryAfterMs;
    return body;
  }
}
