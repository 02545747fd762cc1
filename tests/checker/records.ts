import type {
  Answer,
  CommandName,
  CommandPayload,
  CommandResult,
  EventName,
  EventPayload,
  Message,
} from '../../protocol/index.ts';

/**
 * What happened, as the clients saw it. Places (`invoked`, `answered`, `at`) are numbers of one order over everything
 * that the process saw, so that "before" between two clients can be told.
 */
export interface History {
  /** In the order in which they were invoked. */
  readonly calls: readonly Call[];
  readonly connections: readonly ConnectionHistory[];
  /** What each client held at the end, when everything had been answered and delivered. */
  readonly finals: readonly ClientState[];
  /** What the clients or the harness found wrong by themselves. */
  readonly faults: readonly string[];
  /** The numbers that another process took, as `ROOM NUMBER`. */
  readonly beside: ReadonlySet<string>;
}

/** One command of one connection. With no `answer` its outcome is unknown: the connection ended before. */
export interface CallOf<C extends CommandName> {
  readonly command: C;
  readonly payload: CommandPayload<C>;
  readonly connection: string;
  readonly user_id: string;
  readonly invoked: number;
  answered?: number;
  answer?: Answer<CommandResult<C>>;
}

/** A command of any name. */
export type Call = { [C in CommandName]: CallOf<C> }[CommandName];

/** An event of any name, as it arrived. */
export type EventArrival = {
  [E in EventName]: {
    readonly kind: 'event';
    readonly at: number;
    readonly event: E;
    readonly payload: EventPayload<E>;
  };
}[EventName];

/** One thing that arrived on a connection. */
export type Arrival = EventArrival | { readonly kind: 'answer'; readonly at: number; readonly call: Call };

/** What arrived on one connection, in order. */
export interface ConnectionHistory {
  readonly id: string;
  readonly client: string;
  /** How it reaches the server; see `Way`. */
  readonly way: string;
  /** Empty until it has signed in. */
  user_id: string;
  readonly arrivals: Arrival[];
  /** Why it ended; undefined while it lives, which at the end of the run means: it must have everything. */
  ended?: string;
}

/** What a client holds of one room. */
export interface RoomHeld {
  readonly room_id: string;
  readonly cursor: number;
  /** The place of the oldest message that it has loaded: it must have all from there on. */
  readonly floor: number;
  readonly messages: readonly Message[];
}

/** What a client holds. */
export interface ClientState {
  readonly client: string;
  readonly user_id: string;
  readonly rooms: readonly RoomHeld[];
}

/** The result of a call of this name that succeeded; undefined for any other. */
export function succeeded<C extends CommandName>(call: Call, command: C): CommandResult<C> | undefined {
  if (call.command !== command || call.answer?.ok !== true) return undefined;
  return call.answer as CommandResult<C>;
}

/** Writes a {@link History} down while it happens. */
export class Recorder implements History {
  readonly calls: Call[] = [];
  readonly connections: ConnectionHistory[] = [];
  readonly finals: ClientState[] = [];
  readonly faults: string[] = [];
  readonly beside = new Set<string>();
  /** How many commands were acknowledged. */
  acknowledged = 0;
  #places = 0;
  #sealed = false;

  /** Takes note of a new connection. */
  open(id: string, client: string, way = 'websocket'): ConnectionHistory {
    const connection: ConnectionHistory = { id, client, way, user_id: '', arrivals: [] };
    this.connections.push(connection);
    return connection;
  }

  /** Takes note of a command that is about to be sent. */
  call<C extends CommandName>(connection: ConnectionHistory, command: C, payload: CommandPayload<C>): CallOf<C> {
    const { id, user_id } = connection;
    const call: CallOf<C> = { command, payload, connection: id, user_id, invoked: ++this.#places };
    this.calls.push(call as unknown as Call);
    return call;
  }

  /** Takes note of the answer to a command. */
  answer<C extends CommandName>(
    connection: ConnectionHistory,
    call: CallOf<C>,
    answer: Answer<CommandResult<C>>,
  ): void {
    if (this.#sealed) return;
    if (answer.ok) this.acknowledged++;
    call.answered = ++this.#places;
    call.answer = answer;
    connection.arrivals.push({ kind: 'answer', at: call.answered, call: call as unknown as Call });
  }

  /** Takes note of an event. */
  event(connection: ConnectionHistory, event: string, payload: unknown): void {
    if (this.#sealed) return;
    connection.arrivals.push({ kind: 'event', at: ++this.#places, event, payload } as EventArrival);
  }

  /** Takes note of the end of a connection. */
  end(connection: ConnectionHistory, reason: string): void {
    if (!this.#sealed) connection.ended ??= reason;
  }

  /** Nothing is written down from here on: connections that live now have lived to the end. */
  seal(): void {
    this.#sealed = true;
  }

  /** Takes note of what should not be. */
  fault(text: string): void {
    this.faults.push(text);
  }
}
