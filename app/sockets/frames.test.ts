import type { Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as ws from 'ws';
import { ackPacket, Chunk, encodeFrames, eventPacket } from './frames.ts';

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

describe('encodeFrames', () => {
  it('gives what a WebSocket client reads as the same packets', async () => {
    const packets = fc.array(fc.string({ unit: 'grapheme', maxLength: 300 }), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(packets, fc.integer({ min: 1, max: 500 }), async (texts, slice) => {
        expect(await parse(encodeFrames(texts), slice)).toEqual(texts.map((text) => `4${text}`));
      }),
      { numRuns: 50 },
    );
  });

  it.each([124, 125, 126, 65_534, 65_535, 200_000])(
    'writes the length of a payload of %i characters',
    async (length) => {
      const text = 'x'.repeat(length);
      expect(await parse(encodeFrames([text, 'end']), 70_000)).toEqual([`4${text}`, '4end']);
    },
  );
});

describe('a chunk', () => {
  it('is the same bytes as a buffer and as a string', () => {
    const unit = fc.oneof(fc.constantFrom('ş', 'ÿ', '€', 'x'), fc.string({ unit: 'grapheme', maxLength: 1 }));
    const packets = fc.array(fc.string({ unit, maxLength: 300 }), { minLength: 1, maxLength: 5 });
    const large = [125, 126, 65_534, 65_535].map((length) => ['é', ...'x'.repeat(length - 2)].join(''));
    fc.assert(
      fc.property(packets, (texts) => {
        const chunk = new Chunk(texts);
        expect(Buffer.from(chunk.text, 'latin1').equals(chunk.frames)).toBe(true);
      }),
      { examples: [[large]] },
    );
  });
});

it('writes packets as socket.io-parser does', () => {
  expect(eventPacket('message', '{"a":1}')).toBe('2["message",{"a":1}]');
  expect(ackPacket(17, '{"ok":true}')).toBe('317[{"ok":true}]');
});
