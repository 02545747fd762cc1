import { afterEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../../protocol/index.ts';
import { openSession } from '../support/raw.ts';
import { sharedServer } from '../support/server.ts';
import { frame, handshakeRequest, OPCODES, openJoinedWire, openWire, WireSocket } from '../support/websocket.ts';

const PATH = '/socket.io/?EIO=4&transport=';
/** Between the packets of one payload (Engine.IO protocol 4). */
const SEPARATOR = '\u001e';
const PING = { interval: 100, timeout: 20_000 };

describe('Engine.IO protocol 4', () => {
  const server = sharedServer({
    env: { RATE_LIMITS: 'on', SIGN_IN_TIMEOUT: '600' },
    config: { pingIntervalMs: PING.interval, pingTimeoutMs: PING.timeout },
  });
  const hasty = sharedServer({
    env: { RATE_LIMITS: 'on', SIGN_IN_TIMEOUT: '600' },
    config: { pingIntervalMs: PING.interval, pingTimeoutMs: 200 },
  });
  const patient = sharedServer({ env: { RATE_LIMITS: 'on', SIGN_IN_TIMEOUT: '600' } });
  const open = new Set<WireSocket>();

  afterEach(() => {
    for (const wire of open) wire.destroy();
    open.clear();
  });

  function kept(wire: WireSocket): WireSocket {
    open.add(wire);
    return wire;
  }

  const poll = async (session: string) => {
    const response = await fetch(session);
    return { status: response.status, body: await response.text() };
  };
  const post = async (session: string, body: string | Uint8Array<ArrayBuffer>) => {
    const response = await fetch(session, { method: 'POST', body });
    return { status: response.status, body: await response.text() };
  };
  const wirePath = (session: string) =>
    `${new URL(session).pathname}${new URL(session).search}`.replace('polling', 'websocket');

  /** Everything polled until a packet starts so, a packet an item. */
  async function polled(session: string, start: string): Promise<string[]> {
    const packets: string[] = [];
    while (!packets.some((packet) => packet.startsWith(start))) {
      const { status, body } = await poll(session);
      if (status !== 200) throw new Error(`status ${status} before ${start} came: ${packets.join(' ')}`);
      packets.push(...body.split(SEPARATOR));
    }
    return packets;
  }

  describe('the handshake', () => {
    function expectSession(packet: string, upgrades: string[]): void {
      expect(packet[0]).toBe('0');
      expect(JSON.parse(packet.slice(1))).toEqual({
        sid: expect.stringMatching(/^[\w-]{20,}$/),
        upgrades,
        pingInterval: PING.interval,
        pingTimeout: PING.timeout,
        maxPayload: LIMITS.packet_bytes,
      });
    }

    it('opens a session over polling, as plain text', async () => {
      const response = await fetch(`${server.url}${PATH}polling`);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
      expectSession(await response.text(), ['websocket']);
    });

    it('opens a session over WebSocket', async () => {
      const wire = kept(await openWire(server));
      expectSession(await wire.textFrame('0{'), []);
    });

    it.each([
      ['no EIO', '/socket.io/?transport='],
      ['an EIO that is no number', '/socket.io/?EIO=abc&transport='],
      ['EIO 3', '/socket.io/?EIO=3&transport='],
      ['an unknown session', '/socket.io/?EIO=4&sid=unknown&transport='],
    ])('refuses %s over both transports, before there is a WebSocket', async (_, path) => {
      expect((await fetch(`${server.url}${path}polling`)).status).toBe(400);
      expect([400, 403]).toContain(kept(await openWire(server, `${path}websocket`)).answer?.status);
    });

    it.each(['', '&transport=abc', '&transport=webtransport', '&transport=__proto__'])(
      'refuses the transport "%s" with 400',
      async (transport) => {
        expect((await fetch(`${server.url}/socket.io/?EIO=4${transport}`)).status).toBe(400);
        expect(kept(await openWire(server, `/socket.io/?EIO=4${transport}`)).answer?.status).toBe(400);
      },
    );

    it.each(['POST', 'PUT', 'DELETE', 'PATCH'])('refuses the method %s with 400', async (method) => {
      expect((await fetch(`${server.url}${PATH}polling`, { method })).status).toBe(400);
    });

    it('refuses a WebSocket without an upgrade with 400', async () => {
      expect((await fetch(`${server.url}${PATH}websocket`)).status).toBe(400);
    });
  });

  describe('messages over polling', () => {
    it('a post is answered ok, and what it asked comes with the next poll', async () => {
      const session = await openSession(patient);
      expect(await post(session, '40')).toEqual({ status: 200, body: 'ok' });
      expect(await polled(session, '40')).toEqual([expect.stringMatching(/^40\{"sid":"[\w-]+"\}$/)]);
    });

    it('several packets in one post are all taken, in order', async () => {
      const session = await openSession(patient);
      await post(session, '40');
      await polled(session, '40{');
      await post(session, ['421["a"]', '422["b"]', '423["c"]'].join(SEPARATOR));
      const packets = await polled(session, '433');
      expect(packets.map((packet) => packet.slice(0, 3))).toEqual(['431', '432', '433']);
    });

    it('text beyond ASCII comes through whole', async () => {
      const session = await openSession(patient);
      await post(session, '40');
      await polled(session, '40{');
      await post(session, '42["çğış 🙂"]');
      expect((await polled(session, '42["error"')).at(-1)).toContain('"event":"çğış 🙂"');
    });

    it('a poll waits until there is something', async () => {
      const session = await openSession(patient);
      const waiting = poll(session);
      await post(session, '40');
      expect((await waiting).body).toMatch(/^40\{/);
    });

    it.each(['abc', ''])('the post "%s" is no packet: the session ends', async (body) => {
      const session = await openSession(patient);
      await post(session, body).catch(() => undefined);
      const statuses: number[] = [];
      while (statuses.length < 3 && statuses.at(-1) !== 400) statuses.push((await poll(session)).status);
      expect(statuses.at(-1)).toBe(400);
    });

    it('a second poll beside one that waits is an error, and ends the session', async () => {
      const session = await openSession(patient);
      const [first, second] = await Promise.all([poll(session), poll(session)]);
      const statuses = [first.status, second.status].sort();
      expect(statuses[0]).toBe(200);
      expect([400, 500]).toContain(statuses[1]);
      expect((await poll(session)).status).toBe(400);
    });

    it('a method that is neither GET nor POST ends nothing', async () => {
      const session = await openSession(patient);
      expect((await fetch(session, { method: 'PUT', body: '40' })).status).toBeGreaterThanOrEqual(400);
      await post(session, '40');
      expect((await poll(session)).body).toMatch(/^40\{/);
    });

    it('answers the preflight of a browser', async () => {
      const headers = { Origin: 'https://app.example', 'Access-Control-Request-Method': 'POST' };
      const response = await fetch(`${patient.url}${PATH}polling`, { method: 'OPTIONS', headers });
      expect(response.status).toBe(204);
      expect(response.headers.get('access-control-allow-origin')).toBe('*');
    });
  });

  describe('the heartbeat', () => {
    it('over polling: the server pings, and goes on while it gets pongs', async () => {
      const session = await openSession(server);
      for (let i = 0; i < 3; i++) {
        expect((await poll(session)).body).toBe('2');
        expect((await post(session, '3')).status).toBe(200);
      }
    });

    it('over polling: the session ends without pongs', async () => {
      const session = await openSession(hasty);
      const bodies: string[] = [];
      let last = await poll(session);
      while (last.status === 200 && bodies.length < 10) {
        bodies.push(last.body);
        last = await poll(session);
      }
      expect(last.status).toBe(400);
      expect(bodies[0]).toBe('2');
    });

    it('over WebSocket: the server pings, and goes on while it gets pongs', async () => {
      const wire = kept(await openWire(server));
      const pings = () => wire.frames.filter(({ payload }) => payload.toString() === '2').length;
      for (let i = 1; i <= 3; i++) {
        await wire.find(`ping ${i}`, () => (pings() >= i ? true : undefined));
        wire.text('3');
      }
    });

    it('over WebSocket: the connection ends without pongs', async () => {
      const wire = kept(await openWire(hasty));
      await wire.ended;
      expect(wire.frames.map(({ payload }) => payload.toString())).toContain('2');
    });

    it('does not take the pong of a WebSocket for one of its own', async () => {
      const wire = kept(await openWire(hasty));
      wire.write(frame({ opcode: OPCODES.pong, payload: '3' }));
      await wire.ended;
    });
  });

  describe('closing', () => {
    it('by packet 1 ends the session, and the poll that waits', async () => {
      const session = await openSession(patient);
      const waiting = poll(session);
      await post(session, '1');
      expect(await waiting).toEqual({ status: 200, body: '6' });
      expect((await poll(session)).status).toBe(400);
    });
  });

  describe('the upgrade', () => {
    it('moves a session from polling to WebSocket, and loses nothing on the way', async () => {
      const session = await openSession(patient);
      await post(session, '40');
      await polled(session, '40');
      const wire = kept(await openWire(patient, wirePath(session)));
      wire.text('2probe');
      expect(await wire.textFrame('3')).toBe('3probe');
      await post(session, '421["before"]');
      expect((await polled(session, '431')).at(-1)).toContain('UNKNOWN_COMMAND');
      wire.text('5');
      wire.text('422["after"]');
      expect(await wire.textFrame('432[')).toContain('UNKNOWN_COMMAND');
    });

    it('lets a poll that waits go with packet 6', async () => {
      const session = await openSession(patient);
      const waiting = poll(session);
      const wire = kept(await openWire(patient, wirePath(session)));
      wire.text('2probe');
      await wire.textFrame('3probe');
      expect(await waiting).toEqual({ status: 200, body: '6' });
      wire.text('5');
      wire.text('40');
      await wire.textFrame('40{');
    });

    /** A session that has been upgraded, and its address for polling. */
    async function upgraded(): Promise<{ session: string; wire: WireSocket }> {
      const session = await openSession(patient);
      const wire = kept(await openWire(patient, wirePath(session)));
      wire.text('2probe');
      await wire.textFrame('3probe');
      wire.text('5');
      wire.text('40');
      await wire.textFrame('40{');
      return { session, wire };
    }

    it('is final: polls of the same session get 400, and the session lives on', async () => {
      const { session, wire } = await upgraded();
      expect((await poll(session)).status).toBe(400);
      wire.text('421["still here"]');
      await wire.textFrame('431[');
    });

    it('is final: a second WebSocket of the same session is ended, and the first lives on', async () => {
      const { session, wire } = await upgraded();
      const second = new WireSocket(patient);
      kept(second);
      second.write(handshakeRequest({ path: wirePath(session) }));
      await second.ended;
      wire.text('421["still here"]');
      await wire.textFrame('431[');
    });

    it('that breaks off leaves the session on polling', async () => {
      const session = await openSession(patient);
      const wire = await openWire(patient, wirePath(session));
      wire.text('2probe');
      await wire.textFrame('3probe');
      wire.destroy();
      await post(session, '40');
      await polled(session, '40{');
    });

    it('that begins with anything but a probe is ended, and leaves the session on polling', async () => {
      const session = await openSession(patient);
      const wire = kept(await openWire(patient, wirePath(session)));
      wire.text('421["too early"]');
      await wire.ended;
      await post(session, '40');
      await polled(session, '40{');
    });
  });

  it('ends a WebSocket at an unknown packet type', async () => {
    const wire = kept(await openJoinedWire(patient));
    wire.text('9');
    await wire.ended;
  });

  it('ends a WebSocket at an empty packet', async () => {
    const wire = kept(await openJoinedWire(patient));
    wire.text('');
    await wire.ended;
  });
});
