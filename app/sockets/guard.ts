import { type Server as HttpServer, type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket as NetSocket } from 'node:net';
import type { Server, Socket } from 'socket.io';
import { WebSocket, WebSocketServer } from 'ws';
import { aboutCode } from '../../protocol/words.ts';
import type { Logger } from '../core/logger.ts';
import type { Metrics } from '../core/metrics.ts';
import { gcra, take } from '../services/limits/gcra.ts';
import type { Client, Limits } from '../services/limits/limits.ts';
import { boundPayloads, terminateUnread } from './transport.ts';

/** What guards a server from loads below Socket.IO. */
export interface GuardOptions {
  readonly limits: Limits;
  /** What the address of a request is counted by. */
  readonly addressOf: (request: IncomingMessage) => string;
  /** What the address of a TCP connection is counted by; undefined behind proxies, whose connections stand for many. */
  readonly peerKey: ((address: string) => string) | undefined;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

type EngineSocket = Socket['conn'];

/** Clients need no fragments: a packet has at most 64 KiB. A few stay allowed for libraries that make them. */
const FRAGMENTS_MAX = 128;

/** How many pieces of a frame that is not whole yet are kept; small enough to bound memory, enough for slow networks. */
const CHUNKS_MAX = 1_024;

/** How long a peer may take to answer a polite close, in milliseconds. */
const CLOSE_TIMEOUT_MS = 2_000;

/** How long a peer that broke the rules of WebSocket is there still, to be told so, in milliseconds. */
const LAST_WORD_MS = 100;

/** WebSocket's own pings and pongs, which Engine.IO does not use and some proxies send. */
const CONTROL_FRAMES = gcra({ count: 10, period: 1_000, burst: 100 });

/** An HTTP client may hold some connections beside its sockets. */
const PEER_CONNECTIONS_FACTOR = 2;

/** A WebSocket that ends itself when it is flooded with control frames. */
class GuardedWebSocket extends WebSocket {
  readonly #due = [0];

  constructor(...args: ConstructorParameters<typeof WebSocket>) {
    super(...args);
    this.on('ping', countControlFrame);
    this.on('pong', countControlFrame);
    this.on('error', endAfterFault);
  }

  /** Counts a control frame. */
  count(): void {
    if (take(this.#due, 0, CONTROL_FRAMES, performance.now()) > 0) terminateUnread(this);
  }
}

/**
 * After a frame that breaks the rules, ws says so and reads on, to drop what comes, until the peer closes. A flood would
 * be read for all that time: nothing more is read, and there is just time for the word to arrive.
 */
function endAfterFault(this: WebSocket): void {
  // Behind ws's own `resume`, which is scheduled for the next tick too.
  process.nextTick(() => this.pause());
  setTimeout(() => this.terminate(), LAST_WORD_MS).unref();
}

function countControlFrame(this: WebSocket): void {
  if (this instanceof GuardedWebSocket) this.count();
}

/** The WebSocket server under Engine.IO (its option `wsEngine`), with bounds on what one frame and one close may cost. */
export function webSocketEngine(guarded: boolean): new (options: object) => WebSocketServer {
  return class extends WebSocketServer {
    constructor(options: object) {
      super({
        ...options,
        maxFragments: FRAGMENTS_MAX,
        maxBufferedChunks: CHUNKS_MAX,
        closeTimeout: CLOSE_TIMEOUT_MS,
        ...(guarded && { WebSocket: GuardedWebSocket }),
      } as object);
    }
  };
}

/** Counts connections and packets before Socket.IO sees them, and ends what floods. */
export class Guard {
  readonly #options: GuardOptions;
  readonly #clients = new WeakMap<object, Client>();
  readonly #peers = new Map<string, number>();
  readonly #sessions = new Map<string, EngineSocket>();

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  /** Takes its place before the handshakes of a server. */
  protect(io: Server, http: HttpServer): void {
    const { limits, addressOf, peerKey } = this.#options;
    if (peerKey !== undefined) http.on('connection', (socket) => this.#acceptPeer(socket, peerKey));
    io.engine.use((request: IncomingMessage, response: unknown, next: () => void) => {
      // It was counted when it began.
      if (queryOf(request, 'sid') !== '') return next();
      const wait = limits.connect(addressOf(request));
      if (wait === 0) return next();
      this.#options.logger.debug({ wait }, 'a handshake was refused');
      refuse(request, response, wait);
    });
    io.engine.on('connection', (engine: EngineSocket) => this.#watch(engine, addressOf(engine.request)));
  }

  /**
   * Whether a request is counted here: a handshake, or a poll or post of a session that is on long-polling, which counts
   * by its packets. Not so what Engine.IO refuses, and what a browser asks before a request of another origin, which is
   * answered before anything here sees it.
   */
  isCounted(request: IncomingMessage): boolean {
    const { method } = request;
    const session = queryOf(request, 'sid');
    if (session === '') return method !== 'OPTIONS';
    const isPolling = this.#sessions.get(session)?.transport.name === 'polling';
    return isPolling && queryOf(request, 'transport') === 'polling' && (method === 'GET' || method === 'POST');
  }

  /** The client of a connection. */
  clientOf(socket: Socket): Client | null {
    return this.#clients.get(socket.conn) ?? null;
  }

  #watch(engine: EngineSocket, address: string): void {
    const { limits, logger, metrics } = this.#options;
    const client = limits.open(address);
    this.#clients.set(engine, client);
    const { id } = engine as unknown as { readonly id: string };
    this.#sessions.set(id, engine);
    const endFlood = () => {
      if (client.flooded) return;
      client.flooded = true;
      metrics.floods.inc();
      logger.warn({ address, transport: engine.transport.name }, 'a connection was ended: it sent far too much');
      terminate(engine);
    };
    boundPayloads(engine, limits.packetsAtOnce, endFlood);
    engine.on('packet', () => {
      if (!client.flooded && !limits.packet(client)) endFlood();
    });
    // Engine.IO answers probes itself, and tells of each with the transport that it came on.
    engine.on('upgrading', (transport: { socket?: WebSocket }) => {
      if (!client.flooded && limits.packet(client)) return;
      endFlood();
      if (transport.socket !== undefined) terminateUnread(transport.socket);
    });
    engine.once('close', () => {
      this.#sessions.delete(id);
      limits.close(client);
    });
  }

  /** Bounds TCP connections, which need no handshake at all. */
  #acceptPeer(socket: NetSocket, peerKey: (address: string) => string): void {
    const { limits, metrics } = this.#options;
    const key = peerKey(socket.remoteAddress ?? '');
    const open = this.#peers.get(key) ?? 0;
    if (open >= limits.cap('connections_per_address') * PEER_CONNECTIONS_FACTOR) {
      metrics.connectionsRefused.inc();
      socket.destroy();
      return;
    }
    this.#peers.set(key, open + 1);
    socket.once('close', () => {
      const left = (this.#peers.get(key) ?? 1) - 1;
      if (left === 0) this.#peers.delete(key);
      else this.#peers.set(key, left);
    });
  }
}

/** What the query of a request names, or nothing; read as Engine.IO reads it: the last counts. */
function queryOf(request: IncomingMessage, name: string): string {
  return new URL(request.url ?? '/', 'http://localhost').searchParams.getAll(name).at(-1) ?? '';
}

/** Answers a handshake with 429 and, in its body, the error that Socket.IO would have sent. */
function refuse(request: IncomingMessage, response: unknown, wait: number): void {
  const retry_after_ms = Math.ceil(wait);
  const body = JSON.stringify({ code: 'RATE_LIMITED', message: aboutCode('RATE_LIMITED', wait, 'en'), retry_after_ms });
  const headers = {
    'Content-Type': 'application/json',
    'Content-Length': String(Buffer.byteLength(body)),
    'Retry-After': String(Math.ceil(wait / 1_000)),
    Connection: 'close',
  };
  if (response instanceof ServerResponse) {
    response.writeHead(429, headers).end(body);
    return;
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  request.socket.on('error', () => request.socket.destroy());
  request.socket.write(`HTTP/1.1 429 Too Many Requests\r\n${lines.join('')}\r\n${body}`);
  // An `end` alone would leave the connection there for as long as the client likes.
  request.socket.destroySoon();
}

/** Ends an Engine.IO connection at once. */
function terminate(engine: EngineSocket): void {
  const { socket } = engine.transport as unknown as { socket?: WebSocket };
  engine.close(true);
  if (socket !== undefined) terminateUnread(socket);
}
