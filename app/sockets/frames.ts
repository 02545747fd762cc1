import type { Socket } from 'socket.io';
import { WebSocket } from 'ws';

/**
 * Everything that leans on internals of socket.io, engine.io or ws, so that an upgrade of those packages has one file
 * to break. What it relies on: a packet given to Engine.IO with `wsPreEncodedFrame` is written by ws's sender as it is
 * (this is how socket.io-adapter broadcasts), and ws's `Sender.frame` makes the bytes of a frame.
 */

interface Sender {
  frame(data: Buffer, options: FrameOptions): Buffer[];
}

interface FrameOptions {
  readonly fin: true;
  readonly opcode: 1;
  readonly mask: false;
  readonly rsv1: false;
  readonly readOnly: boolean;
}

const FRAME: FrameOptions = { fin: true, opcode: 1, mask: false, rsv1: false, readOnly: false };

/** A Socket.IO event packet of the namespace `/`: what goes after Engine.IO's `4`. Payloads hold no binary. */
export function eventPacket(event: string, payload: unknown): string {
  return `2${JSON.stringify([event, payload])}`;
}

/** Whole WebSocket text frames of Engine.IO messages, joined into one buffer. */
export function joinFrames(packets: readonly string[]): Buffer {
  const { Sender } = WebSocket as unknown as { Sender: Sender };
  return Buffer.concat(packets.flatMap((packet) => Sender.frame(Buffer.from(`4${packet}`), FRAME)));
}

interface EngineTransport {
  readonly name: string;
  readonly perMessageDeflate: unknown;
  readonly socket?: { readonly _sender?: { readonly sendFrame?: unknown } };
}

/** Whether frames may be written to this socket as they are: it is on WebSocket, with no compression. */
export function takesFrames(socket: Socket): boolean {
  const transport = socket.conn.transport as unknown as EngineTransport;
  return (
    transport.name === 'websocket' &&
    transport.perMessageDeflate === null &&
    typeof transport.socket?._sender?.sendFrame === 'function'
  );
}

/** Queues packets, each in a frame of its own way: for long-polling, and whenever {@link takesFrames} says no. */
export function writePackets(socket: Socket, packets: readonly string[]): void {
  for (const packet of packets) socket.conn.write(packet);
}

/** Queues joined frames behind what Engine.IO holds for this socket already. */
export function writeFrames(socket: Socket, frames: Buffer): void {
  const options = { compress: false, wsPreEncodedFrame: [frames] };
  socket.conn.write('', options as unknown as Parameters<typeof socket.conn.write>[1]);
}
