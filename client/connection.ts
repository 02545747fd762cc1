import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import type { Answer } from '../protocol/answer.ts';
import type { CommandName, CommandPayload, CommandResult } from '../protocol/commands.ts';
import type { Locale } from '../protocol/errors.ts';
import type { EventPayload } from '../protocol/events.ts';
import { Backoff } from './backoff.ts';
import { ChatError, localError } from './error.ts';

/** Options of socket.io-client that an app may set; reconnecting is this client's own work. */
export type TransportOptions = Partial<Omit<ManagerOptions & SocketOptions, 'auth' | 'autoConnect' | 'forceNew'>>;

/** How a command is sent. */
export interface CallOptions<C extends CommandName> {
  /** Called with the result in the turn in which it arrives, before any event that comes after it. */
  readonly apply?: (result: CommandResult<C>) => void;
  /** How long an answer may take before the connection counts as dead, in milliseconds. */
  readonly answerMs?: number;
}

/** How to sign in: exactly one of `username` and `token`. */
export type Credentials = Omit<CommandPayload<'authenticate'>, 'client'>;

/** What a sign-in answers. */
export type SignedIn = CommandResult<'authenticate'>;

/** Where a connection leads, who signs in on it, and who is told what comes. */
export interface ConnectionOptions {
  readonly url: string;
  readonly locale: Locale;
  readonly transport: TransportOptions;
  /** How to sign in, asked at each attempt. */
  readonly credentials: () => CommandPayload<'authenticate'>;
  /** Called when signed in, before any event that follows. */
  readonly onSignedIn: (session: SignedIn) => void;
  /** Called when the server will not have this user; the connection has stopped. */
  readonly onRefused: (error: ChatError) => void;
  readonly onEvent: (name: string, payload: unknown) => void;
  /** Called when the phase has changed. */
  readonly onPhase: () => void;
}

/** What a connection is doing: nothing, waiting for its next attempt, opening and signing in, or working. */
export type Phase = 'stopped' | 'waiting' | 'opening' | 'ready';

/** An acknowledgement that has not come after this long will not come: 10 s. */
export const ANSWER_MS = 10_000;
/** The same for answers of up to 256 KiB, which need time on a slow network. */
export const PAGE_MS = 60_000;
/** A connection that lasted this long was a good one: the next loss begins with short waits again. */
const STABLE_MS = 10_000;

/** One signed-in connection at a time, which comes back by itself until it is stopped. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #backoff = new Backoff();
  readonly #unanswered = new Set<(error: ChatError) => void>();
  readonly #waiting = new Set<(error?: ChatError) => void>();
  #phase: Phase = 'stopped';
  #socket: Socket | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #readySince = 0;
  #refusal: ChatError | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** What it is doing. */
  get phase(): Phase {
    return this.#phase;
  }

  /** Why the last sign-in was put off, as long as none has succeeded since. */
  get refusal(): ChatError | undefined {
    return this.#refusal;
  }

  /** Connects, if it does not already. */
  start(): void {
    if (this.#phase === 'stopped') this.#open();
  }

  /** Ends the connection; it does not come back. Commands under way and waiting fail. */
  stop(error: ChatError = localError('UNAUTHENTICATED')): void {
    this.#close();
    this.#setPhase('stopped');
    for (const settle of [...this.#waiting]) settle(error);
  }

  /** Tries at once, where it waits for its next attempt: the network is back. */
  retryNow(): void {
    if (this.#phase === 'waiting') this.#open();
  }

  /** Gives up the connection as it is and makes a new one after a wait, at least as long as the server asked. */
  reconnect(retryAfterMs?: number): void {
    if (this.#phase === 'stopped') return;
    this.#close();
    if (this.#readySince > 0 && Date.now() - this.#readySince >= STABLE_MS) this.#backoff.reset();
    this.#readySince = 0;
    this.#backoff.ask(retryAfterMs);
    this.#timer = setTimeout(() => this.#open(), this.#backoff.next());
    this.#setPhase('waiting');
  }

  /**
   * Sends a command and gives its result; waits up to 10 s for a connection.
   * @throws ChatError with the server's code, `OFFLINE` when nothing was sent, `NO_ANSWER` when it was sent in vain
   */
  async call<C extends CommandName>(
    command: C,
    payload: CommandPayload<C>,
    options: CallOptions<C> = {},
  ): Promise<CommandResult<C>> {
    if (this.#phase !== 'ready') await this.#ready();
    return await this.#send(command, payload, options);
  }

  #ready(): Promise<void> {
    if (this.#phase === 'stopped') return Promise.reject(localError('UNAUTHENTICATED'));
    return new Promise((resolve, reject) => {
      const settle = (error?: ChatError) => {
        clearTimeout(timer);
        this.#waiting.delete(settle);
        if (error === undefined) resolve();
        else reject(error);
      };
      const timer = setTimeout(() => settle(localError('OFFLINE')), ANSWER_MS);
      this.#waiting.add(settle);
    });
  }

  #send<C extends CommandName>(
    command: C,
    payload: CommandPayload<C>,
    { apply, answerMs = ANSWER_MS }: CallOptions<C>,
  ): Promise<CommandResult<C>> {
    const socket = this.#socket;
    if (socket === undefined || !socket.connected) return Promise.reject(localError('OFFLINE'));
    return new Promise((resolve, reject) => {
      const settle = (error?: ChatError, result?: CommandResult<C>) => {
        clearTimeout(timer);
        this.#unanswered.delete(settle);
        if (result === undefined) return reject(error);
        apply?.(result);
        resolve(result);
      };
      const timer = setTimeout(() => {
        settle(localError('NO_ANSWER'));
        this.#lost(socket);
      }, answerMs);
      this.#unanswered.add(settle);
      socket.emit(command, payload, (answer: Answer<CommandResult<C>>) => {
        if (!this.#unanswered.has(settle)) return;
        if (answer.ok) settle(undefined, answer);
        else settle(new ChatError(answer.error));
      });
    });
  }

  #open(): void {
    clearTimeout(this.#timer);
    const { url, locale, transport } = this.#options;
    const socket = io(url, {
      transports: ['websocket', 'polling'],
      tryAllTransports: true,
      ...transport,
      auth: { locale },
      autoConnect: false,
      forceNew: true,
      reconnection: false,
    });
    this.#socket = socket;
    socket.on('connect', () => void this.#signIn(socket));
    socket.on('connect_error', (error) => this.#lost(socket, askedWait(error)));
    socket.on('disconnect', () => this.#lost(socket));
    socket.on('server_closing', ({ retry_after_ms }: EventPayload<'server_closing'>) =>
      this.#backoff.ask(retry_after_ms),
    );
    socket.onAny((name: string, payload: unknown) => this.#options.onEvent(name, payload));
    this.#setPhase('opening');
    socket.connect();
  }

  async #signIn(socket: Socket): Promise<void> {
    try {
      await this.#send('authenticate', this.#options.credentials(), {
        apply: (session) => {
          this.#readySince = Date.now();
          this.#refusal = undefined;
          this.#backoff.ease();
          this.#phase = 'ready';
          this.#options.onSignedIn(session);
          this.#options.onPhase();
          for (const settle of [...this.#waiting]) settle();
        },
      });
    } catch (error) {
      if (socket !== this.#socket || !(error instanceof ChatError)) return;
      if (error.isRetryable) {
        this.#refusal = error.code === 'NO_ANSWER' ? undefined : error;
        return this.reconnect(error.retryAfterMs);
      }
      this.stop(error);
      this.#options.onRefused(error);
    }
  }

  #lost(socket: Socket, retryAfterMs?: number): void {
    if (socket === this.#socket) this.reconnect(retryAfterMs);
  }

  /** Leaves the socket behind, whatever it does from now on. */
  #close(): void {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.offAny();
    socket?.removeAllListeners();
    socket?.disconnect();
    for (const fail of [...this.#unanswered]) fail(localError('NO_ANSWER'));
  }

  #setPhase(phase: Phase): void {
    if (phase === this.#phase) return;
    this.#phase = phase;
    this.#options.onPhase();
  }
}

/** How long a server that refused a handshake with 429 asks to wait, in milliseconds. Told over long-polling only. */
function askedWait(error: Error & { readonly context?: { readonly responseText?: unknown } }): number | undefined {
  const text = error.context?.responseText;
  const found = typeof text === 'string' ? /"retry_after_ms":(\d{1,9})\b/.exec(text)?.[1] : undefined;
  return found === undefined ? undefined : Number(found);
}
