import { afterEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../../protocol/index.ts';
import { sharedServer } from '../support/server.ts';
import {
  acceptOf,
  closePayload,
  type FrameOptions,
  frame,
  handshakeRequest,
  OPCODES,
  openJoinedWire,
  WireSocket,
} from '../support/websocket.ts';

const PROTOCOL_ERROR = 1002;
const INVALID_TEXT = 1007;
const TOO_BIG = 1009;

/** A command that is answered before anybody has signed in; spaces fill it up to a number of bytes. */
function command(id: number, bytes = 0): string {
  const packet = `42${id}["conformance"`;
  return `${packet.padEnd(bytes - 1)}]`;
}

const UTF8 = 'Merhaba çğıöşü 漢字 🙂';

describe('RFC 6455', () => {
  const server = sharedServer({ env: { RATE_LIMITS: 'on', SIGN_IN_TIMEOUT: '600' } });
  const open = new Set<WireSocket>();

  afterEach(() => {
    for (const wire of open) wire.destroy();
    open.clear();
  });

  async function joined(): Promise<WireSocket> {
    const wire = await openJoinedWire(server);
    open.add(wire);
    return wire;
  }

  /** Whether commands on this connection are still answered. */
  async function works(wire: WireSocket, id = 9): Promise<void> {
    wire.text(command(id));
    await wire.textFrame(`43${id}[{"ok":false`);
  }

  describe('the handshake', () => {
    async function answerTo(request: string) {
      const wire = new WireSocket(server);
      open.add(wire);
      wire.write(request);
      return await wire.find('the answer to the handshake', () => wire.answer);
    }

    it('accepts with what the key asks for, and without an extension', async () => {
      const key = 'dGhlIHNhbXBsZSBub25jZQ==';
      const offer = { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' };
      const { status, headers } = await answerTo(handshakeRequest({ key, headers: offer }));
      expect(status).toBe(101);
      expect(headers.get('sec-websocket-accept')).toBe(acceptOf(key));
      expect(headers.get('upgrade')?.toLowerCase()).toBe('websocket');
      expect(headers.get('connection')?.toLowerCase()).toBe('upgrade');
      expect(headers.has('sec-websocket-extensions')).toBe(false);
    });

    it.each([
      ['in capitals', { Upgrade: 'WEBSOCKET', Connection: 'UPGRADE' }],
      ['among others, as Firefox writes it', { Connection: 'keep-alive, Upgrade' }],
    ])('takes the headers %s', async (_, headers) => {
      expect((await answerTo(handshakeRequest({ headers }))).status).toBe(101);
    });

    it.each([
      ['no key', handshakeRequest({ headers: { 'Sec-WebSocket-Key': null } })],
      ['a key that is too short', handshakeRequest({ key: 'AAAA' })],
      ['a key that is no base64', handshakeRequest({ key: '%'.repeat(24) })],
      ['no version', handshakeRequest({ headers: { 'Sec-WebSocket-Version': null } })],
      ['an old version', handshakeRequest({ headers: { 'Sec-WebSocket-Version': '7' } })],
      ['a version to come', handshakeRequest({ headers: { 'Sec-WebSocket-Version': '14' } })],
      ['another protocol', handshakeRequest({ headers: { Upgrade: 'h2c' } })],
      ['another method', handshakeRequest({ method: 'POST', headers: { 'Content-Length': '0' } })],
    ])('refuses %s', async (_, request) => {
      const { status } = await answerTo(request);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
    });
  });

  describe('framing', () => {
    it.each([16, 124, 125, 126, 127, 128, 1_000, 65_534, 65_535, LIMITS.packet_bytes])(
      'takes a frame of %i bytes',
      async (bytes) => {
        const wire = await joined();
        wire.text(command(1, bytes));
        await wire.textFrame('431[');
      },
    );

    it('ends at a packet of one byte too many, by what the header says alone', async () => {
      const wire = await joined();
      wire.write(frame({ toldLength: BigInt(LIMITS.packet_bytes + 1) }));
      expect(await wire.closeCode()).toBe(TOO_BIG);
    });

    it.each([
      ['2^53', 2n ** 53n],
      ['2^63 - 1', 2n ** 63n - 1n],
      ['with the highest bit set', 2n ** 63n],
      ['of all ones', 2n ** 64n - 1n],
    ])('ends at a length %s', async (_, toldLength) => {
      const wire = await joined();
      wire.write(frame({ toldLength }));
      expect([PROTOCOL_ERROR, TOO_BIG]).toContain(await wire.closeCode());
    });

    it('takes a frame that comes byte by byte', async () => {
      const wire = await joined();
      await wire.writeSlowly(frame({ payload: command(1, 130) }));
      await wire.textFrame('431[');
    });

    it('takes many frames in one write, and answers in their order', async () => {
      const wire = await joined();
      wire.write(...Array.from({ length: 20 }, (_, i) => frame({ payload: command(i) })));
      await wire.textFrame('4319[');
      const ids = wire.frames.map(({ payload }) => /^43(\d+)\[/.exec(payload.toString())?.[1]).filter(Boolean);
      expect(ids).toEqual(Array.from({ length: 20 }, (_, i) => String(i)));
    });

    it('ends at a frame without a mask', async () => {
      const wire = await joined();
      wire.write(frame({ payload: command(1), masked: false }));
      expect(await wire.closeCode()).toBe(PROTOCOL_ERROR);
    });

    it.each([1, 2, 3, 4, 5, 6, 7])('ends at reserved bits %i', async (rsv) => {
      const wire = await joined();
      wire.write(frame({ payload: command(1), rsv }));
      expect(await wire.closeCode()).toBe(PROTOCOL_ERROR);
    });

    it.each([3, 4, 5, 6, 7, 11, 12, 13, 14, 15])('ends at the reserved opcode %i', async (opcode) => {
      const wire = await joined();
      wire.write(frame({ payload: 'x', opcode }));
      expect(await wire.closeCode()).toBe(PROTOCOL_ERROR);
    });
  });

  describe('fragments', () => {
    const payload = Buffer.from(`421["conformance",{"x":"${UTF8}"}]`);

    /** A message cut at these bytes. */
    function cut(message: Buffer, ...at: number[]): Buffer[] {
      const ends = [...at, message.length];
      return ends.map((end, i) =>
        frame({
          opcode: i === 0 ? OPCODES.text : OPCODES.continuation,
          fin: i === at.length,
          payload: message.subarray(ends[i - 1] ?? 0, end),
        }),
      );
    }

    it('are joined, wherever they are cut, within a character too', async () => {
      for (let at = 0; at <= payload.length; at += 3) {
        const wire = await joined();
        wire.write(...cut(payload, at));
        await wire.textFrame('431[');
        wire.destroy();
      }
    });

    it('are joined when there are many, empty ones among them', async () => {
      const wire = await joined();
      wire.write(...cut(payload, 0, 0, 1, 2, 3, 3, 3, 10, 20, payload.length));
      await wire.textFrame('431[');
    });

    it('are joined when each comes byte by byte', async () => {
      const wire = await joined();
      for (const part of cut(payload, 5, 30)) await wire.writeSlowly(part);
      await wire.textFrame('431[');
    });

    it('may have pings between them, which are answered at once', async () => {
      const wire = await joined();
      const [first = Buffer.of(), ...rest] = cut(payload, 10, 20);
      wire.write(first, frame({ opcode: OPCODES.ping, payload: 'between' }));
      expect((await wire.frameOf(OPCODES.pong)).payload.toString()).toBe('between');
      wire.write(...rest);
      await wire.textFrame('431[');
    });

    it('may be left unfinished by a close', async () => {
      const wire = await joined();
      const [first = Buffer.of()] = cut(payload, 10);
      wire.write(first, frame({ opcode: OPCODES.close, payload: closePayload(1000) }));
      expect(await wire.closeCode()).toBe(1000);
    });

    it.each<[string, FrameOptions[]]>([
      ['a continuation of nothing', [{ opcode: OPCODES.continuation }]],
      ['a continuation of nothing that goes on', [{ opcode: OPCODES.continuation, fin: false }]],
      ['a new message within one', [{ fin: false, payload: '4' }, { payload: '40' }]],
      [
        'a new fragmented message within one',
        [
          { fin: false, payload: '4' },
          { fin: false, payload: '40' },
        ],
      ],
      [
        'a binary message within one',
        [
          { fin: false, payload: '4' },
          { opcode: OPCODES.binary, payload: '4' },
        ],
      ],
      ['a continuation behind a whole message', [{ payload: command(1) }, { opcode: OPCODES.continuation }]],
      ['a ping in fragments', [{ opcode: OPCODES.ping, fin: false }]],
      ['a pong in fragments', [{ opcode: OPCODES.pong, fin: false }]],
      ['a close in fragments', [{ opcode: OPCODES.close, fin: false }]],
    ])('end the connection when they are %s', async (_, frames) => {
      const wire = await joined();
      wire.write(...frames.map(frame));
      expect(await wire.closeCode()).toBe(PROTOCOL_ERROR);
    });

    it('end the connection when together they are more than a packet may be', async () => {
      const wire = await joined();
      const half = 'x'.repeat(LIMITS.packet_bytes / 2 + 1);
      wire.write(frame({ fin: false, payload: half }), frame({ opcode: OPCODES.continuation, payload: half }));
      expect(await wire.closeCode()).toBe(TOO_BIG);
    });
  });

  describe('control frames', () => {
    it.each([0, 1, 124, 125])('a ping of %i bytes gets a pong with the same', async (bytes) => {
      const wire = await joined();
      const payload = Buffer.alloc(bytes, 0xfe);
      wire.write(frame({ opcode: OPCODES.ping, payload }));
      expect((await wire.frameOf(OPCODES.pong)).payload).toEqual(payload);
    });

    it('a ping that comes byte by byte gets its pong', async () => {
      const wire = await joined();
      await wire.writeSlowly(frame({ opcode: OPCODES.ping, payload: 'slow' }));
      expect((await wire.frameOf(OPCODES.pong)).payload.toString()).toBe('slow');
    });

    it('pings in one write get their pongs in order', async () => {
      const wire = await joined();
      wire.write(...['a', 'b', 'c'].map((payload) => frame({ opcode: OPCODES.ping, payload })));
      await works(wire);
      const pongs = wire.frames.filter(({ opcode }) => opcode === OPCODES.pong);
      expect(pongs.map(({ payload }) => payload.toString())).toEqual(['a', 'b', 'c']);
    });

    it('a pong that nobody asked for is ignored', async () => {
      const wire = await joined();
      wire.write(frame({ opcode: OPCODES.pong, payload: 'unasked' }));
      await works(wire);
    });

    it.each([
      ['ping', OPCODES.ping],
      ['pong', OPCODES.pong],
      ['close', OPCODES.close],
    ])('a %s of 126 bytes ends the connection', async (_, opcode) => {
      const wire = await joined();
      wire.write(frame({ opcode, payload: Buffer.alloc(126, 0x03) }));
      expect(await wire.closeCode()).toBe(PROTOCOL_ERROR);
    });
  });

  describe('UTF-8', () => {
    it.each([
      ['of two, three and four bytes', UTF8],
      ['with the highest code point', '\u{10ffff}'],
      ['with noncharacters', '\ufffe\uffff\u{1fffe}'],
      ['with a byte-order mark', '\ufeffx'],
      ['with U+D7FF and U+E000, at the borders of the surrogates', '\ud7ff\ue000'],
    ])('%s is text', async (_, text) => {
      const wire = await joined();
      wire.text(`421["conformance",{"x":"${text}"}]`);
      await wire.textFrame('431[');
    });

    it.each([
      ['a continuation byte alone', [0x80]],
      ['the last continuation byte alone', [0xbf]],
      ['a slash in two bytes', [0xc0, 0xaf]],
      ['a slash in three bytes', [0xe0, 0x80, 0xaf]],
      ['a slash in four bytes', [0xf0, 0x80, 0x80, 0xaf]],
      ['the highest overlong of two bytes', [0xc1, 0xbf]],
      ['the highest overlong of three bytes', [0xe0, 0x9f, 0xbf]],
      ['the highest overlong of four bytes', [0xf0, 0x8f, 0xbf, 0xbf]],
      ['NUL in two bytes', [0xc0, 0x80]],
      ['the first surrogate', [0xed, 0xa0, 0x80]],
      ['the last surrogate', [0xed, 0xbf, 0xbf]],
      ['a pair of surrogates', [0xed, 0xa0, 0x80, 0xed, 0xb0, 0x80]],
      ['a code point above the highest', [0xf4, 0x90, 0x80, 0x80]],
      ['five bytes', [0xf8, 0x88, 0x80, 0x80, 0x80]],
      ['six bytes', [0xfc, 0x84, 0x80, 0x80, 0x80, 0x80]],
      ['0xFE', [0xfe]],
      ['0xFF', [0xff]],
      ['two of three bytes', [0xe2, 0x82]],
      ['three of four bytes', [0xf0, 0x9f, 0x99]],
      ['a start without its continuation', [0xc3, 0x28]],
    ])('%s is not, and ends the connection', async (_, bytes) => {
      const wire = await joined();
      wire.text(Buffer.concat([Buffer.from('421["conformance",{"x":"'), Buffer.from(bytes), Buffer.from('"}]')]));
      expect(await wire.closeCode()).toBe(INVALID_TEXT);
    });

    it('that is cut off at the end of a fragmented message ends the connection', async () => {
      const wire = await joined();
      const smile = Buffer.from('🙂');
      wire.write(frame({ fin: false, payload: smile.subarray(0, 2) }));
      wire.write(frame({ opcode: OPCODES.continuation, payload: smile.subarray(2, 3) }));
      expect(await wire.closeCode()).toBe(INVALID_TEXT);
    });
  });

  describe('closing', () => {
    it.each([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])(
      'code %i is answered with the same, and the connection ended',
      async (code) => {
        const wire = await joined();
        wire.write(frame({ opcode: OPCODES.close, payload: closePayload(code) }));
        expect(await wire.closeCode()).toBe(code);
      },
    );

    it.each([0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65_535])(
      'code %i breaks the rules',
      async (code) => {
        const wire = await joined();
        wire.write(frame({ opcode: OPCODES.close, payload: closePayload(code) }));
        expect(await wire.closeCode()).toBe(PROTOCOL_ERROR);
      },
    );

    it('without a code is answered', async () => {
      const wire = await joined();
      wire.write(frame({ opcode: OPCODES.close }));
      expect([null, 1000, 1005]).toContain(await wire.closeCode());
    });

    it('with half a code breaks the rules', async () => {
      const wire = await joined();
      wire.write(frame({ opcode: OPCODES.close, payload: Buffer.of(3) }));
      expect(await wire.closeCode()).toBe(PROTOCOL_ERROR);
    });

    it('with the longest reason is answered', async () => {
      const wire = await joined();
      wire.write(frame({ opcode: OPCODES.close, payload: closePayload(1000, 'ş'.repeat(61)) }));
      expect(await wire.closeCode()).toBe(1000);
    });

    it('with a reason that is no UTF-8 breaks the rules', async () => {
      const wire = await joined();
      wire.write(frame({ opcode: OPCODES.close, payload: closePayload(1000, Buffer.of(0xce, 0xba, 0xe1, 0xbd)) }));
      expect(await wire.closeCode()).toBe(INVALID_TEXT);
    });

    it('is the end: what comes behind it is not answered', async () => {
      const wire = await joined();
      wire.write(frame({ opcode: OPCODES.close, payload: closePayload(1000) }), frame({ payload: command(1) }));
      expect(await wire.closeCode()).toBe(1000);
      expect(wire.frames.some(({ payload }) => payload.toString().startsWith('431['))).toBe(false);
    });

    it('twice is as once', async () => {
      const wire = await joined();
      const close = frame({ opcode: OPCODES.close, payload: closePayload(1000) });
      wire.write(close, close);
      expect(await wire.closeCode()).toBe(1000);
      expect(wire.frames.filter(({ opcode }) => opcode === OPCODES.close)).toHaveLength(1);
    });
  });
});
