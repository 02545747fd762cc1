/**
 * What goes over the wire: Socket.IO packets (protocol 5) as text, and WebSocket frames (RFC 6455, section 5.2).
 * Payloads hold no binary and the namespace is always `/`, so a packet is its type, an id, and JSON.
 */

/** A Socket.IO EVENT packet: what goes after Engine.IO's `4`. */
export function eventPacket(event: string, payloadJson: string): string {
  return `2["${event}",${payloadJson}]`;
}

/** A Socket.IO ACK packet: the answer to the command that came with this id. */
export function ackPacket(id: number, answerJson: string): string {
  return `3${id}[${answerJson}]`;
}

const TEXT_FRAME = 0x81;
const ENGINE_MESSAGE = 0x34;

/** Whole, unmasked WebSocket text frames, each an Engine.IO message with one packet, joined into one buffer. */
export function encodeFrames(packets: readonly string[]): Buffer {
  const lengths = packets.map((packet) => Buffer.byteLength(packet) + 1);
  const total = lengths.reduce((sum, length) => sum + length + headerBytes(length), 0);
  const buffer = Buffer.allocUnsafe(total);
  let at = 0;
  for (const [i, packet] of packets.entries()) {
    at = writeHeader(buffer, at, lengths[i] ?? 0);
    buffer[at++] = ENGINE_MESSAGE;
    at += buffer.write(packet, at);
  }
  return buffer;
}

/**
 * The same frames as a string, one character a byte ("latin1"): for a few KB, made and written to a socket, that is
 * cheaper than a buffer, which V8 has to keep account of.
 */
function encodeFramesAsText(packets: readonly string[]): string {
  let text = '';
  for (const packet of packets) {
    const bytes = Buffer.byteLength(packet);
    const bytesAsText = bytes === packet.length ? packet : Buffer.from(packet).toString('latin1');
    text += `${headerText(bytes + 1)}4${bytesAsText}`;
  }
  return text;
}

function headerText(length: number): string {
  if (length < 126) return String.fromCharCode(TEXT_FRAME, length);
  if (length < 65_536) return String.fromCharCode(TEXT_FRAME, 126, length >> 8, length & 0xff);
  const header = Buffer.alloc(headerBytes(length));
  writeHeader(header, 0, length);
  return header.toString('latin1');
}

function headerBytes(length: number): number {
  if (length < 126) return 2;
  return length < 65_536 ? 4 : 10;
}

function writeHeader(buffer: Buffer, start: number, length: number): number {
  let at = start;
  buffer[at++] = TEXT_FRAME;
  if (length < 126) {
    buffer[at++] = length;
    return at;
  }
  if (length < 65_536) {
    buffer[at++] = 126;
    return buffer.writeUInt16BE(length, at);
  }
  buffer[at++] = 127;
  return buffer.writeBigUInt64BE(BigInt(length), at);
}

/**
 * What one or many connections are to receive together. The frames are made once, when the first connection that
 * takes frames is written to, and shared by all.
 */
export class Chunk {
  readonly packets: readonly string[];
  /** About how many bytes it is. */
  readonly bytes: number;
  #frames: Buffer | null = null;
  #text: string | null = null;

  constructor(packets: readonly string[]) {
    this.packets = packets;
    let bytes = 0;
    for (const { length } of packets) bytes += length;
    this.bytes = bytes;
  }

  /** The packets as whole WebSocket frames in one buffer. Not to be changed. */
  get frames(): Buffer {
    this.#frames ??= encodeFrames(this.packets);
    return this.#frames;
  }

  /** The same as a string of bytes ("latin1"). */
  get text(): string {
    this.#text ??= encodeFramesAsText(this.packets);
    return this.#text;
  }
}
