import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientFrame, type FrameHandler, FrameReader, OPCODE } from '../bench/load/frames.ts';
import { Histogram } from '../bench/load/histogram.ts';

/** A frame as a server sends it: not masked, with each of the three ways to write the length. */
function serverFrame(opcode: number, payload: Buffer): Buffer {
  const head = [0x80 | opcode];
  if (payload.length < 126) head.push(payload.length);
  else if (payload.length < 65_536) head.push(126, payload.length >> 8, payload.length & 255);
  else
    head.push(
      127,
      0,
      0,
      0,
      0,
      payload.length >>> 24,
      (payload.length >> 16) & 255,
      (payload.length >> 8) & 255,
      payload.length & 255,
    );
  return Buffer.concat([Buffer.from(head), payload]);
}

class Recorder implements FrameHandler {
  readonly seen: { opcode: number; payload: string }[] = [];
  text(buffer: Buffer, start: number, end: number): void {
    this.seen.push({ opcode: OPCODE.text, payload: buffer.toString('utf8', start, end) });
  }
  control(opcode: number, buffer: Buffer, start: number, end: number): void {
    this.seen.push({ opcode, payload: buffer.toString('utf8', start, end) });
  }
}

const frame = fc.record({
  opcode: fc.constantFrom(OPCODE.text, OPCODE.text, OPCODE.ping, OPCODE.close),
  length: fc.oneof(fc.constantFrom(0, 1, 125, 126, 127, 65_535, 65_536), fc.integer({ min: 0, max: 400 })),
});

describe('the frames of the load client', () => {
  it('finds every frame, however the stream is cut and joined, in a buffer that is used again', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 12 }), fc.array(fc.integer({ min: 1, max: 5_000 })), (frames, cuts) => {
        const sent = frames.map(({ opcode, length }, index) => ({
          opcode,
          payload: String(index % 10).repeat(length),
        }));
        const stream = Buffer.concat(sent.map(({ opcode, payload }) => serverFrame(opcode, Buffer.from(payload))));
        const recorder = new Recorder();
        const reader = new FrameReader(recorder);
        const shared = Buffer.alloc(stream.length + 1);
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const length = Math.min(cuts[turn] ?? stream.length, stream.length - at);
          stream.copy(shared, 0, at, at + length);
          reader.push(shared, length);
          shared.fill(0xff);
          at += length;
        }
        expect(recorder.seen).toEqual(sent);
      }),
      { numRuns: 200 },
    );
  });

  it('refuses what a server must not send', () => {
    const push = (...bytes: number[]) => new FrameReader(new Recorder()).push(Buffer.from(bytes), bytes.length);
    expect(() => push(0x01, 1, 0x61)).toThrow('begins with 0x1');
    expect(() => push(0x81, 0x81, 0, 0, 0, 0, 0x61)).toThrow('masked');
    expect(() => push(0xc1, 1, 0x61)).toThrow('begins with 0xc1');
  });

  it('masks what it sends with the key 0, in both lengths', () => {
    expect([...clientFrame(OPCODE.text, '40')]).toEqual([0x81, 0x82, 0, 0, 0, 0, 0x34, 0x30]);
    const long = clientFrame(OPCODE.text, 'x'.repeat(300));
    expect([...long.subarray(0, 9)]).toEqual([0x81, 0xfe, 1, 44, 0, 0, 0, 0, 0x78]);
    expect(long).toHaveLength(308);
  });
});

describe('the histogram of the load client', () => {
  it('tells quantiles within 1/64 of the value', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 100_000_000 }), { minLength: 1, maxLength: 200 }), (values) => {
        const histogram = new Histogram();
        for (const value of values) histogram.record(value);
        const sorted = values.toSorted((a, b) => a - b);
        for (const q of [0.5, 0.99, 1]) {
          const exact = (sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] as number) / 1000;
          expect(histogram.quantile(q)).toBeLessThanOrEqual(exact);
          expect(histogram.quantile(q)).toBeGreaterThanOrEqual(exact * (1 - 1 / 64) - 1e-9);
        }
        expect(histogram.total).toBe(values.length);
      }),
    );
  });
});
