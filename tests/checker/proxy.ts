import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from './random.ts';

/** What a connection through the proxy suffers. */
const TROUBLES = {
  none: 3,
  /** Everything comes late, in order. */
  delayed: 3,
  /** Everything comes byte by byte, each in a packet of its own. */
  sliced: 2,
  /** Ends in the middle of whatever passes, in either direction. */
  cut: 4,
  /** Ends right after something was passed to the server, whose answer is dropped. */
  answer_dropped: 4,
  /** Passes nothing any more and stays open, until one side gives up. */
  silent: 2,
} as const;

type Trouble = keyof typeof TROUBLES;

/** More bytes than this of one chunk are not sliced. */
const SLICED_BYTES = 256;

/** A TCP proxy that mistreats its connections, each in one seeded way, while it is told to. */
export class FaultyProxy implements AsyncDisposable {
  /** How many connections suffered what. */
  readonly suffered: Record<Trouble, number> = {
    none: 0,
    delayed: 0,
    sliced: 0,
    cut: 0,
    answer_dropped: 0,
    silent: 0,
  };
  readonly #random: Random;
  readonly #target: () => number;
  readonly #server: Server;
  readonly #links = new Set<Link>();
  #troubled = false;

  /** @param target the server's port now, asked for each connection */
  constructor(random: Random, target: () => number) {
    this.#random = random;
    this.#target = target;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Opens a port of this machine. */
  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  /** Where clients connect to. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Mistreats connections from here on, or leaves those that come alone and ends those in trouble. */
  trouble(on: boolean): void {
    this.#troubled = on;
    if (!on) for (const link of this.#links) link.recover();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const link of this.#links) link.end();
    await ended;
  }

  #accept(client: Socket): void {
    const trouble = this.#troubled ? this.#random.weighted(TROUBLES) : 'none';
    this.suffered[trouble]++;
    const link = new Link(client, connect(this.#target(), '127.0.0.1'), { trouble, random: this.#random.fork('link') });
    this.#random.next();
    this.#links.add(link);
    void link.over.then(() => this.#links.delete(link));
  }
}

/** One client's connection and the one to the server that belongs to it. */
class Link {
  readonly over: Promise<void>;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #random: Random;
  #trouble: Trouble;
  /** How many bytes may pass before the trouble begins. */
  #budget: number;
  #muted = false;

  constructor(client: Socket, server: Socket, { trouble, random }: { trouble: Trouble; random: Random }) {
    this.#client = client;
    this.#server = server;
    this.#trouble = trouble;
    this.#random = random;
    this.#budget = random.whole(200, 60_000);
    this.over = Promise.all([client, server].map(closed)).then(() => {});
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => this.end());
      socket.on('close', () => this.end());
    }
    this.#pump(client, server);
    this.#pump(server, client);
  }

  end(): void {
    this.#client.destroy();
    this.#server.destroy();
  }

  recover(): void {
    if (this.#trouble === 'delayed' || this.#trouble === 'sliced') this.#trouble = 'none';
    else if (this.#trouble !== 'none') this.end();
  }

  #pump(from: Socket, to: Socket): void {
    let turn: Promise<void> = Promise.resolve();
    from.on('data', (chunk) => {
      turn = turn.then(() => this.#pass(chunk, from, to)).catch(() => this.end());
    });
  }

  async #pass(chunk: Buffer, from: Socket, to: Socket): Promise<void> {
    if (this.#muted) return;
    const begins = this.#budget < chunk.length;
    this.#budget -= chunk.length;
    switch (this.#trouble) {
      case 'none':
        to.write(chunk);
        return;
      case 'delayed':
        await delay(this.#random.whole(0, 40));
        to.write(chunk);
        return;
      case 'sliced':
        return slice(chunk, to);
      case 'cut':
        to.write(begins ? chunk.subarray(0, this.#random.whole(0, chunk.length - 1)) : chunk);
        if (begins) this.#client.end(() => this.end());
        return;
      case 'answer_dropped':
        to.write(chunk);
        if (!begins || from !== this.#client) return;
        this.#muted = true;
        await delay(this.#random.whole(5, 60));
        this.end();
        return;
      case 'silent':
        if (begins) this.#muted = true;
        else to.write(chunk);
    }
  }
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

async function slice(chunk: Buffer, to: Socket): Promise<void> {
  for (const byte of chunk.subarray(0, SLICED_BYTES)) {
    to.write(Buffer.of(byte));
    // A turn of the event loop between two bytes, so that they leave apart.
    await delay(0);
  }
  to.write(chunk.subarray(SLICED_BYTES));
}
