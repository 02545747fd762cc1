import { COMMANDS, type CommandName, type CommandResult, type ParsedPayload } from '../../protocol/commands.ts';
import { ERRORS } from '../../protocol/errors.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { noDeeperThan, WRONG } from '../../protocol/words.ts';
import type { Logger } from '../core/logger.ts';
import type { Metrics } from '../core/metrics.ts';
import type { WithRaw } from '../models/raw-json.ts';
import { Refusal } from '../models/refusal.ts';
import type { Connection, Identity, OnlineUser } from '../services/connection.ts';
import type { Admission } from '../services/limits/admission.ts';
import type { Idempotency } from '../services/limits/idempotency.ts';
import type { Client, Limits } from '../services/limits/limits.ts';
import type { Presence } from '../services/presence.ts';
import { SignInUnderWay } from './early.ts';
import type { SocketConnection } from './socket-connection.ts';
import type { Acknowledgement } from './transport.ts';

/** When a client that has not read what it was sent may ask for more, in milliseconds. */
const READ_FIRST_MS = 1_000;

/** What a handler gives back when it has answered by itself, at a place in the stream that it chose. */
export const ANSWERED = Symbol('answered');

/** One command of one client, checked. */
export interface Call<C extends CommandName> {
  readonly connection: Connection;
  readonly payload: ParsedPayload<C>;
  /** Whether the client gave a callback. */
  readonly acknowledged: boolean;
  /** Who calls. @throws Refusal `UNAUTHENTICATED` when nobody has signed in */
  readonly user: OnlineUser;
  /** Answers now; the handler then gives back {@link ANSWERED}. */
  readonly answer: (result: WithRaw<CommandResult<C>>) => void;
}

/** Carries out one command; what it gives back is the acknowledgement. A `Refusal` that it throws is answered. */
export type Handler<C extends CommandName> = (call: Call<C>) => Promise<WithRaw<CommandResult<C>> | typeof ANSWERED>;

/** A handler for each of these commands. */
export type Handlers<C extends CommandName = CommandName> = { readonly [K in C]: Handler<K> };

/** How commands are limited. */
export interface DispatchLimits {
  readonly limits: Limits;
  readonly idempotency: Idempotency;
  /** Lets expensive commands in at a bounded rate. */
  readonly admissions: { readonly [C in CommandName]?: Admission };
}

/** What the dispatcher needs. */
export interface DispatchOptions {
  readonly handlers: Handlers;
  /** Null: nothing is limited. */
  readonly limiting: DispatchLimits | null;
  readonly presence: Presence;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** One command as it came. */
interface Incoming<C extends CommandName> {
  readonly connection: SocketConnection;
  /** Null: nothing is limited. */
  readonly client: Client | null;
  readonly name: C;
  /** Its name and its arguments. */
  readonly data: readonly unknown[];
  readonly acknowledgement: Acknowledgement | undefined;
  /** When it came, by the clock of `performance.now()`. */
  readonly at: number;
}

/** A class: with a getter in an object literal, what a call holds stays until a full collection (docs/benchmarks.md). */
class CheckedCall<C extends CommandName> implements Call<C> {
  readonly connection: SocketConnection;
  readonly payload: ParsedPayload<C>;
  answered = false;
  readonly #identity: Identity | null;
  readonly #acknowledgement: Acknowledgement | undefined;

  constructor({ connection, acknowledgement }: Incoming<C>, payload: ParsedPayload<C>) {
    this.connection = connection;
    this.payload = payload;
    this.#identity = connection.identity;
    this.#acknowledgement = acknowledgement;
  }

  get acknowledged(): boolean {
    return this.#acknowledgement !== undefined;
  }

  get user(): OnlineUser {
    if (this.#identity === null) throw new Refusal('UNAUTHENTICATED');
    return this.#identity.user;
  }

  get answer(): (result: WithRaw<CommandResult<C>>) => void {
    return (result) => this.reply(result as object);
  }

  /** Answers once, if the client wants an answer. */
  reply(result: object): void {
    if (this.answered) return;
    this.answered = true;
    if (this.#acknowledgement !== undefined)
      this.connection.acknowledge(this.#acknowledgement, { ok: true, ...result });
  }
}

/** The one place where commands come in: parses, authorises, calls, and answers every one of them. */
export class Dispatcher {
  readonly #options: DispatchOptions;
  readonly #idle: (() => void)[] = [];
  #running = 0;
  #draining = false;

  constructor(options: DispatchOptions) {
    this.#options = options;
  }

  /**
   * Carries out one event as it came from the socket, its name and its arguments, and answers it if an answer is
   * wanted. `client` is whom the limits count it for.
   */
  async handle(
    connection: SocketConnection,
    data: readonly unknown[],
    client: Client | null = null,
    acknowledgement?: Acknowledgement,
  ): Promise<void> {
    if (client?.flooded) return;
    const at = performance.now();
    const name = String(data[0]).slice(0, 64);
    const known = isCommand(name);
    let result = 'ok';
    let call: CheckedCall<CommandName> | undefined;
    let signIn: SignInUnderWay | undefined;
    this.#running++;
    connection.running++;
    try {
      if (client !== null) this.#options.limiting?.limits.command(client, at);
      if (!known) throw new Refusal('UNKNOWN_COMMAND');
      if (this.#draining || connection.leave !== null) throw new Refusal('UNAVAILABLE');
      checkShape(data);
      while (connection.signIn !== null) await connection.signIn.wait(data[1]);
      if (name === 'authenticate' && connection.identity === null) {
        signIn = new SignInUnderWay();
        connection.signIn = signIn;
      }
      const incoming = { connection, client, name, data, acknowledgement, at };
      call = new CheckedCall(incoming, this.#check(incoming));
      const outcome = await this.#carryOut(incoming, call);
      if (outcome !== ANSWERED) call.reply(outcome);
    } catch (error) {
      const refusal = this.#refusal(error, { event: name, connection: connection.id });
      result = refusal.code;
      if (client !== null && name === 'authenticate') client.waitsUntil = at + (refusal.details.retryAfterMs ?? 0);
      if (signIn !== undefined) connection.notSignedIn = ERRORS[refusal.code].retryable ? refusal : null;
      const body = refusal.body(connection.locale);
      if (acknowledgement === undefined) connection.send({ event: 'error', payload: { ...body, event: name } });
      else if (call?.answered !== true) connection.acknowledge(acknowledgement, { ok: false, error: body });
    } finally {
      if (signIn !== undefined) {
        connection.signIn = null;
        signIn.decide();
      }
      this.#running--;
      connection.running--;
      if (connection.running === 0) connection.leave?.();
      this.#options.metrics.command(known ? name : 'unknown', result, (performance.now() - at) / 1_000);
      if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  /** Refuses new commands `UNAVAILABLE` from here on, and resolves when those under way have been answered. */
  async drain(): Promise<void> {
    this.#draining = true;
    if (this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** What a command carries. @throws Refusal when its connection may not give it, or it is malformed */
  #check<C extends CommandName>({ connection, name, data }: Incoming<C>): ParsedPayload<C> {
    if (COMMANDS[name].needs !== 'anyone') {
      if (connection.identity === null) throw connection.notSignedIn ?? new Refusal('UNAUTHENTICATED');
      this.#options.presence.active(connection.identity.user);
    }
    return parse(name, data[1] ?? {});
  }

  /** Not `async`, as nothing on the way of a message is but what waits: each such function costs half a kilobyte. */
  #carryOut<C extends CommandName>(incoming: Incoming<C>, call: CheckedCall<C>): Promise<object | typeof ANSWERED> {
    if (COMMANDS[incoming.name].longAnswer && incoming.connection.mustReadFirst) {
      throw new Refusal('OVERLOADED', { retryAfterMs: READ_FIRST_MS });
    }
    const refusal = this.#limit(incoming, call.payload);
    if (refusal !== undefined) return this.#repeated(incoming, call.payload, refusal);
    const handler: Handler<C> = this.#options.handlers[incoming.name];
    const admission = this.#options.limiting?.admissions[incoming.name];
    return admission === undefined ? handler(call) : this.#admitted(admission, () => handler(call), incoming.name);
  }

  /** What the command's own rates say to it; undefined when it is within them. */
  #limit<C extends CommandName>(
    { connection, client, name, at }: Incoming<C>,
    payload: ParsedPayload<C>,
  ): Refusal | undefined {
    const limits = this.#options.limiting?.limits;
    if (limits === undefined || client === null) return undefined;
    if (client.user === null && connection.identity !== null) limits.signedIn(client, connection.identity.user.id);
    return limits.refusal(client, name, payload, at);
  }

  /** Who repeats what was done before gets its answer, limited or not. @throws the refusal when it is no repeat */
  async #repeated<C extends CommandName>(
    { connection, name }: Incoming<C>,
    payload: ParsedPayload<C>,
    refusal: Refusal,
  ): Promise<object> {
    const user = connection.identity?.user;
    const result = user && (await this.#options.limiting?.idempotency.find(user, name, payload).catch(() => undefined));
    if (result === undefined) throw refusal;
    return result;
  }

  async #admitted<T>(admission: Admission, run: () => Promise<T>, command: CommandName): Promise<T> {
    const leave = await admission.admit().catch((refusal: unknown) => {
      this.#options.metrics.sentAway.inc({ command });
      throw refusal;
    });
    try {
      return await run();
    } finally {
      leave();
    }
  }

  #refusal(error: unknown, where: { event: string; connection: string }): Refusal {
    if (error instanceof Refusal) {
      if (error.code !== 'INTERNAL' && error.code !== 'UNAVAILABLE') return error;
      this.#options.logger.warn({ ...where, code: error.code }, 'a command failed');
      return error;
    }
    this.#options.logger.error({ err: error, ...where }, 'a command met a fault');
    return new Refusal('INTERNAL');
  }
}

function isCommand(name: string): name is CommandName {
  return Object.hasOwn(COMMANDS, name);
}

/** Looks at the arguments before anything else does. @throws Refusal `INVALID_INPUT` */
function checkShape(data: readonly unknown[]): void {
  if (data.length > 2) throw new Refusal('INVALID_INPUT', { detail: WRONG.noObject });
  if (!depthAtMost(data[1], LIMITS.json_depth)) {
    throw new Refusal('INVALID_INPUT', { detail: noDeeperThan(LIMITS.json_depth) });
  }
}

/** @throws Refusal `INVALID_INPUT` that names the first culprit */
function parse<C extends CommandName>(name: C, value: unknown): ParsedPayload<C> {
  const read = COMMANDS[name].read(value);
  if ('fault' in read) throw new Refusal('INVALID_INPUT', read.fault);
  return read.payload as ParsedPayload<C>;
}

/** Whether a value parsed from JSON nests at most `depth` deep; walks no deeper than that. */
function depthAtMost(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return true;
  if (depth === 0) return false;
  for (const inner of Object.values(value)) if (!depthAtMost(inner, depth - 1)) return false;
  return true;
}
