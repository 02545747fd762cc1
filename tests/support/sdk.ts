import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type Chat, createClient } from '../../client/chat.ts';
import type { ChatOptions } from '../../client/engine.ts';
import type { ChatRoom } from '../../client/room.ts';
import { memoryStorage } from '../../client/storage.ts';
import { unique } from './client.ts';
import { deadline } from './deadline.ts';

/** SDK clients of one test, closed together. */
export class Clients implements AsyncDisposable {
  readonly #clients: Chat[] = [];

  /** Makes a client with a storage of its own, unless the options say otherwise. */
  create(url: string, options: ChatOptions = {}): Chat {
    const chat = createClient(url, { storage: memoryStorage(), ...options });
    this.#clients.push(chat);
    return chat;
  }

  /** Makes a client and signs it in with a name of its own that starts with `base`. */
  async guest(url: string, base: string, options: ChatOptions = {}): Promise<Chat> {
    const chat = this.create(url, options);
    await chat.signIn({ username: unique(base) });
    return chat;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((chat) => chat.close()));
  }
}

/** Resolves once `holds` is true; it is looked at after each change. Rejects with `what` when that takes too long. */
export function until(
  subject: { subscribe(listener: () => void): () => void },
  holds: () => boolean,
  what = holds.toString(),
  ms?: number,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = () => {
    if (holds()) resolve();
  };
  const unsubscribe = subject.subscribe(look);
  look();
  return deadline(promise, what, ms).finally(unsubscribe);
}

/** What a room shows, without system messages: `text`, `text (pending)` or `text (failed)`. */
export function shown(room: ChatRoom): string[] {
  return room.messages
    .filter((message) => message.status !== 'sent' || !message.is_system_message)
    .map(({ status, content }) => (status === 'sent' ? content : `${content} (${status})`));
}

/** A TCP proxy whose connections can be cut, refused, or left open in silence. */
export class SwitchProxy implements AsyncDisposable {
  readonly #server = createServer((socket) => this.#accept(socket));
  readonly #sockets = new Set<Socket>();
  readonly #target: () => number;
  #mode: 'pass' | 'refuse' | 'silent' = 'pass';

  constructor(target: () => number) {
    this.#target = target;
  }

  static async start(target: () => number): Promise<SwitchProxy> {
    const proxy = new SwitchProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Ends every connection; new ones pass. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Ends every connection and refuses new ones, until {@link pass}. */
  refuse(): void {
    this.#mode = 'refuse';
    this.cut();
  }

  /** Passes nothing any more, in either direction, while connections stay open. */
  silence(): void {
    this.#mode = 'silent';
  }

  /** Works again. What passed nothing before is cut. */
  pass(): void {
    if (this.#mode === 'silent') this.cut();
    this.#mode = 'pass';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.cut();
    await closed;
  }

  #accept(client: Socket): void {
    if (this.#mode === 'refuse') {
      client.destroy();
      return;
    }
    const server = connect(this.#target(), '127.0.0.1');
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.on('data', (chunk) => {
        if (this.#mode !== 'silent') to.write(chunk);
      });
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}
