import { connect as connectTcp, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Message } from '../protocol/index.ts';
import { connect, guest, type Host, type TestClient } from './support/client.ts';
import { deadline } from './support/deadline.ts';
import { spawnServer } from './support/process.ts';
import { openSession } from './support/raw.ts';
import { sharedServer } from './support/server.ts';

const server = sharedServer();

/** A WebSocket client over bare TCP, which shows each byte that the server sends and need not read at all. */
class ByteClient {
  /** Whole text frames, in order. */
  readonly frames: string[] = [];
  readonly closed: Promise<void>;
  readonly #tcp: Socket;
  #rest = Buffer.alloc(0);
  #look: () => void = () => {};

  constructor(tcp: Socket) {
    this.#tcp = tcp;
    this.closed = new Promise((resolve) => tcp.once('close', () => resolve()));
    tcp.on('error', () => {});
    tcp.on('data', (data) => {
      this.#rest = Buffer.concat([this.#rest, data]);
      this.#parse();
      this.#look();
    });
  }

  /** Sends one text frame; a mask of zeros leaves the text as it is. */
  send(text: string): void {
    const body = Buffer.from(text);
    const head = Buffer.from(
      body.length < 126 ? [0x81, 0x80 | body.length] : [0x81, 0xfe, body.length >> 8, body.length & 255],
    );
    this.#tcp.write(Buffer.concat([head, Buffer.alloc(4), body]));
  }

  /** The first frame from `from` on that starts so. */
  frame(start: string, from = 0): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#look = () => {
      const found = this.frames.slice(from).find((frame) => frame.startsWith(start));
      if (found !== undefined) resolve(found);
    };
    this.#look();
    return deadline(promise, `a frame ${start}`);
  }

  /** Reads no more, until {@link resume}. */
  pause(): void {
    this.#tcp.pause();
  }

  resume(): void {
    this.#tcp.resume();
  }

  end(): void {
    this.#tcp.destroy();
  }

  /** Throws on anything but whole, unmasked text frames with the shortest length that fits. */
  #parse(): void {
    const headers = this.#rest.indexOf('\r\n\r\n');
    if (this.#rest.subarray(0, 4).toString() === 'HTTP') {
      if (headers < 0) return;
      this.#rest = this.#rest.subarray(headers + 4);
    }
    for (;;) {
      if (this.#rest.length < 2) return;
      const [first = 0, second = 0] = this.#rest;
      if (first === 0x88) return;
      if (first !== 0x81 || second > 127) throw new Error(`a frame begins with ${first} ${second}`);
      const start = second < 126 ? 2 : second === 126 ? 4 : 10;
      if (this.#rest.length < start) return;
      const length =
        second < 126 ? second : second === 126 ? this.#rest.readUInt16BE(2) : Number(this.#rest.readBigUInt64BE(2));
      if (second === 126 && length < 126) throw new Error('a length is longer than it needs to be');
      if (this.#rest.length < start + length) return;
      this.frames.push(this.#rest.subarray(start, start + length).toString());
      if (this.frames.at(-1) === '2') this.send('3');
      this.#rest = this.#rest.subarray(start + length);
    }
  }
}

async function openBytes(host: Host, auth: object): Promise<ByteClient> {
  const { hostname, port } = new URL(host.url);
  const tcp = connectTcp(Number(port), hostname);
  const client = new ByteClient(tcp);
  tcp.write(
    `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\n` +
      'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  await client.frame('0{');
  client.send(`40${JSON.stringify(auth)}`);
  await client.frame('42["connect_response"');
  return client;
}

/** The room events of a stream of frames. */
function roomEvents(frames: readonly string[], room_id: string): string[] {
  return frames.filter((frame) => /^42\["(message|user_joined)/.test(frame) && frame.includes(room_id));
}

async function sendMany(client: TestClient, room_id: string, count: number, size = 10): Promise<Message[]> {
  const contents = Array.from({ length: count }, (_, i) => `${i} ${'x'.repeat(size)}`);
  const answers = await Promise.all(contents.map((content) => client.ok('send_message', { room_id, content })));
  return answers.map(({ message }) => message);
}

describe('fan-out', () => {
  it('gives every transport the same packets in the same order, in whole frames', async () => {
    const ada = await guest(server, 'ada');
    const room = await ada.createRoom();
    const bytes = await openBytes(server, { token: ada.me.token });
    const polling = await connect(server, { token: ada.me.token, transport: 'polling' });
    const upgrading = await connect(server, { token: ada.me.token, transport: ['polling', 'websocket'] });
    for (let round = 0; round < 20; round++) {
      bytes.send(`42${round}["get_rooms",{}]`);
      await sendMany(ada, room.id, 25, round * 100);
    }
    await ada.say(room, 'the end');
    for (const client of [ada, polling, upgrading])
      await client.waitFor('message', ({ content }) => content === 'the end');
    const last = await bytes.frame('42["message"', bytes.frames.length - 1);
    expect(last).toContain('the end');
    const expected = ada
      .all('message')
      .slice(0)
      .map((message) => `42${JSON.stringify(['message', message])}`);
    expect(roomEvents(bytes.frames, room.id).filter((frame) => frame.startsWith('42["message"'))).toEqual(expected);
    for (const client of [polling, upgrading]) expect(client.all('message')).toEqual(ada.all('message'));
    for (let round = 0; round < 20; round++) await bytes.frame(`43${round}[{"ok":true`);
    bytes.end();
  });

  it('sends a message that was just answered with the same bytes as the answer', async () => {
    const ada = await guest(server, 'ada');
    const room = await ada.createRoom();
    const bytes = await openBytes(server, { token: ada.me.token });
    bytes.send(`427["send_message",${JSON.stringify({ room_id: room.id, content: 'once' })}]`);
    const answer = await bytes.frame('437[');
    const event = await bytes.frame('42["message"');
    const [{ message }] = JSON.parse(answer.slice(3)) as [{ message: Message }];
    expect(JSON.parse(event.slice(2))).toEqual(['message', message]);
    bytes.end();
  });
});

describe('a client that does not read', () => {
  it('is cut, and nobody else notices', async () => {
    const ada = await guest(server, 'ada');
    const can = await guest(server, 'can');
    const room = await ada.createRoom();
    await can.ok('join_room', { room_id: room.id });
    const slow = await openBytes(server, { token: ada.me.token });
    slow.pause();
    const sent: Message[] = [];
    let cut = false;
    void slow.closed.then(() => {
      cut = true;
    });
    // The kernel's buffers fill first; a megabyte more and the server ends it. A paused socket sees that once it reads.
    while (!cut && sent.length < 8_000) {
      sent.push(...(await sendMany(ada, room.id, 200, 3_900)));
      const metrics = await (await fetch(`${server.url}/metrics`)).text();
      if (/^sohbet_slow_clients_total [1-9]/m.test(metrics)) {
        slow.resume();
        await deadline(slow.closed, 'the end of the slow client');
      }
    }
    expect(cut).toBe(true);
    const last = sent.at(-1);
    await can.waitFor('message', ({ id }) => id === last?.id);
    expect(can.all('message').map(({ id }) => id)).toEqual(expect.arrayContaining(sent.map(({ id }) => id)));
    expect(can.socket.connected).toBe(true);
  });

  it('is not cut for the answers to its own questions', async () => {
    const ada = await guest(server, 'ada');
    const room = await ada.createRoom();
    await sendMany(ada, room.id, 100, 3_900);
    const slow = await openBytes(server, { token: ada.me.token });
    slow.pause();
    const asked = Array.from({ length: 24 }, (_, i) => i + 100);
    for (const id of asked) slow.send(`42${id}["get_messages",${JSON.stringify({ room_id: room.id, limit: 100 })}]`);
    await ada.ok('get_messages', { room_id: room.id, limit: 100 });
    slow.resume();
    for (const id of asked) expect(await slow.frame(`43${id}[`)).toContain('"ok":true');
    slow.end();
  });
});

describe('a client on long-polling', () => {
  it('is not cut for what it has fetched, though something new always waits for it', async () => {
    const ada = await guest(server, 'ada');
    const room = await ada.createRoom();
    const session = await openSession(server);
    const post = (body: string) => fetch(session, { method: 'POST', body });
    await post(`40${JSON.stringify({ token: ada.me.token })}`);
    for (let fetched = 0; fetched < 1_500; ) {
      // It comes between two polls, so that no poll finds nothing and none leaves nothing behind.
      await sendMany(ada, room.id, 100);
      const polled = await fetch(session);
      expect(polled.status).toBe(200);
      const packets = (await polled.text()).split('\u001e');
      fetched += packets.filter((packet) => packet.startsWith('42["message"')).length;
      if (packets.includes('2')) await post('3');
    }
  });
});

describe('a server that stops', () => {
  it('tells each client to go, with a delay of its own', async () => {
    await using stopping = await spawnServer();
    const clients = await Promise.all(Array.from({ length: 10 }, () => guest(stopping, 'ada')));
    expect(await stopping.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    // As after a lost network: Socket.IO's clients then come back by themselves.
    for (const client of clients) expect(await client.ended()).toBe('transport close');
    const delays = clients.map((client) => client.all('server_closing').map(({ retry_after_ms }) => retry_after_ms));
    expect(delays.every((told) => told.length === 1)).toBe(true);
    expect(new Set(delays.flat()).size).toBeGreaterThan(5);
  });
});
