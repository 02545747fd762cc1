import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket as NetSocket } from 'node:net';
import { type Server, Socket } from 'socket.io';
import { WebSocket } from 'ws';
import type { Chunk } from './frames.ts';

/*
 * Everything that leans on internals of socket.io, engine.io or ws stands here, so that an upgrade of those packages
 * has one file to break. What it relies on, looked at in socket.io 4.8, engine.io 6.6 and ws 8.23:
 * - ws writes a frame to its net.Socket (`_socket`) at once, unless its sender compresses or reads a blob
 *   (`_sender._state` is not 0): so while the sender is idle and Engine.IO's queue (`writeBuffer`) is empty, all that
 *   was sent before has been handed to the net.Socket, and whole frames may be written behind it;
 * - Engine.IO keeps packets in `writeBuffer`, tells of it as `flush` when it hands all of them to the transport and as
 *   `drain` when it has; on long-polling that answers the poll in `res`;
 * - Engine.IO gives a packet with the option `wsPreEncodedFrame` to ws's sender as it is, in its place in the queue;
 * - Socket.IO hands each event packet to `onevent`, with the id of its acknowledgement.
 * Each is looked for before it is used; what is missing is done in the ordinary way, and told at the start.
 */

interface EngineWebSocket extends WebSocket {
  readonly _socket: NetSocket | null;
  readonly _sender?: { readonly _state: number; readonly _queue: readonly unknown[]; readonly sendFrame: unknown };
}

interface EnginePacket {
  readonly data?: unknown;
  readonly options?: { readonly wsPreEncodedFrame?: unknown } | null;
}

interface EngineConnection {
  readonly readyState: string;
  writeBuffer?: EnginePacket[];
  readonly transport: { readonly name: string; readonly perMessageDeflate: unknown; readonly socket?: EngineWebSocket };
  write(data: string, options?: { compress: boolean; wsPreEncodedFrame: Buffer[] }): void;
  close(discard: boolean): void;
}

const hasMethod = (prototype: object, name: string): boolean => typeof Reflect.get(prototype, name) === 'function';
const { Sender } = WebSocket as unknown as { Sender?: { prototype: object } };
const takesFrames = Sender !== undefined && hasMethod(Sender.prototype, 'sendFrame');
const takesEvents = hasMethod(Socket.prototype, 'onevent');

/** What this file relies on and the installed packages no longer have: then the ordinary, slower way is taken. */
export function missingInternals(): string[] {
  return [...(takesFrames ? [] : ['Sender.sendFrame of ws']), ...(takesEvents ? [] : ['Socket.onevent of socket.io'])];
}

const engineOf = (socket: Socket): EngineConnection => socket.conn as unknown as EngineConnection;

/** How chunks reach a socket: straight to the network, through Engine.IO's queue as frames, or packet by packet. */
export type Way = 'direct' | 'queued' | 'ordinary';

/** The way that what is sent to a socket now takes. */
export function wayTo(socket: Socket): Way {
  return wayOf(engineOf(socket));
}

function wayOf({ transport, writeBuffer }: EngineConnection): Way {
  const ws = transport.socket;
  if (!takesFrames || transport.name !== 'websocket' || ws === undefined || transport.perMessageDeflate)
    return 'ordinary';
  const sender = ws._sender;
  if (!Array.isArray(writeBuffer)) return 'queued';
  const idle = writeBuffer.length === 0 && ws.readyState === ws.OPEN && ws._socket !== null;
  return idle && sender?._state === 0 && sender._queue?.length === 0 ? 'direct' : 'queued';
}

/** Chunks up to this size together are joined into one string: cheaper than a vectored write. */
const JOINED_BYTES_MAX = 16_384;
/** A chunk up to this size is written as a string, which Node copies; a larger one as a buffer, which it does not. */
const TEXT_BYTES_MAX = 4_096;

/** Hands chunks to a socket, behind everything that was sent to it before. */
export function writeChunks(socket: Socket, chunks: readonly Chunk[]): void {
  const engine = engineOf(socket);
  if (engine.readyState !== 'open') return;
  switch (wayOf(engine)) {
    case 'direct':
      writeDirect(engine.transport.socket?._socket, chunks);
      return;
    case 'queued':
      for (const { frames } of chunks) engine.write('', { compress: false, wsPreEncodedFrame: [frames] });
      return;
    case 'ordinary':
      for (const { packets } of chunks) for (const packet of packets) engine.write(packet);
  }
}

function writeDirect(net: NetSocket | null | undefined, chunks: readonly Chunk[]): void {
  const [first] = chunks;
  if (!net || first === undefined) return;
  if (chunks.length === 1) {
    if (first.bytes <= TEXT_BYTES_MAX) net.write(first.text, 'latin1');
    else net.write(first.frames);
    return;
  }
  let bytes = 0;
  for (const chunk of chunks) bytes += chunk.bytes;
  if (bytes <= JOINED_BYTES_MAX) {
    let text = '';
    for (const chunk of chunks) text += chunk.text;
    net.write(text, 'latin1');
    return;
  }
  net.cork();
  for (const { frames } of chunks) net.write(frames);
  net.uncork();
}

/**
 * How much waits for a socket in this process; the kernel's buffers come on top. A queue can be long, so each packet in
 * it is looked at once: Engine.IO adds to its queue at the end, and begins a new one when it hands it on.
 */
export class Backlog {
  readonly #socket: Socket;
  #queue: readonly EnginePacket[] | undefined;
  #counted = 0;
  #queued = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** About how many bytes; on long-polling, what waits for the next poll. */
  get bytes(): number {
    const { transport, writeBuffer } = engineOf(this.#socket);
    const net = transport.name === 'websocket' ? transport.socket?._socket : undefined;
    const sent = net && !net.destroyed ? net.writableLength : 0;
    if (writeBuffer === undefined || writeBuffer.length === 0) return sent;
    if (this.#queue !== writeBuffer) {
      this.#queue = writeBuffer;
      this.#counted = 0;
      this.#queued = 0;
    }
    for (; this.#counted < writeBuffer.length; this.#counted++) this.#queued += bytesOf(writeBuffer[this.#counted]);
    return sent + this.#queued;
  }
}

/** What a packet that waits costs beside its text, which matters when there are many small ones. */
const PACKET_BYTES = 100;

function bytesOf(packet: EnginePacket | undefined): number {
  const frames = packet?.options?.wsPreEncodedFrame;
  let bytes = PACKET_BYTES + (typeof packet?.data === 'string' ? packet.data.length : 0);
  if (Array.isArray(frames)) for (const frame of frames) bytes += Buffer.isBuffer(frame) ? frame.length : 0;
  return bytes;
}

/**
 * Ends a socket at once, dropping what waits for it: a polite close would keep that in memory until it has been sent
 * to a client that does not read.
 */
export function terminate(socket: Socket): void {
  const engine = engineOf(socket);
  engine.writeBuffer = [];
  const ws = engine.transport.name === 'websocket' ? engine.transport.socket : undefined;
  if (ws === undefined) engine.close(true);
  else ws.terminate();
}

/** Calls back with each answer to a poll of a socket that the network has not taken at once. */
export function watchPolls({ conn }: Socket, onUnread: (response: ServerResponse) => void): void {
  if (conn.transport.name !== 'polling') return;
  let response: ServerResponse | null | undefined;
  conn.on('flush', () => {
    response = (conn.transport as unknown as { readonly res?: ServerResponse | null }).res;
  });
  conn.on('drain', () => {
    if (response && response.writableLength > 0) onUnread(response);
    response = null;
  });
}

/** Calls back once nothing of what was sent to a socket that has ended is kept for the network. */
export function onceSent(socket: Socket, done: () => void): void {
  const { readyState, transport } = engineOf(socket);
  // A session of long-polling that is ended keeps what waits until it is fetched, or the session has been given up.
  if (readyState !== 'closed') {
    socket.conn.once('close', () => onceSent(socket, done));
    return;
  }
  const net = transport.socket?._socket;
  if (net && !net.destroyed && net.writableLength > 0) net.once('close', done);
  else done();
}

/** How an event is answered: the id that its acknowledgement must carry, or Socket.IO's own function for it. */
export type Acknowledgement = number | ((reply: unknown) => void);

/** Takes an event as it came, its name and its arguments; `acknowledgement` is undefined when none is wanted. */
type Receive = (data: readonly unknown[], acknowledgement: Acknowledgement | undefined) => void;

/**
 * Hands each event of a socket to one receiver, instead of a listener for each name, a closure for each
 * acknowledgement and a turn through the middleware for each event.
 */
export function receiveEvents(socket: Socket, receive: Receive): void {
  if (!takesEvents) {
    receiveThroughMiddleware(socket, receive);
    return;
  }
  const internal = socket as unknown as { onevent(packet: { data?: unknown[]; id?: number }): void };
  internal.onevent = ({ data = [], id }) => {
    if (socket.connected) receive(data, id);
  };
}

/** The documented way: a middleware that never passes on is the one listener of every event. */
function receiveThroughMiddleware(socket: Socket, receive: Receive): void {
  socket.use((event) => {
    const last: unknown = event.at(-1);
    if (typeof last === 'function') receive(event.slice(0, -1), last as (reply: unknown) => void);
    else receive(event, undefined);
  });
}

/**
 * Whether the handshake of a socket's connection was let go of before: another socket has come up on it. Socket.IO looks
 * for that before it does something asynchronous, so that of two CONNECT packets at once both pass.
 */
export function isHandshakeForgotten({ conn }: Socket): boolean {
  return Reflect.get(conn, 'request') === null;
}

/** Lets go of what the handshake leaves on a socket for as long as it lives: the first request, with its headers. */
export function forgetHandshake(socket: Socket): void {
  Object.assign(socket, { handshake: null });
  Object.assign(socket.conn, { request: null });
}

/**
 * Lets go of the request of each WebSocket once it is answered. Engine.IO keeps the response for as long as the
 * connection lives, to tell middlewares of its end, and the response names its request.
 */
export function releaseUpgrades({ engine }: Server): void {
  const responses = new WeakMap<IncomingMessage, object>();
  engine.use((request: IncomingMessage, response: object, next: () => void) => {
    if (!(response instanceof ServerResponse)) responses.set(request, response);
    next();
  });
  engine.on('headers', (_headers: unknown, request: IncomingMessage) => {
    const response = responses.get(request);
    if (response !== undefined) Object.assign(response, { req: null });
    responses.delete(request);
  });
}

/**
 * Ends a WebSocket at once, and has what came with the frame that was too many not looked at: in one piece of 64 KiB
 * from the network there are up to 10,000 frames, and ws goes through all of them without a pause. It stops when it
 * believes that nothing is left (looked at in ws 8.23; where that is done otherwise, the frames are read and dropped).
 */
export function terminateUnread(socket: WebSocket): void {
  socket.terminate();
  const { _receiver: receiver } = socket as unknown as {
    _receiver?: { _buffers?: unknown; _bufferedBytes?: unknown } | null;
  };
  if (!receiver || !Array.isArray(receiver._buffers) || typeof receiver._bufferedBytes !== 'number') return;
  receiver._buffers = [];
  receiver._bufferedBytes = 0;
}

/**
 * Has a polling POST of more packets than this not looked at: Engine.IO makes an object of each of them before it hands
 * on the first, up to 32,768 in 64 KiB. (Where a transport takes its data otherwise, they are only counted one by one.)
 */
export function boundPayloads(engine: Socket['conn'], packetsMax: number, onExcess: () => void): void {
  const transport = engine.transport as unknown as { readonly name: string; onData?: (data: unknown) => void };
  const { onData } = transport;
  if (transport.name !== 'polling' || typeof onData !== 'function') return;
  transport.onData = (data) => {
    if (typeof data === 'string' && countUpTo(data, PACKET_SEPARATOR, packetsMax) >= packetsMax) onExcess();
    else onData.call(transport, data);
  };
}

/** Between the packets of one polling request (Engine.IO protocol 4). */
const PACKET_SEPARATOR = '\u001e';

/** How often a character occurs; stops at `max`. */
function countUpTo(text: string, character: string, max: number): number {
  let count = 0;
  for (let at = text.indexOf(character); at >= 0 && count < max; at = text.indexOf(character, at + 1)) count++;
  return count;
}
