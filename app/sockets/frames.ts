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

const FIN_TEXT = 0x81;

/**
 * Whole, unmasked WebSocket text frames, each an Engine.IO message (`4`) with one packet, as a string with one character
 * a byte ("latin1"): for a few KB, made and written to a socket, that is cheaper than a buffer, which V8 has to keep
 * budget of.
 */
function encodeFrames(packets: readonly string[]): string {
  let frames = '';
  for (const packet of packets) {
    const bytes = Buffer.byteLength(packet);
    const bytesAsText = bytes === packet.length ? packet : Buffer.from(packet).toString('latin1');
    frames += `${frameHeader(bytes + 1)}4${bytesAsText}`;
  }
  return frames;
}

/** The header of a text frame whose payload has this many bytes: the length in 7 bits, in 16 or in 64. */
function frameHeader(length: number): string {
  if (length < 126) return String.fromCharCode(FIN_TEXT, length);
  if (length < 65_536) return String.fromCharCode(FIN_TEXT, 126, length >> 8, length & 0xff);
  const header = Buffer.from([FIN_TEXT, 127, 0, 0, 0, 0, 0, 0, 0, 0]);
  header.writeBigUInt64BE(BigInt(length), 2);
  return header.toString('latin1');
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

  /** The packets as whole WebSocket frames. Not to be changed. */
  get frames(): Buffer {
    this.#frames ??= Buffer.from(this.#text ?? encodeFrames(this.packets), 'latin1');
    return this.#frames;
  }

  /** The same as a string, one character a byte ("latin1"). */
  get text(): string {
    this.#text ??= encodeFrames(this.packets);
    return this.#text;
  }
}
