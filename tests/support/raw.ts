import { WebSocket } from 'ws';
import type { Host } from './client.ts';
import { deadline } from './deadline.ts';

/** A Socket.IO connection without a client library: frames go out and come in as they are. */
export class RawSocket {
  /** What the server sent, one text a frame. */
  readonly frames: string[] = [];
  /** Settles with the close code when the connection has ended. */
  readonly closed: Promise<number>;
  private readonly socket: WebSocket;
  private readonly watchers = new Set<() => void>();

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data, isBinary) => {
      this.frames.push(isBinary ? '<binary>' : data.toString());
      if (this.frames.at(-1) === '2') socket.send('3');
      for (const look of [...this.watchers]) look();
    });
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => socket.once('close', resolve));
  }

  /** Sends a frame as it is. */
  send(frame: string | Uint8Array): void {
    this.socket.send(frame);
  }

  /** The first frame that starts so, waiting for it. */
  frame(start: string): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    const look = () => {
      const found = this.frames.find((frame) => frame.startsWith(start));
      if (found !== undefined) resolve(found);
    };
    this.watchers.add(look);
    look();
    return deadline(promise, `a frame ${start}`).finally(() => this.watchers.delete(look));
  }

  /** Whether the server ended the connection (true), or answered with a frame that starts so (false). */
  endedOr(start: string): Promise<boolean> {
    return Promise.race([deadline(this.closed, 'the end').then(() => true), this.frame(start).then(() => false)]);
  }

  /** Ends the connection at once. */
  terminate(): void {
    this.socket.terminate();
  }
}

/** Opens a WebSocket and connects to the namespace; with `auth` it signs in. */
export async function openRaw(server: Host, auth?: object): Promise<RawSocket> {
  const address = `${server.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`;
  const raw = new RawSocket(new WebSocket(address));
  await raw.frame('0{');
  raw.send(`40${auth === undefined ? '' : JSON.stringify(auth)}`);
  await raw.frame('40{');
  if (auth !== undefined) await raw.frame('42["connect_response"');
  return raw;
}

/** Opens a session of long-polling that is in no namespace, gives the address to post to and to poll. */
export async function openSession(server: Host): Promise<string> {
  const address = `${server.url}/socket.io/?EIO=4&transport=polling`;
  const open = await (await fetch(address)).text();
  const { sid } = JSON.parse(open.slice(1)) as { sid: string };
  return `${address}&sid=${sid}`;
}

/** Opens a session of long-polling in the namespace, gives the address to post to and to poll. */
export async function openPolling(server: Host): Promise<string> {
  const session = await openSession(server);
  await fetch(session, { method: 'POST', body: '40' });
  await (await fetch(session)).text();
  return session;
}
