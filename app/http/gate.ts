import { IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from '../core/logger.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Limits } from '../services/limits/limits.ts';
import { errorBody } from './errors.ts';
import { isProbe } from './health.ts';
import { chooseLanguage } from './language.ts';

/** The bounds of a gate, and whom it tells. */
export interface GateOptions {
  /** Null: nothing is limited but how much one connection may ask at once. */
  readonly limits: Limits | null;
  /** What the address of a request is counted by. */
  readonly addressOf: (request: IncomingMessage) => string;
  /** Whether a trusted proxy sent a request and does not say for whom. */
  readonly isUnnamed: (request: IncomingMessage) => boolean;
  /** How long the headers of a request may take to arrive, in milliseconds; the whole of it, and an answer, twice that. */
  readonly timeoutMs: number;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** What stands behind the gate, beside the routes that were there when it was opened. */
export interface Beside {
  /** The path of Socket.IO, with a slash at its end: it alone may upgrade. */
  readonly path: string;
  /** Whether Socket.IO counts a request at this path itself. */
  isCounted(request: IncomingMessage): boolean;
}

/** One connection: what it has asked and not got yet. */
interface Line {
  readonly socket: Socket;
  unfinished: number;
  /** The response that was handed to the network last; it is in {@link Gate}'s list until it has left. */
  flushing: ServerResponse | null;
  /** How many bytes of it the network had not taken when somebody looked, -1 when nobody has; and since when. */
  unsent: number;
  since: number;
}

type Handler = (...args: unknown[]) => void;

/** Clients ask one thing at a time on a connection, or a few; what asks for more at once is a flood. */
const UNFINISHED_MAX = 8;

/** How often what takes too long is looked for, in milliseconds; Node's own default is 30 s. */
const SWEEP_MS = 1_000;

/**
 * What every HTTP request passes before any handler sees it. A connection that asks too much at once is ended, and
 * what it sent is not even parsed: Node takes a chunk of 64 KiB apart to its end, a thousand requests and more, before
 * it minds that nobody reads. An address has a rate, and an answer that nobody reads a time.
 */
export class Gate {
  readonly #options: GateOptions;
  readonly #lines = new WeakMap<Duplex, Line>();
  readonly #flushing = new Set<Line>();
  #routes: readonly Handler[] = [];
  #hasWarned = false;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** The options that Node's HTTP server has to be made with. */
  get serverOptions() {
    const isFull = (socket: Duplex) => this.#isFull(socket);
    /**
     * Node asks each request whether it wants to upgrade, and parses no further when it does: the one way to make it
     * stop in the middle of a chunk.
     */
    class GatedRequest extends IncomingMessage {
      declare offersUpgrade: boolean | null;
      readonly isExcess: boolean;

      constructor(socket: Socket) {
        super(socket);
        this.isExcess = isFull(socket);
      }

      get upgrade(): boolean {
        return this.isExcess || this.offersUpgrade === true;
      }

      set upgrade(value: boolean | null) {
        this.offersUpgrade = value;
      }
    }
    return {
      IncomingMessage: GatedRequest,
      // Who offers another protocol, such as h2c, is answered in this one; only WebSocket is spoken beside it.
      shouldUpgradeCallback: ({ headers, socket }: IncomingMessage) =>
        headers.upgrade?.toLowerCase() === 'websocket' || isFull(socket),
      // Looked at here, so that what is refused counts too.
      requireHostHeader: false,
    };
  }

  /** Records the routes that a server has. Call before Socket.IO is attached to it. */
  noteRoutes(server: Server): void {
    this.#routes = server.listeners('request') as Handler[];
  }

  /** Takes its place before all that a server has. Call once everything is attached to it. */
  protect(server: Server, beside: Beside): void {
    const all = takeListeners(server, 'request');
    const upgrades = takeListeners(server, 'upgrade');
    this.#boundTimes(server);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#count(request.socket, response);
      const isBeside = pathOf(request) === beside.path;
      if (isBeside) this.#warnOfUnnamed(request);
      if (this.#refuses(request, response, isBeside && beside.isCounted(request))) return;
      for (const handler of isBeside ? all : this.#routes) handler.call(server, request, response);
    });
    // Without this Node answers by itself, uncounted.
    server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
      this.#count(request.socket, response);
      refuse(request, response, 417);
    });
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (this.#isFull(socket)) this.#options.metrics.floods.inc();
      const unfinished = this.#lines.get(socket)?.unfinished ?? 0;
      if (unfinished > 0 || isFaulty(request) || pathOf(request) !== beside.path) return socket.destroy();
      this.#warnOfUnnamed(request);
      for (const handler of upgrades) handler.call(server, request, socket, head);
    });
  }

  /** Says once that addresses are not what they seem. Not for probes, which may well come from the proxy itself. */
  #warnOfUnnamed(request: IncomingMessage): void {
    if (this.#hasWarned || !this.#options.isUnnamed(request)) return;
    this.#hasWarned = true;
    this.#options.logger.warn(
      { proxy: request.socket.remoteAddress },
      'a proxy that TRUST_PROXY trusts sends no X-Forwarded-For: all its clients share one address, and its limits',
    );
  }

  /** Headers, whole requests and the reading of answers must come in time, or they would hold connections for ever. */
  #boundTimes(server: Server): void {
    const { timeoutMs } = this.#options;
    server.headersTimeout = timeoutMs;
    server.requestTimeout = 2 * timeoutMs;
    const sweepMs = Math.min(SWEEP_MS, timeoutMs / 4);
    // Node reads this when the server starts to listen; its types know it as an option of the constructor alone.
    Object.assign(server, { connectionsCheckingInterval: sweepMs });
    const sweeping = setInterval(() => this.#endUnread(), sweepMs);
    server.once('close', () => clearInterval(sweeping));
  }

  /**
   * Ends the connections that have read nothing of an answer for too long. Not by the time-out of the socket, which
   * begins anew with each byte that comes in.
   */
  #endUnread(): void {
    const { timeoutMs, metrics } = this.#options;
    const now = performance.now();
    for (const line of this.#flushing) {
      const unsent = unsentOf(line.socket);
      if (unsent !== line.unsent) Object.assign(line, { unsent, since: now });
      else if (now - line.since > 2 * timeoutMs) {
        metrics.slowClients.inc();
        line.socket.destroy();
      }
    }
  }

  /** Whether a connection may ask nothing more before it has got some of what it asked. */
  #isFull(socket: Duplex): boolean {
    return (this.#lines.get(socket)?.unfinished ?? 0) >= UNFINISHED_MAX;
  }

  #count(socket: Socket, response: ServerResponse): void {
    const line = this.#lines.get(socket) ?? { socket, unfinished: 0, flushing: null, unsent: -1, since: 0 };
    this.#lines.set(socket, line);
    line.unfinished++;
    const beginFlushing = () => {
      Object.assign(line, { flushing: response, unsent: -1 });
      this.#flushing.add(line);
    };
    response.once('prefinish', beginFlushing);
    response.once('close', () => {
      // What is answered after the client has gone goes nowhere, and nothing would tell of its end.
      response.off('prefinish', beginFlushing);
      if (line.flushing === response) this.#flushing.delete(line);
      // Not before the chunk it came in is parsed: answers that go out meanwhile would make room for the whole of it.
      setImmediate(() => line.unfinished--);
    });
  }

  /** Whether a request goes no further; it is answered then. */
  #refuses(request: IncomingMessage, response: ServerResponse, isCounted: boolean): boolean {
    const { limits, addressOf } = this.#options;
    if (isFaulty(request)) {
      refuse(request, response, 400);
      return true;
    }
    if (limits === null || isCounted || isProbe(pathOf(request))) return false;
    const wait = limits.request(addressOf(request));
    if (wait > 0) refuse(request, response, 429, wait);
    return wait > 0;
  }
}

/**
 * How many bytes the operating system has not taken yet. Node's own time-out looks at the queue of the handle too; what
 * is public tells only when a whole write is through.
 */
function unsentOf(socket: Socket): number {
  const { _handle } = socket as unknown as { readonly _handle?: { readonly writeQueueSize?: number } | null };
  return _handle?.writeQueueSize ?? socket.writableLength;
}

/** Takes the listeners of an event off a server. */
function takeListeners(server: Server, event: string): readonly Handler[] {
  const listeners = server.listeners(event) as Handler[];
  server.removeAllListeners(event);
  return listeners;
}

function pathOf({ url = '' }: IncomingMessage): string {
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
}

/**
 * What no client of today sends, and what proxies understand in different ways: HTTP/0.9, and more than one `Host`,
 * or none in HTTP/1.1.
 */
function isFaulty({ httpVersionMajor, httpVersionMinor, rawHeaders }: IncomingMessage): boolean {
  if (httpVersionMajor !== 1) return true;
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]?.toLowerCase() === 'host') hosts++;
  return hosts > 1 || (hosts === 0 && httpVersionMinor === 1);
}

/** Answers with an error, and ends the connection after it. */
function refuse(request: IncomingMessage, response: ServerResponse, status: number, waitMs?: number): void {
  const body = JSON.stringify(errorBody(status, chooseLanguage(undefined, request.headers), waitMs));
  if (waitMs !== undefined) response.setHeader('retry-after', Math.ceil(waitMs / 1_000));
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    connection: 'close',
  });
  response.end(body);
}
