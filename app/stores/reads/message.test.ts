import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../protocol/limits.ts';
import type { Message } from '../../../protocol/message.ts';
import { TestWrites } from '../../../tests/support/writes.ts';

/** A room with one member, and all of its messages in their newest state. */
class Room {
  readonly id: string;
  readonly messages = new Map<string, Message>();
  readonly #store: TestWrites;
  readonly #user_id: string;

  constructor(store: TestWrites, user_id: string) {
    this.#store = store;
    this.#user_id = user_id;
    this.id = store.room(user_id);
    this.#take();
  }

  get head(): number {
    return Math.max(...this.byChange().map(({ rev }) => rev));
  }

  say(content: string): string {
    const id = this.#store.send(this.id, this.#user_id, { content });
    this.#take();
    return id;
  }

  edit(message_id: string, content: string): void {
    this.#store.call('messages.edit', { message_id, user_id: this.#user_id, content, at: 1 });
    this.#take();
  }

  byPlace(): Message[] {
    return [...this.messages.values()].sort((a, b) => a.seq - b.seq);
  }

  byChange(after = 0): Message[] {
    const all = [...this.messages.values()].sort((a, b) => a.rev - b.rev);
    return all.filter(({ rev }) => rev > after);
  }

  #take(): void {
    for (const { message } of this.#store.entries.splice(0)) this.messages.set(message.id, message);
  }
}

/** As many of the messages as fit an answer with so many rooms. */
function fitTo(messages: readonly Message[], bytes: number): { fitting: Message[]; used: number } {
  let used = 0;
  const fitting = messages.filter((message) => {
    used += Buffer.byteLength(JSON.stringify(message)) + 1;
    return used <= bytes;
  });
  return { fitting, used };
}

/** What `sync` answers of rooms, one after the other. */
function expectedSync(rooms: readonly Room[], seqs: readonly number[]) {
  let bytes = LIMITS.answer_bytes - 1_024 - rooms.length * 160;
  return rooms.map((room, i) => {
    const seq = seqs[i] ?? 0;
    const { id: room_id, head } = room;
    if (seq >= head) return { room_id, head, has_more: false, reset: seq > head, messages: [] };
    const changes = room.byChange(seq);
    const { fitting, used } = fitTo(bytes <= 0 ? [] : changes.slice(0, LIMITS.sync_messages), bytes);
    const has_more = changes.length > fitting.length;
    bytes = has_more && fitting.length < LIMITS.sync_messages ? 0 : bytes - used;
    return { room_id, head, has_more, reset: false, messages: fitting };
  });
}

function sync(store: TestWrites, user_id: string, rooms: readonly Room[], seqs: readonly number[]): unknown {
  const known = rooms.map(({ id: room_id }, i) => ({ room_id, seq: seqs[i] ?? 0 }));
  return JSON.parse(store.read('messages.sync', { user_id, rooms: known }).json);
}

/** Of a few bytes or, in one message, of a good part of an answer. */
const content = fc.oneof(fc.constant('short'), fc.constant('€'.repeat(LIMITS.content_max)));
const step = fc.record({
  room: fc.nat({ max: 1 }),
  edits: fc.option(fc.nat({ max: 99 }), { nil: undefined, freq: 2 }),
  content,
});

describe('what is read of messages', () => {
  it('is what a model tells that keeps each of them in its newest state', () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 30, maxLength: 60 }),
        fc.array(fc.nat({ max: 30 }), { minLength: 2, maxLength: 2 }),
        fc.integer({ min: 1, max: 5 }),
        (steps, seqs, limit) => {
          using store = new TestWrites();
          const user_id = store.user('ada');
          const rooms = [0, 1].map(() => new Room(store, user_id));
          for (const { room: i, edits, content: said } of steps) {
            const room = rooms[i] as Room;
            const own = room.byPlace().filter(({ is_system_message }) => !is_system_message);
            const edited = edits === undefined ? undefined : own[edits % own.length];
            if (edited === undefined) room.say(said);
            else room.edit(edited.id, `${edits}`);
          }
          expect(sync(store, user_id, rooms, seqs)).toEqual(expectedSync(rooms, seqs));
          for (const [i, room] of rooms.entries()) {
            const place = seqs[i] ?? 0;
            const who = { room_id: room.id, user_id };
            const page = (before: number | undefined, after: number | undefined) => {
              const { messages, has_more } = store.read('messages.page', { ...who, before, after, limit });
              return { messages: JSON.parse(messages.json), has_more };
            };
            const later = room.byPlace().filter(({ seq }) => seq > place);
            const after = fitTo(later.slice(0, limit), LIMITS.answer_bytes - 1_024).fitting;
            expect(page(undefined, place)).toEqual({ messages: after, has_more: later.length > after.length });
            for (const before of [place, undefined]) {
              const earlier = room.byPlace().filter(({ seq }) => before === undefined || seq < before);
              const newest = fitTo(earlier.slice(-limit).reverse(), LIMITS.answer_bytes - 1_024).fitting;
              expect(page(before, undefined)).toEqual({
                messages: newest.reverse(),
                has_more: earlier.length > newest.length,
              });
            }
            const log = store.read('messages.log', { room_id: room.id, after: place });
            expect(log).toMatchObject({ head: room.head, has_more: false });
            expect(log.entries.map(({ message }) => message)).toEqual(room.byChange(place));
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it('goes on in a sync to rooms that there is place for, since others held less than they might have', () => {
    using store = new TestWrites();
    const user_id = store.user('ada');
    const rooms = [0, 1, 2, 3].map(() => new Room(store, user_id));
    for (const room of rooms) {
      const id = room.say('often changed');
      for (let i = 0; i < LIMITS.sync_messages; i++) room.edit(id, String(i));
    }
    const answer = expectedSync(rooms, []);
    expect(answer.map(({ messages }) => messages.length)).toEqual([2, 2, 2, 2]);
    expect(sync(store, user_id, rooms, [])).toEqual(answer);
  });

  it('ends in a sync with the first room that does not fit', () => {
    using store = new TestWrites();
    const user_id = store.user('ada');
    const rooms = [0, 1].map(() => new Room(store, user_id)) as [Room, Room];
    for (let i = 0; i < 30; i++) rooms[0].say('€'.repeat(LIMITS.content_max));
    const answer = expectedSync(rooms, []);
    expect(answer).toMatchObject([{ has_more: true }, { has_more: true, messages: [] }]);
    expect(sync(store, user_id, rooms, [])).toEqual(answer);
  });

  it('says of a log that there is more', () => {
    using store = new TestWrites();
    const room = new Room(store, store.user('ada'));
    for (let i = 0; i < 1_000; i++) room.say('x');
    expect(store.read('messages.log', { room_id: room.id, after: 0 })).toMatchObject({ head: 1_001, has_more: true });
    expect(store.read('messages.log', { room_id: room.id, after: 1 })).toMatchObject({ head: 1_001, has_more: false });
    expect(store.read('messages.log', { room_id: 'gone', after: 7 })).toEqual({
      entries: [],
      head: 7,
      has_more: false,
    });
  });
});
