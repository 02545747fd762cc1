import type { Server as HttpServer, IncomingMessage } from 'node:http';
import { Server, type Socket } from 'socket.io';
import { LIMITS } from '../../protocol/limits.ts';
import type { Logger } from '../core/logger.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Sessions } from '../services/session.ts';
import { type Fanout, SocketConnection } from './fanout.ts';
import type { Dispatcher } from './handle.ts';
import { receiveEvents } from './transport.ts';

/** What the Socket.IO server needs. */
export interface SocketServerOptions {
  readonly http: HttpServer;
  readonly dispatcher: Dispatcher;
  readonly sessions: Sessions;
  readonly fanout: Fanout;
  readonly corsOrigins: '*' | readonly string[];
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
  /** The real address of a client. */
  readonly clientAddress: (request: IncomingMessage) => string;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Serves Socket.IO on an HTTP server: each connection's events go to the dispatcher, one after another as they come. */
export function createSocketServer(options: SocketServerOptions): Server {
  const { corsOrigins } = options;
  const io = new Server(options.http, {
    maxHttpBufferSize: LIMITS.packet_bytes,
    pingInterval: options.pingIntervalMs,
    pingTimeout: options.pingTimeoutMs,
    perMessageDeflate: false,
    cors: { origin: corsOrigins === '*' ? '*' : [...corsOrigins] },
    allowRequest: (request, decide) => decide(null, mayConnect(request, corsOrigins)),
  });
  io.on('connection', (socket) => accept(socket, options));
  return io;
}

/** The CORS headers alone do not stop a WebSocket, so the origin is checked here too. None, or the same host, passes. */
function mayConnect({ headers }: IncomingMessage, allowed: '*' | readonly string[]): boolean {
  const { origin, host } = headers;
  if (allowed === '*' || origin === undefined || allowed.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

function accept(socket: Socket, options: SocketServerOptions): void {
  const { dispatcher, metrics } = options;
  const auth: Record<string, unknown> = socket.handshake.auth;
  const connection = new SocketConnection(socket, auth['locale'] === 'tr' ? 'tr' : 'en', options.fanout);
  const logger = options.logger.child({ connection: socket.id });
  logger.info({ address: options.clientAddress(socket.request), transport: socket.conn.transport.name }, 'connected');
  metrics.connections.inc();

  receiveEvents(socket, ({ data, id }) => {
    const answer = id === undefined ? [] : [(reply: object) => connection.acknowledge(id, reply)];
    void dispatcher.handle(connection, [...data, ...answer]);
  });
  socket.on('error', (error) => logger.warn({ err: error }, 'a socket met a fault'));
  socket.on('disconnect', (reason) => {
    metrics.connections.dec();
    options.sessions.disconnect(connection);
    logger.info({ reason }, 'disconnected');
  });
  const { username, token } = auth;
  if (username === undefined && token === undefined) return;
  const payload = { ...(username !== undefined && { username }), ...(token !== undefined && { token }) };
  void dispatcher.handle(connection, ['authenticate', payload]);
}
