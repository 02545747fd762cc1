import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';
import {
  COMMANDS,
  type CommandName,
  type CommandPayload,
  type CommandResult,
  EVENTS,
  type Message,
} from '../../protocol/index.ts';

const { room } = COMMANDS.join_room.example.result;

/** The room of a {@link ScriptedServer}. */
export const SCRIPTED_ROOM = room;

/**
 * A server that answers as the declarations' examples do and otherwise says what a test wants: events of a later version
 * too. It has one room, whose log goes up to `head`.
 */
export class ScriptedServer implements AsyncDisposable {
  readonly #http = createServer();
  readonly #io = new Server(this.#http);
  /** The number of the newest entry of the room. */
  head = room.seq;
  /** From where each `sync` asked, in order. */
  readonly synced: number[] = [];
  readonly #changed: Message[] = [];

  static async start(): Promise<ScriptedServer> {
    const server = new ScriptedServer();
    server.#io.on('connection', (socket) => {
      socket.onAny((command: string, payload: object, answer?: (value: unknown) => void) => {
        answer?.({ ok: true, ...server.#answer(command, payload) });
      });
    });
    server.#http.listen(0, '127.0.0.1');
    await once(server.#http, 'listening');
    return server;
  }

  /** Where it listens. */
  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  /** A message with this text in the place and state of the next number, as `sync` answers it from now on. */
  next(content: string): Message {
    const like = EVENTS.message.example;
    this.head++;
    const id = like.id.slice(0, -4) + String(this.head).padStart(4, '0');
    const message = { ...like, id, seq: this.head, rev: this.head, content };
    this.#changed.push(message);
    return message;
  }

  /** Takes the next number and gives what an entry of it holds that no client knows. */
  unknown(): { readonly room_id: string; readonly rev: number; readonly stars: number } {
    return { room_id: room.id, rev: ++this.head, stars: 5 };
  }

  /** Sends an event to all. */
  tell(event: string, payload: unknown): void {
    this.#io.emit(event, payload);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#io.close();
  }

  #answer(command: string, payload: object): object {
    if (command === 'authenticate') return { ...COMMANDS.authenticate.example.result, rooms: [this.#room] };
    if (command === 'get_rooms') return { rooms: [this.#room], next: null };
    if (command === 'join_room') return { ...COMMANDS.join_room.example.result, room: this.#room };
    if (command === 'sync') return this.#sync(payload as CommandPayload<'sync'>);
    return Object.hasOwn(COMMANDS, command) ? COMMANDS[command as CommandName].example.result : {};
  }

  get #room() {
    return { ...room, seq: this.head };
  }

  #sync({ epoch, rooms }: CommandPayload<'sync'>): CommandResult<'sync'> {
    return {
      epoch,
      rooms: rooms.map(({ room_id, seq }) => {
        this.synced.push(seq);
        const newer = this.#changed.filter((message) => message.rev > seq);
        return { room_id, head: this.head, messages: newer, has_more: false, reset: false };
      }),
    };
  }
}
