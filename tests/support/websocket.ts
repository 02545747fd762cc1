import { createHash, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { Host } from './client.ts';
import { deadline } from './deadline.ts';

/** The opcodes of RFC 6455, section 5.2. */
export const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** A frame as a client may send it, and as it may not. */
export interface FrameOptions {
  /** Text by default. */
  readonly opcode?: number;
  /** Whether it is the last of its message; true by default. */
  readonly fin?: boolean;
  /** The three reserved bits, as a number from 0 to 7. */
  readonly rsv?: number;
  readonly payload?: string | Uint8Array;
  /** False: the payload is not masked, which a client must not do. */
  readonly masked?: boolean;
  /** How the length is written: in 7, 16 or 64 bits; the shortest by default. */
  readonly lengthBits?: 7 | 16 | 64;
  /** The length that the header tells, when it is not the payload's; in 64 bits. */
  readonly toldLength?: bigint;
}

/** The bytes of a frame (RFC 6455, section 5.2), masked with a random key. */
export function frame(options: FrameOptions = {}): Buffer {
  const { opcode = OPCODES.text, fin = true, rsv = 0, payload = '', masked = true, toldLength } = options;
  const body = Buffer.from(payload as Uint8Array);
  const shortest = body.length < 126 ? 7 : body.length < 65_536 ? 16 : 64;
  const lengthBits = toldLength === undefined ? (options.lengthBits ?? shortest) : 64;
  const header = Buffer.alloc({ 7: 2, 16: 4, 64: 10 }[lengthBits]);
  header[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  header[1] = (masked ? 0x80 : 0) | (lengthBits === 7 ? body.length : lengthBits === 16 ? 126 : 127);
  if (lengthBits === 16) header.writeUInt16BE(body.length, 2);
  if (lengthBits === 64) header.writeBigUInt64BE(toldLength ?? BigInt(body.length), 2);
  if (!masked) return Buffer.concat([header, body]);
  const key = randomBytes(4);
  return Buffer.concat([header, key, body.map((byte, i) => byte ^ (key[i % 4] ?? 0))]);
}

/** The payload of a close frame: a code and a reason (RFC 6455, section 5.5.1). */
export function closePayload(code: number, reason: string | Uint8Array = ''): Buffer {
  const start = Buffer.alloc(2);
  start.writeUInt16BE(code);
  return Buffer.concat([start, Buffer.from(reason as Uint8Array)]);
}

/** A frame that the server sent. */
export interface ServerFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** The answer to a handshake, and what came behind it. */
export interface HandshakeAnswer {
  readonly status: number;
  /** By their names in small letters. */
  readonly headers: ReadonlyMap<string, string>;
}

/**
 * A TCP connection that speaks WebSocket byte by byte. What the server sends is held against RFC 6455: no mask, no
 * reserved bit, no fragment, the shortest form of each length.
 */
export class WireSocket {
  /** Every frame that came, in order. */
  readonly frames: ServerFrame[] = [];
  /** Settles when the TCP connection has ended. */
  readonly ended: Promise<void>;
  /** The answer to the handshake, once it is there. */
  answer: HandshakeAnswer | undefined;
  readonly #socket: Socket;
  readonly #watchers = new Set<() => void>();
  #rest = Buffer.alloc(0);
  #hasEnded = false;
  #fault: Error | undefined;

  constructor(host: Host) {
    this.#socket = connect(Number(new URL(host.url).port), '127.0.0.1');
    this.#socket.setNoDelay(true);
    this.#socket.on('error', () => {});
    this.#socket.on('data', (data) => {
      this.#rest = Buffer.concat([this.#rest, data]);
      try {
        this.#read();
      } catch (error) {
        this.#fault = error as Error;
      }
      this.#look();
    });
    this.#socket.on('end', () => this.#socket.destroy());
    this.ended = new Promise((resolve) =>
      this.#socket.once('close', () => {
        this.#hasEnded = true;
        this.#look();
        resolve();
      }),
    );
  }

  /** Sends bytes as they are. */
  write(...bytes: (string | Uint8Array)[]): void {
    this.#socket.write(Buffer.concat(bytes.map((part) => Buffer.from(part as Uint8Array))));
  }

  /** Sends a text frame. */
  text(payload: string | Uint8Array): void {
    this.write(frame({ payload }));
  }

  /** Sends bytes one by one, each in a write of its own. */
  async writeSlowly(bytes: Uint8Array): Promise<void> {
    for (const byte of bytes) {
      this.#socket.write(Buffer.of(byte));
      await new Promise(setImmediate);
    }
  }

  /** What `found` gives, once it gives something. Throws when the connection ends before, or nothing comes in time. */
  async find<T>(what: string, found: () => T | undefined): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const look = () => {
      const value = found();
      if (this.#fault !== undefined) reject(this.#fault);
      else if (value !== undefined) resolve(value);
      else if (this.#hasEnded) reject(new Error(`the connection ended before ${what} came`));
    };
    this.#watchers.add(look);
    look();
    return await deadline(promise, what).finally(() => this.#watchers.delete(look));
  }

  /** The first text frame that starts so, waiting for it. */
  textFrame(start: string): Promise<string> {
    return this.find(`a frame ${start}`, () => this.#texts().find((text) => text.startsWith(start)));
  }

  /** The first frame with this opcode, waiting for it. */
  frameOf(opcode: number): Promise<ServerFrame> {
    return this.find(`a frame of opcode ${opcode}`, () => this.frames.find((each) => each.opcode === opcode));
  }

  /** The code of the server's close frame, null when it has none; waits for it and for the end. */
  async closeCode(): Promise<number | null> {
    const { payload } = await this.frameOf(OPCODES.close);
    await deadline(this.ended, 'the end of the connection');
    return payload.length === 0 ? null : payload.readUInt16BE();
  }

  /** Ends it at once. */
  destroy(): void {
    this.#socket.destroy();
  }

  #texts(): string[] {
    return this.frames.filter(({ opcode }) => opcode === OPCODES.text).map(({ payload }) => payload.toString());
  }

  #look(): void {
    for (const look of [...this.#watchers]) look();
  }

  #read(): void {
    if (this.answer === undefined) {
      const end = this.#rest.indexOf('\r\n\r\n');
      if (end < 0) return;
      const [first = '', ...lines] = this.#rest.subarray(0, end).toString('latin1').split('\r\n');
      const headers = lines.map((line) => {
        const at = line.indexOf(':');
        return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()] as const;
      });
      this.answer = { status: Number(first.split(' ')[1]), headers: new Map(headers) };
      this.#rest = this.#rest.subarray(end + 4);
    }
    if (this.answer.status === 101) while (this.#readFrame());
  }

  /** Takes one frame off what has come; false when it is not whole yet. */
  #readFrame(): boolean {
    const rest = this.#rest;
    if (rest.length < 2) return false;
    const [first, second] = [rest.readUInt8(0), rest.readUInt8(1)];
    if ((first & 0xf0) !== 0x80) throw new Error(`the server sent a frame that begins with 0x${first.toString(16)}`);
    if (second > 127) throw new Error('the server sent a masked frame');
    const start = second < 126 ? 2 : second === 126 ? 4 : 10;
    if (rest.length < start) return false;
    const length = start === 2 ? second : start === 4 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
    if ((start === 4 && length < 126) || (start === 10 && length < 65_536)) throw new Error('a length is not shortest');
    if (rest.length < start + length) return false;
    const received = { opcode: first & 0x0f, payload: rest.subarray(start, start + length) };
    this.frames.push(received);
    this.#rest = rest.subarray(start + length);
    // A close is answered with the same, as by any client (section 5.5.1), or the server would wait for it.
    if (received.opcode === OPCODES.close) this.write(frame(received));
    return true;
  }
}

/** What a client sends to make a WebSocket; each header may be replaced, or left out with null. */
export function handshakeRequest({
  method = 'GET',
  path = '/socket.io/?EIO=4&transport=websocket',
  version = 'HTTP/1.1',
  key = randomBytes(16).toString('base64'),
  headers = {},
}: {
  method?: string;
  path?: string;
  version?: string;
  key?: string;
  headers?: Readonly<Record<string, string | null>>;
} = {}): string {
  const all = {
    Host: 'localhost',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': key,
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}`]));
  return [`${method} ${path} ${version}`, ...lines, '\r\n'].join('\r\n');
}

/** What the server must answer to a key (RFC 6455, section 4.2.2). */
export function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

/** Opens a WebSocket that is in no namespace yet, and has been told its session. */
export async function openWire(host: Host, path?: string): Promise<WireSocket> {
  const wire = new WireSocket(host);
  wire.write(handshakeRequest(path === undefined ? {} : { path }));
  await wire.find('the answer to the handshake', () => wire.answer);
  if (path === undefined) await wire.textFrame('0{');
  return wire;
}

/** Opens a WebSocket in the namespace; it has not signed in, and answers every command all the same. */
export async function openJoinedWire(host: Host): Promise<WireSocket> {
  const wire = await openWire(host);
  wire.text('40');
  await wire.textFrame('40{');
  return wire;
}
