/** WebSocket frames (RFC 6455, section 5), as far as a load client needs them: unfragmented, no extensions. */

/** The opcodes of RFC 6455 that occur here. */
export const OPCODE = { text: 1, close: 8, ping: 9, pong: 10 } as const;

/**
 * One whole frame from a client. It is masked, as the RFC demands, with the key 0, which leaves the payload as it is.
 * Payloads up to 65,535 bytes.
 */
export function clientFrame(opcode: number, payload: string | Uint8Array): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload) : payload;
  if (body.length > 0xffff) throw new RangeError(`a frame of ${body.length} bytes is too long for this client`);
  const short = body.length < 126;
  const frame = Buffer.alloc((short ? 6 : 8) + body.length);
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | (short ? body.length : 126);
  if (!short) frame.writeUInt16BE(body.length, 2);
  frame.set(body, frame.length - body.length);
  return frame;
}

/** Takes what a {@link FrameReader} finds. The bytes from `start` to `end` are valid during the call only. */
export interface FrameHandler {
  /** A whole text frame. */
  text(buffer: Buffer, start: number, end: number): void;
  /** A ping, pong or close frame. */
  control(opcode: number, buffer: Buffer, start: number, end: number): void;
}

/** Cuts what a server sends into frames: any number in one chunk, and frames that are split anywhere. */
export class FrameReader {
  readonly #handler: FrameHandler;
  /** The beginning of a frame whose end has not come yet. */
  #rest: Buffer | null = null;

  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  /**
   * Takes the next `length` bytes of the stream from `chunk`, which may be used again afterwards.
   * Throws on what a server must not send to this client: a fragment, a masked frame, an unknown opcode.
   */
  push(chunk: Buffer, length: number): void {
    let buffer = chunk;
    let size = length;
    if (this.#rest) {
      buffer = Buffer.concat([this.#rest, chunk.subarray(0, length)]);
      size = buffer.length;
      this.#rest = null;
    }
    const used = this.#consume(buffer, size);
    if (used < size) this.#rest = Buffer.from(buffer.subarray(used, size));
  }

  /** Hands on each whole frame; returns how many bytes they took. */
  #consume(buffer: Buffer, size: number): number {
    let at = 0;
    while (size - at >= 2) {
      const first = buffer[at] as number;
      let length = buffer[at + 1] as number;
      let start = at + 2;
      if (length >= 126) {
        if (length > 127) throw new Error('a masked frame from a server');
        start = at + (length === 126 ? 4 : 10);
        if (start > size) break;
        length = length === 126 ? buffer.readUInt16BE(at + 2) : Number(buffer.readBigUInt64BE(at + 2));
      }
      const end = start + length;
      if (end > size) break;
      at = end;
      if (first === (0x80 | OPCODE.text)) this.#handler.text(buffer, start, end);
      else if (first >= (0x80 | OPCODE.close) && first <= (0x80 | OPCODE.pong)) {
        this.#handler.control(first & 0x0f, buffer, start, end);
      } else throw new Error(`a frame that begins with 0x${first.toString(16)}`);
    }
    return at;
  }
}
