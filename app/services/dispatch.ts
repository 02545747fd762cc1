import type { Answer } from '../../protocol/answer.ts';
import { COMMANDS, type CommandName, type CommandResult, type ParsedPayload } from '../../protocol/commands.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { noDeeperThan } from '../../protocol/words.ts';
import type { Logger } from '../core/logger.ts';
import type { Metrics } from '../core/metrics.ts';
import type { WithRaw } from '../models/raw-json.ts';
import { Refusal } from '../models/refusal.ts';
import { type Caller, isSignedIn, type SignedIn } from './caller.ts';
import type { Admission } from './limits/admission.ts';
import type { Limits } from './limits/limits.ts';
import type { Presence } from './presence.ts';

/** A command as it came, and how whoever carries it takes part. */
export interface Incoming {
  readonly name: string;
  /** What it carries, parsed from JSON; undefined or null stands for nothing. */
  readonly body: unknown;
  /** Whether nobody waits for the answer: events of the caller's connection then stand in for what it holds. */
  readonly isUnanswered?: boolean;
  /**
   * Lets the command go on once it is known that there is one of that name, before it is looked at; what does not
   * resolve at once holds it up. @throws Refusal
   */
  ready?(name: CommandName): Promise<void> | undefined;
  /** Takes the acknowledgement, in the turn that is its place in the stream of the caller's connection. */
  answer?(answer: Answer<object>): void;
  /** Told that all is done that the command began, with its answer or after it. */
  end?(): void;
}

/** One command of one caller, checked. */
export interface Call<C extends CommandName> {
  readonly caller: CallerOf<C>;
  readonly payload: ParsedPayload<C>;
  /** See {@link Incoming.isUnanswered}. */
  readonly isUnanswered: boolean;
}

type CallerOf<C extends CommandName> = (typeof COMMANDS)[C]['needs'] extends 'anyone' ? Caller : SignedIn;

type Result<C extends CommandName> = WithRaw<CommandResult<C>>;

/**
 * A result with a place of its own in what its caller's connection is sent, such as one that holds a snapshot. `deliver`
 * carries the command out, gives the result to `answer` at that place, and does in the same turn what is to follow.
 */
export class Placed<R> {
  /** Calls `answer` once, or rejects. */
  readonly deliver: (answer: (result: R) => void) => Promise<void>;

  constructor(deliver: (answer: (result: R) => void) => Promise<void>) {
    this.deliver = deliver;
  }
}

/** Carries out one command; what it gives back is answered. A `Refusal` that it throws is answered too. */
type Route<C extends CommandName> = (call: Call<C>) => Promise<Result<C>> | Placed<Result<C>>;

/** A route for each command. */
export type Routes = { readonly [C in CommandName]: Route<C> };

/** Commands that are declared to be done once under a key. */
type Idempotent = {
  [C in CommandName]: [NonNullable<(typeof COMMANDS)[C]['idempotent']>] extends [never] ? never : C;
}[CommandName];

/** What finds the result of each command that was done before under the same key; undefined when it is new. */
export type Idempotency = { readonly [C in Idempotent]: (call: Call<C>) => Promise<Result<C> | undefined> };

/** How commands are limited. */
export interface DispatchLimits {
  readonly limits: Limits;
  /** Lets expensive commands in at a bounded rate. */
  readonly admissions: { readonly [C in CommandName]?: Admission };
}

/** What a {@link Dispatcher} calls, and by which rules. */
export interface DispatchOptions {
  readonly routes: Routes;
  readonly idempotency: Idempotency;
  /** Null: nothing is limited. */
  readonly limiting: DispatchLimits | null;
  readonly presence: Presence;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** A checked command, until it has been answered. */
class CheckedCall<C extends CommandName> implements Call<C> {
  readonly caller: CallerOf<C>;
  readonly payload: ParsedPayload<C>;
  answered: Answer<object> | undefined = undefined;
  readonly #incoming: Incoming;

  constructor(caller: CallerOf<C>, payload: ParsedPayload<C>, incoming: Incoming) {
    this.caller = caller;
    this.payload = payload;
    this.#incoming = incoming;
  }

  get isUnanswered(): boolean {
    return this.#incoming.isUnanswered ?? false;
  }

  /** Answers. */
  reply(result: object): void {
    this.answered = { ok: true, ...result };
    this.#incoming.answer?.(this.answered);
  }
}

/** The one way in for commands: parses, authorises, limits, calls, answers. It does not know what they come over. */
export class Dispatcher {
  readonly #options: DispatchOptions;
  readonly #idle: (() => void)[] = [];
  #running = 0;
  #draining = false;

  constructor(options: DispatchOptions) {
    this.#options = options;
  }

  /** Carries out one command. Resolves with its acknowledgement when all is done that it began; never rejects. */
  async call(caller: Caller, incoming: Incoming): Promise<Answer<object>> {
    const at = performance.now();
    let call: CheckedCall<CommandName> | undefined;
    let leave: (() => void) | undefined;
    let outcome = 'ok';
    this.#running++;
    try {
      const name = this.#accept(caller, incoming, at);
      const ready = incoming.ready?.(name);
      if (ready !== undefined) await ready;
      call = this.#check(name, caller, incoming);
      const refusal = this.#limit(name, call, at);
      if (refusal === undefined) {
        const admission = this.#options.limiting?.admissions[name];
        if (admission !== undefined) leave = await this.#admit(admission, name);
        const result = this.#carryOut(name, call);
        if (result instanceof Placed) await result.deliver(call.reply.bind(call));
        else call.reply(await result);
      } else call.reply(await this.#repeated(name, call, refusal));
      if (call.answered === undefined) throw new Error('a command was carried out and not answered');
      return call.answered;
    } catch (error) {
      const refusal = this.#refusal(error, { event: incoming.name, connection: caller.connection?.id });
      outcome = refusal.code;
      return call?.answered ?? refuse(caller, incoming, refusal);
    } finally {
      leave?.();
      incoming.end?.();
      this.#running--;
      const command = isCommand(incoming.name) ? incoming.name : 'unknown';
      this.#options.metrics.command(command, outcome, (performance.now() - at) / 1_000);
      if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  /** Refuses new commands `UNAVAILABLE` from here on, and resolves when those under way have been answered. */
  async drain(): Promise<void> {
    this.#draining = true;
    if (this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** What is asked of any command. @throws Refusal when there is no such command, or it may not come in */
  #accept({ client }: Caller, { name, body }: Incoming, at: number): CommandName {
    if (client !== null) this.#options.limiting?.limits.command(client, at);
    if (!isCommand(name)) throw new Refusal('UNKNOWN_COMMAND');
    if (this.#draining) throw new Refusal('UNAVAILABLE');
    if (!depthAtMost(body, LIMITS.json_depth)) {
      throw new Refusal('INVALID_INPUT', { detail: noDeeperThan(LIMITS.json_depth) });
    }
    return name;
  }

  /** What its declaration asks. @throws Refusal when its caller may not give it, or it is malformed */
  #check<C extends CommandName>(name: C, caller: Caller, incoming: Incoming): CheckedCall<C> {
    const { needs, read } = COMMANDS[name];
    if (isSignedIn(caller)) {
      const online = this.#options.presence.get(caller.user.id);
      if (online !== undefined && needs !== 'anyone') this.#options.presence.active(online);
    } else if (needs !== 'anyone') throw new Refusal('UNAUTHENTICATED');
    const checked = read(incoming.body ?? {});
    if ('fault' in checked) throw new Refusal('INVALID_INPUT', checked.fault);
    return new CheckedCall<C>(caller as CallerOf<C>, checked.payload as ParsedPayload<C>, incoming);
  }

  /**
   * Not `async`, as nothing on the way of a message is but what waits: each such function costs half a kilobyte. And of
   * two commands that come in one turn, the first begins first.
   */
  #carryOut<C extends CommandName>(name: C, call: Call<C>): ReturnType<Route<C>> {
    const route: Route<C> = this.#options.routes[name];
    return route(call) as ReturnType<Route<C>>;
  }

  /** What the command's own rates say to it; undefined when it is within them. */
  #limit(
    name: CommandName,
    { caller: { client, user }, payload }: { readonly caller: Caller; readonly payload: object },
    at: number,
  ): Refusal | undefined {
    const limits = this.#options.limiting?.limits;
    if (limits === undefined || client === null) return undefined;
    if (client.user === null && user !== null) limits.signedIn(client, user.id);
    return limits.refusal(client, name, payload, at);
  }

  /** Who repeats what was done before gets its result, limited or not. @throws the refusal when it is no repeat */
  async #repeated<C extends CommandName>(name: C, call: Call<C>, refusal: Refusal): Promise<object> {
    const { idempotency } = this.#options;
    const find = (idempotency as { readonly [C in CommandName]?: (call: Call<C>) => Promise<object | undefined> })[
      name
    ];
    const key = COMMANDS[name].idempotent;
    if (find === undefined || key === undefined || !Object.hasOwn(call.payload, key)) throw refusal;
    const result = await find(call).catch(() => undefined);
    if (result === undefined) throw refusal;
    return result;
  }

  /** @returns what ends it */
  async #admit(admission: Admission, command: CommandName): Promise<() => void> {
    try {
      return await admission.admit();
    } catch (refusal) {
      this.#options.metrics.sentAway.inc({ command });
      throw refusal;
    }
  }

  #refusal(error: unknown, where: { event: string; connection: string | undefined }): Refusal {
    if (error instanceof Refusal) {
      if (error.code !== 'INTERNAL' && error.code !== 'UNAVAILABLE') return error;
      this.#options.logger.warn({ ...where, code: error.code }, 'a command failed');
      return error;
    }
    this.#options.logger.error({ err: error, ...where }, 'a command met a fault');
    return new Refusal('INTERNAL');
  }
}

function refuse({ locale }: Caller, incoming: Incoming, refusal: Refusal): Answer<object> {
  const answer = { ok: false, error: refusal.body(locale) } as const;
  incoming.answer?.(answer);
  return answer;
}

function isCommand(name: string): name is CommandName {
  return Object.hasOwn(COMMANDS, name);
}

/** Whether a value parsed from JSON nests at most `depth` deep; walks no deeper than that. */
function depthAtMost(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return true;
  if (depth === 0) return false;
  for (const inner of Object.values(value)) if (!depthAtMost(inner, depth - 1)) return false;
  return true;
}
