import { afterEach, describe, expect, it } from 'vitest';
import { unique } from '../support/client.ts';
import { sharedServer } from '../support/server.ts';
import { frame, OPCODES, openJoinedWire, openWire, type WireSocket } from '../support/websocket.ts';

describe('Socket.IO protocol 5', () => {
  const server = sharedServer({ env: { RATE_LIMITS: 'on', SIGN_IN_TIMEOUT: '600' } });
  const open = new Set<WireSocket>();

  afterEach(() => {
    for (const wire of open) wire.destroy();
    open.clear();
  });

  async function opened(): Promise<WireSocket> {
    const wire = await openWire(server);
    open.add(wire);
    return wire;
  }

  async function joined(): Promise<WireSocket> {
    const wire = await openJoinedWire(server);
    open.add(wire);
    return wire;
  }

  describe('connecting', () => {
    it('to the main namespace answers with an id of its own', async () => {
      const wire = await opened();
      const engine = JSON.parse((await wire.textFrame('0{')).slice(1)) as { sid: string };
      wire.text('40');
      const { sid, ...rest } = JSON.parse((await wire.textFrame('40{')).slice(2)) as { sid: string };
      expect(rest).toEqual({});
      expect(sid).toMatch(/^[\w-]{20,}$/);
      expect(sid).not.toBe(engine.sid);
    });

    it('with a payload signs in by it', async () => {
      const wire = await opened();
      const username = unique('wire');
      wire.text(`40${JSON.stringify({ username })}`);
      await wire.textFrame('40{');
      expect(await wire.textFrame('42["connect_response"')).toContain(username);
    });

    it.each(['/random', '/admin', '/random,', '/random,{"token":"abc"}', '/__proto__,'])(
      'to the namespace %s is refused, and that alone',
      async (namespace) => {
        const wire = await opened();
        wire.text(`40${namespace}`);
        const [name = ''] = namespace.split(',');
        expect(await wire.textFrame('44')).toBe(`44${name},{"message":"Invalid namespace"}`);
        wire.text('40');
        await wire.textFrame('40{');
      },
    );

    it.each(['4abc', '40{', '40[]', '40"text"', '40{"a":1}x'])('as %s ends the connection', async (packet) => {
      const wire = await opened();
      wire.text(packet);
      await wire.ended;
    });

    it.each(['421["get_rooms"]', '41', '430[]', '44{}'])('must come first: %s ends the connection', async (packet) => {
      const wire = await opened();
      wire.text(packet);
      await wire.ended;
    });
  });

  describe('disconnecting', () => {
    it('from the main namespace ends the connection', async () => {
      const wire = await joined();
      wire.text('41');
      await wire.ended;
    });

    it('from a namespace that was never entered ends the connection', async () => {
      const wire = await joined();
      wire.text('41/random,');
      await wire.ended;
    });
  });

  describe('events', () => {
    it.each([0, 1, 9, 10, 12_345, Number.MAX_SAFE_INTEGER])('with the id %i are answered with it', async (id) => {
      const wire = await joined();
      wire.text(`42${id}["no such command"]`);
      const [answer] = JSON.parse((await wire.textFrame(`43${id}[`)).slice(2 + String(id).length)) as [unknown];
      expect(answer).toMatchObject({ ok: false, error: { code: 'UNKNOWN_COMMAND' } });
    });

    it('without an id are answered by the event error alone', async () => {
      const wire = await joined();
      wire.text('42["no such command"]');
      expect(await wire.textFrame('42["error"')).toContain('"event":"no such command"');
      wire.text('421["marker"]');
      await wire.textFrame('431[');
      expect(wire.frames.filter(({ payload }) => payload.toString().startsWith('43'))).toHaveLength(1);
    });

    it('each get one answer, in the order in which they came', async () => {
      const wire = await joined();
      for (let id = 0; id < 20; id++) wire.text(`42${id}["no such command"]`);
      await wire.textFrame('4319[');
      const answers = wire.frames.flatMap(({ payload }) => /^43(\d+)\[/.exec(payload.toString())?.[1] ?? []);
      expect(answers.map(Number)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    });

    it.each(['42["get_rooms",1,"2",{"3":[true]}]', '42[]', '42{}', '42["disconnect"]', '42'])(
      'as %s harm nobody else',
      async (packet) => {
        const [wire, other] = await Promise.all([joined(), joined()]);
        wire.text(packet);
        other.text('421["still here"]');
        await other.textFrame('431[');
      },
    );

    it('of another namespace end the connection', async () => {
      const wire = await joined();
      wire.text('42/random,1["get_rooms"]');
      await wire.ended;
    });
  });

  describe('binary events', () => {
    const placeholders = (count: number) =>
      Array.from({ length: count }, (_, num) => JSON.stringify({ _placeholder: true, num })).join(',');

    it('are refused as any payload that breaks the schema', async () => {
      const wire = await joined();
      wire.text(`451-1["authenticate",{"username":${placeholders(1)}}]`);
      wire.write(frame({ opcode: OPCODES.binary, payload: Buffer.of(1, 2, 3) }));
      // A binary acknowledgement would be 461-; there is nothing binary in an answer.
      expect(await wire.textFrame('431[')).toContain('"INVALID_INPUT"');
    });

    it('wait for as many attachments as they announce', async () => {
      const wire = await joined();
      wire.text(`452-1["no such command",${placeholders(2)}]`);
      wire.write(frame({ opcode: OPCODES.binary, payload: Buffer.of(1) }));
      wire.write(frame({ opcode: OPCODES.binary, payload: Buffer.of(2) }));
      await wire.textFrame('431[');
    });

    it('end the connection when text comes in the place of an attachment', async () => {
      const wire = await joined();
      wire.text(`451-1["no such command",${placeholders(1)}]`);
      wire.text('422["get_rooms"]');
      await wire.ended;
    });

    it('end the connection when an attachment comes that was not announced', async () => {
      const wire = await joined();
      wire.write(frame({ opcode: OPCODES.binary, payload: Buffer.of(1, 2, 3) }));
      await wire.ended;
    });
  });

  describe('acknowledgements of what the server never asked', () => {
    it.each(['430[]', '437[{"ok":true}]'])('as %s are dropped', async (packet) => {
      const wire = await joined();
      wire.text(packet);
      wire.text('421["still here"]');
      await wire.textFrame('431[');
    });
  });

  it.each(['47', '49', '4', '4x'])('ends the connection at the packet "%s"', async (packet) => {
    const wire = await joined();
    wire.text(packet);
    await wire.ended;
  });
});
