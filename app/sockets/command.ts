import type { Answer, ErrorBody } from '../../protocol/answer.ts';
import { COMMANDS, type CommandName } from '../../protocol/commands.ts';
import { ERRORS } from '../../protocol/errors.ts';
import { WRONG } from '../../protocol/words.ts';
import { Refusal } from '../models/refusal.ts';
import type { Incoming } from '../services/dispatch.ts';
import type { SocketConnection } from './connection.ts';
import { SignInUnderWay } from './early.ts';
import type { Acknowledgement } from './transport.ts';

/** The command that signs a connection in; what its handshake carries is a payload of it. */
export const SIGN_IN = 'authenticate' satisfies CommandName;

/** When a client that has not read what it was sent may ask for more, in milliseconds. */
const READ_FIRST_MS = 1_000;

/** An event of a socket: a command, answered by its callback or, when it has none and is refused, by an `error`. */
export class SocketCommand implements Incoming {
  readonly name: string;
  readonly #connection: SocketConnection;
  /** Its name and its arguments. */
  readonly #data: readonly unknown[];
  readonly #acknowledgement: Acknowledgement | undefined;
  /** The sign-in that it is. */
  #signIn: SignInUnderWay | null = null;

  constructor(connection: SocketConnection, data: readonly unknown[], acknowledgement?: Acknowledgement) {
    this.name = String(data[0]).slice(0, 64);
    this.#connection = connection;
    this.#data = data;
    this.#acknowledgement = acknowledgement;
    connection.running++;
  }

  get body(): unknown {
    return this.#data[1];
  }

  get isUnanswered(): boolean {
    return this.#acknowledgement === undefined;
  }

  /** While a sign-in of its connection is under way, it waits. */
  ready(name: CommandName): Promise<void> | undefined {
    if (this.#connection.leave !== null) throw new Refusal('UNAVAILABLE');
    if (this.#data.length > 2) throw new Refusal('INVALID_INPUT', { detail: WRONG.noObject });
    if (this.#connection.signIn !== null) return this.#wait(name);
    this.#begin(name);
    return undefined;
  }

  answer(answer: Answer<object>): void {
    if (!answer.ok && this.name === SIGN_IN) this.#refuseSignIn(answer.error);
    if (this.#acknowledgement !== undefined) this.#connection.acknowledge(this.#acknowledgement, answer);
    else if (!answer.ok) {
      this.#connection.send({ event: 'error', payload: { ...answer.error, event: this.name } });
    }
  }

  end(): void {
    const connection = this.#connection;
    if (this.#signIn !== null) {
      connection.signIn = null;
      this.#signIn.decide();
    }
    connection.running--;
    if (connection.running === 0) connection.leave?.();
  }

  async #wait(name: CommandName): Promise<void> {
    while (this.#connection.signIn !== null) await this.#connection.signIn.wait(this.body);
    this.#begin(name);
  }

  #begin(name: CommandName): void {
    const connection = this.#connection;
    const { needs, longAnswer } = COMMANDS[name];
    if (connection.identity === null && needs !== 'anyone' && connection.notSignedIn !== null) {
      throw connection.notSignedIn;
    }
    if (longAnswer && connection.mustReadFirst) throw new Refusal('OVERLOADED', { retryAfterMs: READ_FIRST_MS });
    if (name !== SIGN_IN || connection.identity !== null) return;
    this.#signIn = new SignInUnderWay();
    connection.signIn = this.#signIn;
  }

  #refuseSignIn({ code, retry_after_ms }: ErrorBody): void {
    this.#connection.waitsUntil = performance.now() + (retry_after_ms ?? 0);
    if (this.#signIn === null) return;
    const details = retry_after_ms === undefined ? {} : { retryAfterMs: retry_after_ms };
    this.#connection.notSignedIn = ERRORS[code].retryable ? new Refusal(code, details) : null;
  }
}
