import type { ErrorBody } from '../../protocol/answer.ts';
import type { ErrorCode, Locale, Wording } from '../../protocol/errors.ts';
import { aboutCode, aboutField, isFree } from '../../protocol/words.ts';

/** What a refusal tells beside its code. */
export interface RefusalDetails {
  /** The field of the payload that is at fault. */
  readonly field?: string;
  /** What is wrong with that field, or the payload: what follows its name. The code's own wording when absent. */
  readonly detail?: Wording;
  /** How long to wait before trying again, in milliseconds. */
  readonly retryAfterMs?: number;
  /** For a name that is taken: one that was free just now. */
  readonly suggestion?: string;
}

/** A command that is refused by a rule: thrown by services and stores, answered to the client with its code. */
export class Refusal extends Error {
  readonly code: ErrorCode;
  readonly details: RefusalDetails;

  constructor(code: ErrorCode, details: RefusalDetails = {}, options?: ErrorOptions) {
    super(sentence(code, details, 'en'), options);
    this.name = 'Refusal';
    this.code = code;
    this.details = details;
  }

  /** What the client is answered, in its language. */
  body(locale: Locale): ErrorBody {
    const { field, retryAfterMs, suggestion } = this.details;
    const body: ErrorBody = { code: this.code, message: sentence(this.code, this.details, locale) };
    if (field !== undefined) body.field = field;
    if (retryAfterMs !== undefined) body.retry_after_ms = retryAfterMs;
    if (suggestion !== undefined) body.suggestion = suggestion;
    return body;
  }
}

/** What a rule gives, or its refusal. */
export function orRefusal<T>(rule: () => T): T | Refusal {
  try {
    return rule();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

/** What people are told. */
function sentence(code: ErrorCode, details: RefusalDetails, locale: Locale): string {
  const { field, detail, retryAfterMs, suggestion } = details;
  if (detail !== undefined) return aboutField(field, detail, locale);
  const about = aboutCode(code, retryAfterMs, locale);
  return suggestion === undefined ? about : `${about} ${isFree(suggestion)[locale]}`;
}
