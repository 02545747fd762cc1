import type { Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as ws from 'ws';
import { ackPacket, Chunk, eventPacket } from './frames.ts';

// The types of ws leave its parser out.
const { Receiver } = ws as unknown as { Receiver: new (options: { isServer: boolean }) => Writable };

/** What a WebSocket client makes of these bytes, given to it in slices. */
async function parse(bytes: Buffer, slice: number): Promise<string[]> {
  const receiver = new Receiver({ isServer: false });
  const texts: string[] = [];
  receiver.on('message', (data: Buffer, isBinary: boolean) => texts.push(isBinary ? 'binary' : data.toString()));
  for (let at = 0; at < bytes.length; at += slice) receiver.write(bytes.subarray(at, at + slice));
  await new Promise<void>((resolve) => receiver.end(() => resolve()));
  return texts;
}

describe('a chunk', () => {
  it('is read by a WebSocket client as the same packets, as a buffer and as a string', async () => {
    const unit = fc.oneof(fc.constantFrom('ş', 'ÿ', '€', 'x'), fc.string({ unit: 'grapheme', maxLength: 1 }));
    const packets = fc.array(fc.string({ unit, maxLength: 300 }), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(packets, fc.integer({ min: 1, max: 500 }), async (texts, slice) => {
        const chunk = new Chunk(texts);
        expect(await parse(chunk.frames, slice)).toEqual(texts.map((text) => `4${text}`));
        expect(Buffer.from(chunk.text, 'latin1').equals(chunk.frames)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it.each([124, 125, 126, 65_534, 65_535, 200_000])('tells the length of a packet of %i bytes', async (length) => {
    for (const text of ['x'.repeat(length), `é${'x'.repeat(length - 2)}`]) {
      expect(await parse(new Chunk([text, 'end']).frames, 70_000)).toEqual([`4${text}`, '4end']);
    }
  });
});

it('writes packets as socket.io-parser does', () => {
  expect(eventPacket('message', '{"a":1}')).toBe('2["message",{"a":1}]');
  expect(ackPacket(17, '{"ok":true}')).toBe('317[{"ok":true}]');
});
