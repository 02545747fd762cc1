import type { ServerResponse } from 'node:http';
import type { Socket as NetSocket } from 'node:net';
import type { Server, Socket } from 'socket.io';
import { WebSocket } from 'ws';

/*
 * How connections end. Nearly always an end means "come back": the server stops, its store has failed, the client reads
 * too slowly. But what Engine.IO sends then, a close frame without a code or its own packet `close`, is a normal end to
 * some clients: they do not come back, or not before their ping times out. A network that is lost is the one end that
 * every client makes good. So that is what Engine.IO's transports do here, whoever ends them: what waits goes out first,
 * and nothing says goodbye.
 *
 * It leans on internals of engine.io 6.6 and ws 8.23, as transport.ts does: `createTransport` of the server, `doClose`
 * and `onClose` of its transports, `res` and `writable` of long-polling, `_socket` of a WebSocket. What is missing is
 * done in Engine.IO's own way.
 */

interface EngineTransport {
  readonly name: string;
  readonly socket?: WebSocket;
  /** Of long-polling: what answers the poll that is open, or is under way to its client. */
  readonly res?: ServerResponse | null;
  readonly writable?: boolean;
  doClose?: (onClosed?: () => void) => void;
  onClose?: () => void;
}

interface EngineServer {
  createTransport?: (name: string, request: object) => EngineTransport;
}

/** How long what waits for a client may take to go out, and the client to close its side, in milliseconds. */
export const LAST_BYTES_MS = 2_000;

/**
 * Has every connection of a server that is not ended for good end as if its network were lost. False when the installed
 * packages are not as they were.
 */
export function endAsLost(io: Server): boolean {
  const engine = io.engine as unknown as EngineServer;
  const { createTransport } = engine;
  if (typeof createTransport !== 'function') return false;
  engine.createTransport = (name, request) => {
    const transport = createTransport.call(engine, name, request);
    if (typeof transport.doClose === 'function' && typeof transport.onClose === 'function') {
      transport.doClose = (onClosed) => lose(transport, onClosed);
    }
    return transport;
  };
  return true;
}

/** Ends a connection for good: what waits goes out, the client is told, and does not come back by itself. */
export function endForGood(socket: Socket): void {
  endInOwnWay(socket);
  socket.disconnect(true);
}

/** Closes what is under a socket that its client has left. */
export function closeLeft(socket: Socket): void {
  endInOwnWay(socket);
  socket.conn.close();
}

/** Takes away again what {@link endAsLost} has put before the method of the transport's class. */
function endInOwnWay({ conn }: Socket): void {
  Reflect.deleteProperty(conn.transport, 'doClose');
}

/** Called once what waits has been handed on. */
function lose(transport: EngineTransport, onClosed: (() => void) | undefined): void {
  const { socket, res, writable } = transport;
  if (socket !== undefined) endUnsaid(socket);
  // A poll that is open is answered, with nothing in it; the next one finds that there is no such session.
  const end = () => {
    onClosed?.();
    if (socket === undefined) transport.onClose?.();
  };
  // An answer that is still being compressed: a process that stops waits only for sessions that are there.
  if (res && writable === false) res.once('close', end);
  else end();
}

/** Ends the TCP connection of a WebSocket behind what waits in it, without a close frame. */
function endUnsaid(socket: WebSocket): void {
  const { _socket: net } = socket as unknown as { readonly _socket?: NetSocket | null };
  if (socket.readyState !== WebSocket.OPEN || !net) {
    socket.close();
    return;
  }
  // Nothing is to be written behind the end, such as an answer to a ping.
  Reflect.set(socket, '_readyState', WebSocket.CLOSING);
  net.end();
  const timer = setTimeout(() => net.destroy(), LAST_BYTES_MS).unref();
  net.once('close', () => clearTimeout(timer));
}
