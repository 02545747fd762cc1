import { io, type Socket } from 'socket.io-client';
import type { Answer, CommandName, CommandPayload, CommandResult } from '../../protocol/index.ts';
import type { ConnectionHistory, Recorder } from './records.ts';

/** How a client reaches the server: one transport, or polling with an upgrade. */
export type Way = 'websocket' | 'polling' | 'upgrade';

/** How long a living connection may leave a command unanswered, in milliseconds. */
const ANSWER_MS = 20_000;

/** One connection of a plain Socket.IO client; every call and delivery is recorded. It never connects again by itself. */
export class Connection {
  /** Resolves when it has ended, or could not be made. */
  readonly ended: Promise<void>;
  /** Resolves with true once it stands, with false when it could not be made. */
  readonly opened: Promise<boolean>;
  readonly #socket: Socket;
  readonly #recorder: Recorder;
  readonly #history: ConnectionHistory;
  readonly #waiting = new Set<() => void>();
  #open = false;

  constructor(
    id: string,
    { url, way, client, recorder }: { url: string; way: Way; client: string; recorder: Recorder },
  ) {
    this.#recorder = recorder;
    this.#history = recorder.open(id, client, way);
    this.#socket = io(url, {
      forceNew: true,
      reconnection: false,
      transports: way === 'upgrade' ? ['polling', 'websocket'] : [way],
      timeout: 5_000,
    });
    const opened = Promise.withResolvers<boolean>();
    const ended = Promise.withResolvers<void>();
    this.opened = opened.promise;
    this.ended = ended.promise;
    const end = (reason: string) => {
      this.#open = false;
      recorder.end(this.#history, reason);
      for (const lose of this.#waiting) lose();
      this.#socket.disconnect();
      opened.resolve(false);
      ended.resolve();
    };
    this.#socket.on('connect', () => {
      this.#open = true;
      opened.resolve(true);
    });
    this.#socket.on('connect_error', () => end('no connection'));
    this.#socket.on('disconnect', end);
  }

  /** Whether it stands. */
  get open(): boolean {
    return this.#open;
  }

  /** Whose it is, once it has signed in. */
  set user_id(user_id: string) {
    this.#history.user_id = user_id;
  }

  /** Calls back with each event, after it was recorded. */
  onEvent(listener: (event: string, payload: unknown) => void): void {
    this.#socket.onAny((event: string, payload: unknown) => {
      this.#recorder.event(this.#history, event, payload);
      listener(event, payload);
    });
  }

  /** Sends a command. Resolves with undefined when the connection ended before the answer: nobody knows then. */
  call<C extends CommandName>(command: C, payload: CommandPayload<C>): Promise<Answer<CommandResult<C>> | undefined> {
    const { promise, resolve } = Promise.withResolvers<Answer<CommandResult<C>> | undefined>();
    if (!this.#open) return Promise.resolve(undefined);
    const call = this.#recorder.call(this.#history, command, payload);
    const lose = () => resolve(undefined);
    this.#waiting.add(lose);
    const timer = setTimeout(() => {
      this.#recorder.fault(`${command} of ${this.#history.id} (asked at ${call.invoked}) was left unanswered`);
      this.close();
    }, ANSWER_MS);
    this.#socket.emit(command, payload, (answer: Answer<CommandResult<C>>) => {
      this.#recorder.answer(this.#history, call, answer);
      resolve(answer);
    });
    return promise.finally(() => {
      clearTimeout(timer);
      this.#waiting.delete(lose);
    });
  }

  /** Ends it. */
  close(): void {
    this.#socket.disconnect();
  }
}
