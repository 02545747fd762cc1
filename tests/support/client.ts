import { randomUUID } from 'node:crypto';
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import type {
  Answer,
  CommandName,
  CommandPayload,
  CommandResult,
  ErrorBody,
  ErrorCode,
  EventName,
  EventPayload,
  Message,
  Room,
} from '../../protocol/index.ts';
import { deadline } from './deadline.ts';
import { Verifier } from './verifier.ts';

/** How a client reaches the server. */
export type Transport = 'websocket' | 'polling';
/** Both ways, for `describe.each`. */
export const TRANSPORTS = ['websocket', 'polling'] as const satisfies Transport[];

/** One thing that happened on a connection, in the order in which it arrived. */
export type Entry =
  | { [E in EventName]: { readonly kind: 'event'; readonly name: E; readonly payload: EventPayload<E> } }[EventName]
  | { readonly kind: 'answer'; readonly name: string; readonly payload: Answer<unknown> }
  | { readonly kind: 'end'; readonly name: string; readonly payload: undefined };

/** How to connect; with neither `username` nor `token` nor `auth` the connection stays signed out. */
export interface ConnectOptions {
  /** Signs in as this guest with the command `authenticate`. */
  readonly username?: string;
  /** Comes back with this token, with the command `authenticate`. */
  readonly token?: string;
  /** What the handshake carries; the client does not send `authenticate` by itself then. */
  readonly auth?: Record<string, unknown>;
  /** One transport, without an upgrade; a list allows the upgrade. WebSocket by default. */
  readonly transport?: Transport | Transport[];
  /** Headers of the handshake. */
  readonly headers?: Record<string, string>;
}

/** Where a client connects to, and who closes and judges it in the end. */
export interface Host {
  readonly url: string;
  /** Hands the client over: the host closes it and reports what it found wrong. */
  track(client: TestClient): void;
}

/** A name that nobody else in this run has, still readable in a failure: `ada-1f3c9a2b`. */
export function unique(base: string): string {
  return `${base}-${randomUUID().slice(0, 8)}`;
}

/** Thrown when the connection ended before a command was answered. */
export class ConnectionLost extends Error {}

/**
 * A plain Socket.IO client that records all that it is told, and holds every answer and event against the protocol
 * (see {@link Verifier}). Every wait has a deadline.
 */
export class TestClient {
  /** The Socket.IO client under it. */
  readonly socket: Socket;
  /** Events, answers and the end of the connection, in order of arrival. */
  readonly entries: Entry[] = [];
  private readonly verifier = new Verifier();
  private readonly watchers = new Set<() => void>();
  private session: CommandResult<'authenticate'> | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.onAny((name: string, payload: unknown, ...rest: unknown[]) => {
      if (rest.length > 0) this.verifier.report(`${name} came with ${rest.length} more arguments than one`);
      if (this.verifier.event(name, payload)) this.record({ kind: 'event', name, payload } as Entry);
    });
    socket.on('disconnect', (reason) => {
      this.verifier.ended();
      this.record({ kind: 'end', name: reason, payload: undefined });
    });
  }

  /** What broke the protocol on this connection so far. */
  get violations(): readonly string[] {
    return this.verifier.violations;
  }

  /** The answer to `authenticate`. Throws when this client has not signed in with the command. */
  get me(): CommandResult<'authenticate'> {
    if (this.session === undefined) throw new Error('this client is not signed in');
    return this.session;
  }

  /** The id of the user who is signed in. */
  get id(): string {
    return this.me.user.id;
  }

  /** Signs in with the command; {@link me} gives the answer from then on. Throws when refused. */
  async signIn(payload: CommandPayload<'authenticate'>): Promise<CommandResult<'authenticate'>> {
    this.session = await this.ok('authenticate', payload);
    return this.session;
  }

  /** Sends a command and gives its answer, refused or not. Throws when there is none in time. */
  call<C extends CommandName>(command: C, payload: CommandPayload<C>): Promise<Answer<CommandResult<C>>> {
    return this.raw(command, payload) as Promise<Answer<CommandResult<C>>>;
  }

  /** Sends any arguments under any name, as a faulty client would, and gives the answer. */
  async raw(command: string, ...args: unknown[]): Promise<Answer<unknown>> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer<unknown>>();
    const lost = () => reject(new ConnectionLost(`the connection ended before ${command} was answered`));
    if (!this.socket.connected) lost();
    this.socket.once('disconnect', lost);
    const answered = deadline(promise, `an answer to ${command}`).finally(() => this.socket.off('disconnect', lost));
    this.socket.emit(command, ...args, (...answer: unknown[]) => {
      this.verifier.answer(command, answer);
      this.record({ kind: 'answer', name: command, payload: answer[0] as Answer<unknown> });
      resolve(answer[0] as Answer<unknown>);
    });
    return answered;
  }

  /** Sends a command that must succeed. Throws with the refusal otherwise. */
  async ok<C extends CommandName>(command: C, payload: CommandPayload<C>): Promise<CommandResult<C>> {
    const answer = await this.call(command, payload);
    if (!answer.ok) throw new Error(`${command} was refused: ${JSON.stringify(answer.error)}`);
    return answer;
  }

  /** Sends a command that must be refused, and gives the error. Throws when it succeeds. */
  async refused<C extends CommandName>(command: C, payload: CommandPayload<C>): Promise<ErrorBody> {
    const answer = await this.call(command, payload);
    if (answer.ok) throw new Error(`${command} was not refused: ${JSON.stringify(answer).slice(0, 500)}`);
    return answer.error;
  }

  /** The code with which a command that must be refused is refused. */
  async code<C extends CommandName>(command: C, payload: CommandPayload<C>): Promise<ErrorCode> {
    return (await this.refused(command, payload)).code;
  }

  /** Makes a public room, unless the payload says otherwise. */
  async createRoom(payload: Partial<CommandPayload<'create_room'>> = {}): Promise<Room> {
    return (await this.ok('create_room', { name: unique('room'), ...payload })).room;
  }

  /** Says something and gives the message. */
  async say(room: Room, content: string): Promise<Message> {
    return (await this.ok('send_message', { room_id: room.id, content })).message;
  }

  /** The place after the newest entry, to wait for or to look at only what comes later. */
  mark(): number {
    return this.entries.length;
  }

  /** The events of one name, from a mark on, in order. */
  all<E extends EventName>(name: E, from = 0): EventPayload<E>[] {
    const found: EventPayload<E>[] = [];
    for (const entry of this.entries.slice(from)) {
      if (entry.kind === 'event' && entry.name === name) found.push(entry.payload as EventPayload<E>);
    }
    return found;
  }

  /** The first event of this name, from the mark on, for which the predicate holds; it may have come already. */
  waitFor<E extends EventName>(
    name: E,
    predicate: (payload: EventPayload<E>) => boolean = () => true,
    options: { from?: number; ms?: number } = {},
  ): Promise<EventPayload<E>> {
    const find = () => this.all(name, options.from).find(predicate);
    return this.until(find, `the event ${name}`, options.ms);
  }

  /** Resolves with the first value of `probe` that is not undefined; it is tried again after each entry. */
  until<T>(probe: () => T | undefined, what: string, ms?: number): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<T>();
    const look = () => {
      const found = probe();
      if (found !== undefined) resolve(found);
    };
    this.watchers.add(look);
    look();
    return deadline(promise, what, ms).finally(() => this.watchers.delete(look));
  }

  /** Resolves with the reason once the connection has ended. */
  ended(): Promise<string> {
    return this.until(() => this.entries.find((entry) => entry.kind === 'end')?.name, 'the end of the connection');
  }

  /** Ends the connection; nothing tries to connect again. */
  close(): void {
    this.socket.disconnect();
  }

  private record(entry: Entry): void {
    this.entries.push(entry);
    for (const look of [...this.watchers]) look();
  }
}

/** Connects, and signs in when a `username` or a `token` is given. Throws when either fails. */
export async function connect(host: Host, options: ConnectOptions = {}): Promise<TestClient> {
  const transport = options.transport ?? 'websocket';
  const settings: Partial<ManagerOptions & SocketOptions> = {
    transports: typeof transport === 'string' ? [transport] : transport,
    upgrade: typeof transport !== 'string',
    forceNew: true,
    reconnection: false,
  };
  if (options.auth !== undefined) settings.auth = options.auth;
  if (options.headers !== undefined) settings.extraHeaders = options.headers;
  const client = new TestClient(io(host.url, settings));
  host.track(client);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  client.socket.once('connect', resolve);
  client.socket.once('connect_error', reject);
  await deadline(promise, 'the connection');
  if (options.username !== undefined) await client.signIn({ username: options.username });
  if (options.token !== undefined) await client.signIn({ token: options.token });
  return client;
}

/** A signed-in guest with a name of its own that starts with `base`. */
export function guest(host: Host, base: string, transport: ConnectOptions['transport'] = 'websocket') {
  return connect(host, { username: unique(base), transport });
}
