import type { Server as HttpServer, IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { Server, type Socket } from 'socket.io';
import { Adapter } from 'socket.io-adapter';
import { localeOf } from '../../protocol/errors.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { Logger } from '../core/logger.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Dispatcher } from '../services/dispatch.ts';
import type { Limits } from '../services/limits/limits.ts';
import type { Sessions } from '../services/session.ts';
import { SIGN_IN, SocketCommand } from './command.ts';
import { SocketConnection } from './connection.ts';
import { drainConnections } from './drain.ts';
import { closeLeft, endAsLost, LAST_BYTES_MS } from './ending.ts';
import type { Fanout } from './fanout.ts';
import { Guard, webSocketEngine } from './guard.ts';
import { SignInDeadline } from './sign-in-deadline.ts';
import {
  forgetHandshake,
  isHandshakeForgotten,
  missingInternals,
  receiveEvents,
  releaseUpgrades,
} from './transport.ts';

/** What the Socket.IO server serves, and how. */
export interface SocketServerOptions {
  readonly http: HttpServer;
  readonly dispatcher: Dispatcher;
  readonly sessions: Sessions;
  readonly fanout: Fanout;
  readonly corsOrigins: '*' | readonly string[];
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
  /** Over how long a server that stops sends its connections away, at most. */
  readonly drainMs: number;
  /** How long a connection may take to sign in. */
  readonly signInTimeoutMs: number;
  /** Null: nothing is limited. */
  readonly limits: Limits | null;
  /** What the address of a TCP connection is counted by; undefined behind proxies. */
  readonly peerKey: ((address: string) => string) | undefined;
  /** What the address of a request is counted by. */
  readonly addressOf: (request: IncomingMessage) => string;
  /** The real address of a client. */
  readonly clientAddress: (request: IncomingMessage) => string;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** A running Socket.IO server. */
export interface SocketServer {
  /** Where it is reached, with a slash at the end. */
  readonly path: string;
  /** Whether a request at its path is counted here: a handshake, or a request of a session that there is. */
  isCounted(request: IncomingMessage): boolean;
  /** Refuses new connections, and sends those there are away, one after another; each is served until its turn. */
  drain(): Promise<void>;
  /** Ends what is left, and the HTTP server under it. */
  close(): Promise<void>;
}

/** Serves Socket.IO on an HTTP server: each connection's events go to the dispatcher, one after another as they come. */
export function createSocketServer(options: SocketServerOptions): SocketServer {
  const { corsOrigins, http, limits, signInTimeoutMs, logger, metrics } = options;
  const connections = new Set<SocketConnection>();
  let draining = false;
  const io = new Server(http, {
    maxHttpBufferSize: LIMITS.packet_bytes,
    pingInterval: options.pingIntervalMs,
    pingTimeout: options.pingTimeoutMs,
    connectTimeout: signInTimeoutMs,
    perMessageDeflate: false,
    // Its way reads and compresses the file for each request; `http/assets.ts` has it in memory.
    serveClient: false,
    wsEngine: webSocketEngine(limits !== null),
    // To any origin a browser gives no answer that it asked for with cookies: nobody vouches for that origin.
    cors: corsOrigins === '*' ? { origin: '*' } : { origin: [...corsOrigins], credentials: true },
    adapter: NoRooms,
    allowRequest: (request, decide) => decide(null, !draining && isSpoken(request) && mayConnect(request, corsOrigins)),
  });
  const missing = [...missingInternals(), ...(endAsLost(io) ? [] : ['createTransport of engine.io'])];
  if (missing.length > 0) logger.warn({ missing }, 'connections are served in other ways: a package has changed');
  releaseUpgrades(io);
  const guard = limits && new Guard({ ...options, limits });
  guard?.protect(io, http);
  const deadline = new SignInDeadline({
    timeoutMs: signInTimeoutMs,
    now: () => performance.now(),
    onLate: (connection) => {
      metrics.signInTimeouts.inc();
      options.fanout.end(connection);
    },
  });
  http.once('close', () => deadline.close());
  io.on('connection', (socket) => {
    if (isHandshakeForgotten(socket)) socket.conn.close();
    else accept(socket, options, { guard, deadline, connections });
  });
  return {
    path: `${io.path()}/`,
    isCounted: (request) => guard?.isCounted(request) ?? false,
    async drain() {
      draining = true;
      const end = (connection: SocketConnection) => options.fanout.drop(connection);
      await drainConnections([...connections], { ...DRAIN, overMs: options.drainMs, end });
      await lastPolls(io, options.drainMs * LAST_POLLS_SHARE);
    },
    async close() {
      for (const { socket } of connections) socket.conn.close();
      // Node waits for each connection that has asked nothing yet, or does not read what it asked, as long as it stays.
      const cut = setTimeout(() => http.closeAllConnections(), LAST_BYTES_MS);
      await io.close().finally(() => clearTimeout(cut));
    },
  };
}

/** Fan-out keeps its own groups: Socket.IO's rooms, one at least for each socket, would be kept for nothing. */
class NoRooms extends Adapter {
  override addAll(): void {}
  override delAll(): void {}
}

/** Few connections are sent away quickly; each comes back within five seconds. */
const DRAIN = { perSecond: 500, returnWithinMs: 5_000 } as const;

/** How much of the time for draining long-polling clients may take, after their turn, to fetch what they are still owed. */
const LAST_POLLS_SHARE = 0.25;

/** Waits until no client is left: a closed WebSocket is gone at once, but long-polling must ask once more. */
async function lastPolls(io: Server, withinMs: number): Promise<void> {
  const until = performance.now() + withinMs;
  while (io.engine.clientsCount > 0 && performance.now() < until) await delay(20);
}

/**
 * Whether a handshake is of this protocol. Not so JSONP, for browsers of another age: its bodies are encoded once more.
 * Nor a WebSocket of another version, which Engine.IO refuses only when it is open, by a text that is no frame.
 */
function isSpoken({ url, headers }: IncomingMessage): boolean {
  const query = new URL(url ?? '/', 'http://localhost').searchParams;
  return !query.has('j') && (headers.upgrade === undefined || query.getAll('EIO').at(-1) === '4');
}

/** The CORS headers alone do not stop a WebSocket, so the origin is checked here too. None, or the same host, passes. */
function mayConnect({ headers }: IncomingMessage, allowed: '*' | readonly string[]): boolean {
  const { origin, host } = headers;
  if (allowed === '*' || origin === undefined || allowed.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

function accept(
  socket: Socket,
  options: SocketServerOptions,
  {
    guard,
    deadline,
    connections,
  }: { guard: Guard | null; deadline: SignInDeadline; connections: Set<SocketConnection> },
): void {
  const { dispatcher, metrics, logger } = options;
  const auth: Record<string, unknown> = socket.handshake.auth;
  const client = guard?.clientOf(socket) ?? null;
  const { username = null, token = null, client: about = null } = auth;
  const locale = localeOf(Reflect.get(Object(about), 'locale')) ?? localeOf(auth['locale']) ?? 'en';
  const connection = new SocketConnection(socket, { locale, client, outlet: options.fanout });
  const { id } = socket;
  const address = options.clientAddress(socket.request);
  logger.info({ connection: id, address, transport: socket.conn.transport.name }, 'connected');
  connections.add(connection);
  metrics.connections.inc();
  options.fanout.add(connection);
  deadline.add(connection);

  receiveEvents(socket, (data, acknowledgement) => {
    if (client?.flooded) return;
    void dispatcher.call(connection, new SocketCommand(connection, data, acknowledgement));
  });
  // A packet that is none: Socket.IO ends the connection.
  socket.on('error', ({ message }) => logger.debug({ connection: id, reason: message }, 'a packet was malformed'));
  socket.on('disconnect', (reason) => {
    metrics.connections.dec();
    deadline.delete(connection);
    connections.delete(connection);
    options.fanout.remove(connection);
    options.sessions.disconnect(connection);
    logger.info({ connection: id, reason }, 'disconnected');
    // Who leaves the namespace has no use for the connection under it, which nothing else would end.
    if (reason === 'client namespace disconnect') closeLeft(socket);
  });
  forgetHandshake(socket);
  if (username === null && token === null) return;
  void dispatcher.call(connection, new SocketCommand(connection, [SIGN_IN, { username, token, client: about }]));
}
