import { setTimeout as sleep } from 'node:timers/promises';
import { openSession, openSocket, RawConnection, upgradeRequest } from '../../bench/abuse/raw.ts';
import { clientFrame } from '../../bench/load/frames.ts';
import { enginePacket, json, mutate, socketPacket } from './packets.ts';
import type { Dice } from './random.ts';

/** One hostile client: connects, does something malformed for a moment, and goes. */
export type Hostile = (dice: Dice, port: number) => Promise<void>;

const ENGINE_PATH = '/socket.io/?EIO=4&transport=';

/** Waits a moment for an answer, or for the end. */
async function linger(raw: RawConnection, ms: number): Promise<void> {
  await Promise.race([raw.ended, sleep(ms)]);
  raw.destroy();
}

/** Bytes that a WebSocket server must not take for frames without a look. */
function frameBytes(dice: Dice): Buffer {
  const whole = () => clientFrame(dice.pick([1, 2]), enginePacket(dice).slice(0, 20_000));
  switch (dice.below(9)) {
    case 0:
      return dice.bytes(200);
    case 1: {
      const frame = whole();
      frame[0] = dice.below(256);
      return frame;
    }
    case 2: {
      const frame = whole();
      frame[1] = dice.below(256);
      return frame;
    }
    case 3:
      return Buffer.from([0x81, 0xff, ...dice.bytes(8), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    case 4:
      return clientFrame(8, Buffer.concat([Buffer.from([dice.below(256), dice.below(256)]), dice.bytes(20)]));
    case 5:
      return clientFrame(dice.pick([0, 3, 7, 9, 10, 11, 15]), dice.bytes(125));
    case 6: {
      const frame = whole();
      return frame.subarray(0, dice.below(frame.length));
    }
    case 7: {
      const frame = clientFrame(1, dice.bytes(100));
      frame[0] = dice.pick([0x01, 0x00, 0x09]);
      return frame;
    }
    default:
      return whole();
  }
}

/** Writes in one piece, or cut anywhere. */
async function writeCut(dice: Dice, raw: RawConnection, data: Buffer): Promise<void> {
  const at = dice.once(3) ? dice.below(data.length + 1) : data.length;
  await raw.write(data.subarray(0, at));
  if (at < data.length) {
    await sleep(dice.below(5));
    await raw.write(data.subarray(at));
  }
}

const times = (dice: Dice, most: number) => Array.from({ length: 1 + dice.below(most) });

/** Sends a request and drops its answer. The time may also be over while the body comes. */
async function ask(url: string, init: RequestInit, ms: number): Promise<void> {
  await fetch(url, { ...init, signal: AbortSignal.timeout(ms) })
    .then((response) => response.text())
    .catch(() => '');
}

/** Every kind of hostile client, by name. */
export const HOSTILE: Readonly<Record<string, Hostile>> = {
  /** Signs in or not, then sends Socket.IO packets that are malformed or nearly right. */
  async packets(dice, port) {
    const raw = await openSocket(port, !dice.once(5));
    if (dice.once(2)) {
      await raw.write(clientFrame(1, `420["authenticate",{"username":"fuzz ${dice.below(1_000_000)}"}]`));
      await Promise.race([raw.seen(/43/), sleep(500)]);
    }
    for (const _ of times(dice, 20)) {
      const packet = Buffer.from(enginePacket(dice));
      const sent = await raw.write(
        clientFrame(packet.length > 60_000 || !dice.once(10) ? 1 : 2, packet.subarray(0, 60_000)),
      );
      if (!sent) break;
      if (dice.once(4)) await sleep(dice.below(10));
    }
    await linger(raw, 30);
  },

  /** Says at once what a client says one after another. */
  async together(dice, port) {
    const packets = [
      '40',
      '40',
      '40{"username":"fuzz"}',
      '41',
      '2',
      '420["get_rooms",{}]',
      '40/nowhere,',
      '1',
    ] as const;
    const said = times(dice, 4).map(() => dice.pick(packets));
    if (dice.once(2)) {
      const raw = await openSocket(port, dice.once(3));
      await raw.write(Buffer.concat(said.map((packet) => clientFrame(1, packet))));
      await linger(raw, 20);
      return;
    }
    const url = `http://127.0.0.1:${port}${await openSession(port)}`;
    await ask(url, { method: 'POST', body: said.join('\u001e') }, 100);
  },

  /** Sends malformed frames over a WebSocket. */
  async frames(dice, port) {
    const raw = await openSocket(port, dice.once(2));
    for (const _ of times(dice, 6)) if (!raw.isEnded) await writeCut(dice, raw, frameBytes(dice));
    await linger(raw, 30);
  },

  /** Sends malformed HTTP. */
  async http(dice, port) {
    const raw = new RawConnection(port);
    const starts = [
      upgradeRequest().trimEnd(),
      `POST ${ENGINE_PATH}polling HTTP/1.1\r\nHost: a\r\nContent-Length: ${dice.below(200_000)}`,
      `POST ${ENGINE_PATH}polling HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${dice.text(5)}`,
      `GET ${ENGINE_PATH}${dice.pick(['polling', 'webtransport', '__proto__', '%'])}&sid=${dice.text(10)} HTTP/1.1\r\nHost: a`,
      `${dice.pick(['PUT', 'OPTIONS', 'CONNECT', 'TRACE', 'HEAD'])} ${ENGINE_PATH}polling HTTP/1.1\r\nHost: a`,
      `GET /${dice.text(30).replaceAll(/[\r\n]/g, '')} HTTP/1.1\r\nX: ${'y'.repeat(dice.below(20_000))}`,
    ] as const;
    const text = dice.once(5) ? dice.bytes(300).toString('latin1') : mutate(dice, `${dice.pick(starts)}\r\n\r\n`);
    await writeCut(dice, raw, Buffer.from(dice.once(2) ? `${text}\r\n\r\n` : text));
    await linger(raw, 30);
  },

  /** Posts malformed bodies to a session of long-polling, and polls out of turn. */
  async polling(dice, port) {
    const url = `http://127.0.0.1:${port}${await openSession(port)}`;
    for (const _ of times(dice, 5)) {
      const body = Array.from({ length: dice.below(6) }, () => enginePacket(dice)).join('\u001e');
      const type = dice.pick(['text/plain', 'application/octet-stream', 'application/json', 'x']);
      const post = {
        method: 'POST',
        body: dice.once(3) ? mutate(dice, body) : body,
        headers: { 'Content-Type': type },
      };
      const method = dice.pick(['GET', 'DELETE', 'PATCH']);
      const together: RequestInit[] = dice.pick([[post], [post, post], [{}, post], [{ method }, {}]]);
      await Promise.all(together.map((init) => ask(url, init, 20 + dice.below(80))));
    }
  },

  /** Upgrades a session of long-polling in a wrong way. */
  async upgrade(dice, port) {
    const path = await openSession(port);
    const raws = Array.from({ length: 1 + dice.below(2) }, () => new RawConnection(port));
    for (const raw of raws) {
      await raw.write(upgradeRequest(path.replace('polling', 'websocket')));
      await Promise.race([raw.seen(/\r\n\r\n/), sleep(200)]);
    }
    const steps = ['2probe', '5', '4', '40', '3probe', '2', '1', ''] as const;
    for (const _ of times(dice, 4)) {
      const raw = dice.pick(raws as [RawConnection, ...RawConnection[]]);
      await raw.write(clientFrame(1, dice.once(3) ? enginePacket(dice).slice(0, 1_000) : dice.pick(steps)));
    }
    for (const raw of raws) await linger(raw, 20);
  },

  /** Announces binary attachments and sends something else. */
  async attachments(dice, port) {
    const raw = await openSocket(port);
    const holder = `{"_placeholder":true,"num":${dice.pick(['0', '5', '-1', '"a"', '1e9', 'null'])}}`;
    const inner = dice.once(3) ? json(dice) : holder;
    await raw.write(clientFrame(1, `45${1 + dice.below(3)}-["send_message",${inner},${holder}]`));
    for (const _ of times(dice, 4)) {
      await raw.write(
        dice.once(3) ? clientFrame(1, `4${socketPacket(dice).slice(0, 1_000)}`) : clientFrame(2, dice.bytes(50)),
      );
    }
    await linger(raw, 20);
  },
};
