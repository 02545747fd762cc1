import { LIMITS } from '../../protocol/limits.ts';
import { Refusal } from '../models/refusal.ts';

/** When what found no room to wait may come again, in milliseconds. */
const RETRY_MS = 1_000;

/**
 * A sign-in that is under way on a connection. What else comes on it meanwhile waits until it is decided: Socket.IO's
 * clients send what was said while they were away as soon as they are connected, before a sign-in that went with the
 * handshake can be done.
 */
export class SignInUnderWay {
  readonly #decided = Promise.withResolvers<void>();
  #commands = 0;
  #bytes = 0;

  /**
   * Resolves once it is decided, in the order of the calls.
   * @throws Refusal `OVERLOADED` when too much waits already
   */
  wait(payload: unknown): Promise<void> {
    const bytes = JSON.stringify(payload ?? null).length;
    if (this.#commands >= LIMITS.early_commands || this.#bytes + bytes > LIMITS.early_bytes) {
      throw new Refusal('OVERLOADED', { retryAfterMs: RETRY_MS });
    }
    this.#commands++;
    this.#bytes += bytes;
    return this.#decided.promise;
  }

  /** Lets go on what waits. */
  decide(): void {
    this.#decided.resolve();
  }
}
