import { connect, type Socket } from 'node:net';
import { clientFrame } from '../load/frames.ts';

/** A frame that is not the last of its message; `opcode` 0 goes on with one that is under way. Up to 125 bytes. */
export function fragment(opcode: number, payload: string): Buffer {
  const frame = clientFrame(opcode, payload);
  frame[0] = opcode;
  return frame;
}

/** A TCP connection that counts what comes in and says when it has ended, however that happens. */
export class RawConnection {
  readonly socket: Socket;
  /** What came in so far, its beginning alone. */
  received = '';
  /** Settles when the connection has ended. */
  readonly ended: Promise<void>;
  /** Whether it has ended. */
  isEnded = false;
  readonly #watchers = new Set<() => void>();

  /** @param allowHalfOpen whether it stays open in one direction after it has ended the other */
  constructor(port: number, allowHalfOpen = false) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen });
    this.socket.setNoDelay(true);
    this.socket.on('error', () => {});
    this.socket.on('data', (data) => {
      if (this.received.length < 65_536) this.received += data.toString('latin1');
      for (const look of [...this.#watchers]) look();
    });
    this.ended = new Promise((resolve) => {
      const end = () => {
        this.isEnded = true;
        for (const look of [...this.#watchers]) look();
        resolve();
      };
      this.socket.once('end', () => {
        this.socket.destroy();
        end();
      });
      this.socket.once('close', end);
    });
  }

  /** Resolves once something has come in that matches, or the connection has ended. */
  async seen(pattern: RegExp): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const look = () => {
      if (pattern.test(this.received)) resolve(true);
      else if (this.isEnded) resolve(false);
    };
    this.#watchers.add(look);
    look();
    return await promise.finally(() => this.#watchers.delete(look));
  }

  /** Writes, and waits while the network does not take more. False when the connection has ended. */
  async write(data: string | Uint8Array): Promise<boolean> {
    if (this.isEnded || !this.socket.writable) return false;
    if (this.socket.write(data)) return true;
    const drained = new Promise<void>((resolve) => this.socket.once('drain', () => resolve()));
    await Promise.race([drained, this.ended]);
    return !this.isEnded;
  }

  /** Ends it at once. */
  destroy(): void {
    this.socket.destroy();
  }
}

/** The request that makes a WebSocket of a TCP connection; `path` as of a new Engine.IO session, or of one to upgrade. */
export function upgradeRequest(path = '/socket.io/?EIO=4&transport=websocket'): string {
  return [
    `GET ${path} HTTP/1.1`,
    'Host: localhost',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    '\r\n',
  ].join('\r\n');
}

/** Opens a WebSocket to Engine.IO; with `joins`, and the namespace too. */
export async function openSocket(port: number, joins = true): Promise<RawConnection> {
  const raw = new RawConnection(port);
  await raw.write(upgradeRequest());
  await raw.seen(/0\{"sid"|^HTTP\/1\.1 4/);
  if (joins) {
    await raw.write(clientFrame(1, '40'));
    await raw.seen(/40\{"sid"/);
  }
  return raw;
}

/** An HTTP request as text; `close` is not asked for. */
export function request(method: string, path: string, body = '', length = Buffer.byteLength(body)): string {
  const size = method === 'POST' ? `Content-Type: text/plain\r\nContent-Length: ${length}\r\n` : '';
  return `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${size}\r\n${body}`;
}

/** Opens a session of long-polling in the namespace and gives its path. */
export async function openSession(port: number): Promise<string> {
  const path = '/socket.io/?EIO=4&transport=polling';
  const url = `http://127.0.0.1:${port}`;
  const open = await (await fetch(url + path)).text();
  const { sid } = JSON.parse(open.slice(1)) as { sid: string };
  await (await fetch(`${url}${path}&sid=${sid}`, { method: 'POST', body: '40' })).text();
  await (await fetch(`${url}${path}&sid=${sid}`)).text();
  return `${path}&sid=${sid}`;
}

/** A session of long-polling that fetches what it is sent only when it is told to. */
export class PollingSession {
  readonly #url: string;
  readonly #headers: Record<string, string>;
  #ended = false;

  constructor(url: string, headers: Record<string, string>) {
    this.#url = url;
    this.#headers = headers;
  }

  /** Opens a session at a server and signs in with the handshake. */
  static async open(server: string, auth: object, headers: Record<string, string> = {}): Promise<PollingSession> {
    const url = `${server}/socket.io/?EIO=4&transport=polling`;
    const open = await (await fetch(url, { headers })).text();
    const { sid } = JSON.parse(open.slice(1)) as { sid: string };
    const session = new PollingSession(`${url}&sid=${sid}`, headers);
    await session.post(`40${JSON.stringify(auth)}`);
    return session;
  }

  /** Where to post to and to poll. */
  get url(): string {
    return this.#url;
  }

  /** Whether the server has ended it, as far as it has noticed. */
  get isEnded(): boolean {
    return this.#ended;
  }

  /** Sends packets. */
  async post(...packets: string[]): Promise<void> {
    await this.#ask({ method: 'POST', body: packets.join('\u001e') });
  }

  /** Fetches what waits, once there is something; nothing when it has ended. */
  async fetch(): Promise<string[]> {
    const text = await this.#ask({});
    const packets = text === '' ? [] : text.split('\u001e');
    if (packets.includes('2')) await this.post('3');
    return packets;
  }

  /** Fetches until a packet begins so, and gives it. @throws Error when the session ends before */
  async fetchUntil(start: string): Promise<string> {
    while (!this.#ended) {
      const found = (await this.fetch()).find((packet) => packet.startsWith(start));
      if (found !== undefined) return found;
    }
    throw new Error(`the session ended before ${start}`);
  }

  /** Ends it. */
  async close(): Promise<void> {
    await this.post('1');
  }

  async #ask(init: RequestInit): Promise<string> {
    const response = await fetch(this.#url, { ...init, headers: this.#headers }).catch(() => undefined);
    const text = await response?.text().catch(() => undefined);
    if (response?.status === 200 && text !== undefined) return text;
    this.#ended = true;
    return '';
  }
}
