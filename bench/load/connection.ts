import { connect, type Socket } from 'node:net';
import { clientFrame, type FrameHandler, FrameReader, OPCODE } from './frames.ts';
import type { Meter } from './meter.ts';

/** The ids of acknowledgements from here on belong to a {@link MessageSender}; those below, to commands. */
export const FIRST_SEND_ID = 1_000_000;

/** What a connection tells the one that sends messages on it. */
export interface MessageSender {
  /** A `message` of the room came back: this sender's own, since a room has one sender. */
  delivered(): void;
  /** The send with this id was answered. */
  answered(id: number, ok: boolean): void;
}

/** An acknowledgement: `{ ok: true, … }` or `{ ok: false, error }`. */
export type Answer = { ok: boolean; error?: { code: string; message: string; retry_after_ms?: number } } & Record<
  string,
  unknown
>;

const UPGRADE_HEAD = [
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
].join('\r\n');
const MESSAGE_EVENT = Buffer.from('42["message"');
const REFUSED = Buffer.from('[{"ok":false');
const ENGINE_MESSAGE = 0x34;
const ENGINE_PING = 0x32;
const ENGINE_OPEN = 0x30;
const SOCKET_CONNECT = 0x30;
const SOCKET_EVENT = 0x32;
const SOCKET_ACK = 0x33;
const DIGIT_0 = 0x30;
const STAMP_DIGITS = 16;
const PONG = clientFrame(OPCODE.text, '3');

/** Where the stamp stood in the message before: right most of the time, so the search is seldom needed. */
let stampOffset = 0;

/** The send time, in µs of `performance.now()`, in the content of a message; -1 when it has none. */
function stampIn(buffer: Buffer, start: number, end: number): number {
  let at = start + stampOffset;
  if (buffer[at] !== 0x54 || buffer[at - 1] !== 0x22 || buffer[at + 1] !== DIGIT_0 || at >= end) {
    // Within the frame only: the buffer is long, and a system message has no stamp.
    stampOffset = buffer.subarray(start, end).indexOf('"T0', 0, 'latin1') + 1;
    if (stampOffset === 0) return -1;
    at = start + stampOffset;
  }
  let stamp = 0;
  for (let i = at + 1; i <= at + STAMP_DIGITS; i++) stamp = stamp * 10 + ((buffer[i] as number) - DIGIT_0);
  return stamp;
}

function startsWith(buffer: Buffer, start: number, prefix: Buffer): boolean {
  for (let i = 0; i < prefix.length; i++) if (buffer[start + i] !== prefix[i]) return false;
  return true;
}

/** One Socket.IO 5 client over one WebSocket. It understands of the protocol what a load client needs, and no more. */
export class Connection implements FrameHandler {
  /** Gets what concerns sends; null while nobody sends here. */
  sender: MessageSender | null = null;
  /** Whether the connection is over. */
  closed = false;
  readonly #meter: Meter;
  readonly #socket: Socket;
  readonly #reader = new FrameReader(this);
  readonly #commands = new Map<number, (answer: Answer) => void>();
  #nextId = 1;
  #head: string | null = '';
  #opened: { resolve(): void; reject(error: Error): void } | null = null;

  /** Dials `port` on loopback. `buffer` is shared by all connections: a chunk is used up before the next is read. */
  constructor(port: number, meter: Meter, buffer: Buffer) {
    this.#meter = meter;
    const onread = {
      buffer,
      callback: (length: number) => {
        this.#received(buffer, length);
        return true;
      },
    };
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true, onread });
    this.#socket.on('error', (error) => this.#end(error.message));
    this.#socket.on('close', () => this.#end('the server ended the connection'));
    this.#socket.write(
      `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\n${UPGRADE_HEAD}\r\n\r\n`,
    );
  }

  /** Resolves once the namespace is joined; rejects when the connection ends before. */
  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#opened = { resolve, reject };
    });
  }

  /** Sends a command and resolves with its answer, refusals included; rejects when the connection ends first. */
  command(name: string, payload: object): Promise<Answer> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      if (this.closed) return reject(new Error(`${name}: the connection is closed`));
      this.#commands.set(id, (answer) =>
        answer['closed'] ? reject(new Error(`${name}: the connection ended unanswered`)) : resolve(answer),
      );
      this.write(clientFrame(OPCODE.text, `42${id}${JSON.stringify([name, payload])}`));
    });
  }

  /** Writes whole frames. `frames` must not change afterwards. */
  write(frames: Buffer): void {
    if (!this.closed) this.#socket.write(frames);
  }

  /** Ends it without a word, as a phone that loses its network does. */
  close(): void {
    this.closed = true;
    this.#socket.destroy();
  }

  /** Reads no more, though it stays open; what becomes of it does not count any more. */
  deafen(): void {
    this.closed = true;
    this.#socket.pause();
  }

  text(buffer: Buffer, start: number, end: number): void {
    const type = buffer[start];
    if (type === ENGINE_MESSAGE) {
      const packet = buffer[start + 1];
      if (packet === SOCKET_EVENT) this.#event(buffer, start, end);
      else if (packet === SOCKET_ACK) this.#acknowledgement(buffer, start, end);
      else if (packet === SOCKET_CONNECT) this.#opened?.resolve();
      else this.#end(`the server said ${buffer.toString('latin1', start, Math.min(end, start + 100))}`);
    } else if (type === ENGINE_PING) this.write(PONG);
    else if (type === ENGINE_OPEN) this.write(clientFrame(OPCODE.text, '40'));
    else this.#end(`the server said ${buffer.toString('latin1', start, Math.min(end, start + 100))}`);
  }

  control(opcode: number, buffer: Buffer, start: number, end: number): void {
    if (opcode === OPCODE.ping) this.write(clientFrame(OPCODE.pong, buffer.subarray(start, end)));
    else if (opcode === OPCODE.close) this.#end('the server closed the WebSocket');
  }

  #event(buffer: Buffer, start: number, end: number): void {
    if (!startsWith(buffer, start, MESSAGE_EVENT)) return;
    const meter = this.#meter;
    meter.deliveries += 1;
    meter.countdown -= 1;
    if (meter.countdown <= 0) {
      meter.countdown = meter.sampleEvery;
      const stamp = stampIn(buffer, start, end);
      if (stamp >= 0) meter.delivery.record(meter.now * 1000 - stamp);
    }
    this.sender?.delivered();
  }

  #acknowledgement(buffer: Buffer, start: number, end: number): void {
    let id = 0;
    let at = start + 2;
    for (let byte = buffer[at] as number; byte >= DIGIT_0 && byte <= DIGIT_0 + 9; byte = buffer[++at] as number) {
      id = id * 10 + byte - DIGIT_0;
    }
    if (id >= FIRST_SEND_ID) {
      const ok = !startsWith(buffer, at, REFUSED);
      if (!ok && this.#meter.refused === 0) this.#meter.refusal = buffer.toString('utf8', at, Math.min(end, at + 200));
      this.sender?.answered(id, ok);
      return;
    }
    const settle = this.#commands.get(id);
    this.#commands.delete(id);
    settle?.((JSON.parse(buffer.toString('utf8', at, end)) as [Answer])[0]);
  }

  #received(chunk: Buffer, length: number): void {
    if (this.closed) return;
    const meter = this.#meter;
    meter.now = performance.now();
    meter.bytes += length;
    try {
      if (this.#head === null) this.#reader.push(chunk, length);
      else this.#upgrade(chunk, length);
    } catch (error) {
      this.#end(String(error));
    }
  }

  /** Reads the answer to the upgrade, and hands on what follows it. */
  #upgrade(chunk: Buffer, length: number): void {
    this.#head += chunk.toString('latin1', 0, length);
    const head = this.#head ?? '';
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    if (!head.startsWith('HTTP/1.1 101')) throw new Error(`no upgrade: ${head.slice(0, 200)}`);
    this.#head = null;
    const after = Buffer.from(head.slice(end + 4), 'latin1');
    if (after.length > 0) this.#reader.push(after, after.length);
  }

  #end(reason: string): void {
    if (this.closed) return;
    this.closed = true;
    this.#meter.failure ||= reason;
    this.#meter.failed += 1;
    this.#socket.destroy();
    this.#opened?.reject(new Error(reason));
    for (const settle of this.#commands.values()) settle({ ok: false, closed: true });
    this.#commands.clear();
  }
}
