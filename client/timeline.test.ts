import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Message } from '../protocol/message.ts';
import { RoomLog } from './room-log.ts';
import { Timeline } from './timeline.ts';

/** A room as the server has it: who said what when, by numbers alone. */
class Server {
  readonly #states = new Map<number, number>();
  head = 0;

  send(): void {
    this.head++;
    this.#states.set(this.head, this.head);
  }

  /** Changes the message at the place that is nearest. */
  edit(pick: number): void {
    const places = [...this.#states.keys()];
    const seq = places[pick % places.length];
    if (seq !== undefined) this.#states.set(seq, ++this.head);
  }

  get messages(): Message[] {
    return [...this.#states].map(([seq, rev]) => message(seq, rev)).sort((a, b) => a.seq - b.seq);
  }

  /** The entry with this number, unless a newer change overtook it. */
  entry(rev: number): Message | undefined {
    return this.messages.find((one) => one.rev === rev);
  }

  page({ before = Number.POSITIVE_INFINITY, after }: { before?: number; after?: number }, limit: number) {
    const all = this.messages.filter(({ seq }) => seq < before && seq > (after ?? 0));
    const messages = after === undefined ? all.slice(-limit) : all.slice(0, limit);
    return { messages, has_more: messages.length < all.length };
  }

  sync(from: number, limit: number) {
    const all = this.messages.filter(({ rev }) => rev > from).sort((a, b) => a.rev - b.rev);
    return { head: this.head, messages: all.slice(0, limit), has_more: all.length > limit };
  }
}

function message(seq: number, rev = seq): Message {
  const id = `m${seq}`;
  const state = { id, seq, rev, content: `${seq} at ${rev}`, edited: rev > seq };
  return { ...BASE, ...state };
}

const BASE: Omit<Message, 'id' | 'seq' | 'rev' | 'content' | 'edited'> = {
  room_id: 'room',
  user_id: 'ada',
  username: 'ada',
  timestamp: '2026-11-22T09:31:00.000Z',
  is_system_message: false,
  edited_at: null,
  deleted: false,
  deleted_at: null,
};

const numbers = (timeline: Timeline) => timeline.messages.map(({ seq, rev }) => [seq, rev]);

describe('Timeline and RoomLog together', () => {
  it('hold a part of the room as it is, whatever is lost, late or loaded meanwhile', async () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ do: fc.constant('send' as const) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('edit' as const), pick: fc.nat(1_000) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('lose', 'connect') }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('older', 'newer', 'newest'), late: fc.boolean() }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('answer' as const) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
        const server = new Server();
        for (let i = 0; i < 30; i++) server.send();
        const timeline = new Timeline(20, ({ id }) => id);
        const seen: number[] = [];
        const log = new RoomLog(server.head, (entry) => {
          seen.push(entry.rev);
          timeline.put(entry);
        });
        const first = server.page({}, 10);
        timeline.reset(first.messages, first.has_more);
        let connected = true;
        const answers: (() => void)[] = [];
        const tell = () => {
          const entry = server.entry(server.head);
          if (connected && entry !== undefined && log.event(entry)) throw new Error('a gap while connected');
        };
        for (const one of steps) {
          if (one.do === 'send') {
            server.send();
            tell();
          } else if (one.do === 'edit') {
            server.edit('pick' in one ? one.pick : 0);
            tell();
          } else if (one.do === 'lose') {
            connected = false;
          } else if (one.do === 'connect') {
            connected = true;
            for (let more = true; more; ) more = log.page(server.sync(log.cursor, 3));
          } else if (one.do === 'answer') {
            answers.shift()?.();
            await new Promise((resolve) => setImmediate(resolve));
          } else if (answers.length === 0 && connected) {
            const where = one.do as 'older' | 'newer' | 'newest';
            const load = (place: object) => {
              // The server reads before what follows, and its answer comes after it.
              const page = server.page(place, 5);
              return new Promise<typeof page>((resolve) => answers.push(() => resolve(page)));
            };
            const loading = timeline.load(where, load);
            if (!('late' in one && one.late)) answers.shift()?.();
            void loading;
            await new Promise((resolve) => setImmediate(resolve));
          }
        }
        for (const answer of answers) answer();
        await new Promise((resolve) => setImmediate(resolve));
        for (let more = true; more; ) more = log.page(server.sync(log.cursor, 3));

        expect(log.cursor).toBe(server.head);
        expect(seen).toEqual(seen.toSorted((a, b) => a - b));
        expect(new Set(seen).size).toBe(seen.length);
        const all = server.messages.map(({ seq, rev }) => [seq, rev]);
        const from = all.findIndex(([seq]) => seq === timeline.messages[0]?.seq);
        expect(numbers(timeline)).toEqual(all.slice(from, from + timeline.messages.length));
        expect(timeline.messages.length).toBeLessThanOrEqual(20);
        expect(timeline.hasOlder).toBe(from > 0);
        expect(timeline.hasNewer || timeline.messages.at(-1)?.seq === all.at(-1)?.[0]).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('keep a bounded part of a room of a million messages', () => {
    const timeline = new Timeline(500, ({ id }) => id);
    const log = new RoomLog(0, (entry) => timeline.put(entry));
    timeline.reset([], false);
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    const heap = () => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    for (let seq = 1; seq <= 10_000; seq++) log.event(message(seq));
    const before = heap();
    for (let seq = 10_001; seq <= 1_000_000; seq++) log.event(message(seq));
    expect(timeline.messages).toHaveLength(500);
    expect(timeline.messages[0]?.seq).toBe(999_501);
    expect(timeline.hasOlder).toBe(true);
    expect(heap() - before).toBeLessThan(4 * 2 ** 20);
  }, 60_000);
});

describe('RoomLog', () => {
  it('keeps what comes too early, and lets go of too much of it', () => {
    const seen: number[] = [];
    const log = new RoomLog(0, ({ rev }) => seen.push(rev));
    expect(log.event(message(2))).toBe(true);
    expect(log.event(message(1))).toBe(false);
    expect(seen).toEqual([1, 2]);
    for (let seq = 4; seq < 5_000; seq++) expect(log.event(message(seq))).toBe(true);
    expect(log.page({ head: 3, messages: [message(3)], has_more: false })).toBe(false);
    expect(log.cursor).toBe(1_003);
    expect(log.event(message(5_000))).toBe(true);
  });
});
