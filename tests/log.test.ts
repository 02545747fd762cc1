import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Message, Room } from '../protocol/index.ts';
import { connect, guest, type TestClient, TRANSPORTS } from './support/client.ts';
import { entries, type Model, type ModelMessage, ModelRoom, newest } from './support/model.ts';
import { sharedServer, startServer } from './support/server.ts';

/** One command of a random story, by who of the members and about which message. */
interface Step {
  readonly act: 'send' | 'edit' | 'delete' | 'join' | 'leave';
  readonly who: number;
  readonly which: number;
  readonly text: string;
}

const step: fc.Arbitrary<Step> = fc.record({
  act: fc.constantFrom('send', 'send', 'send', 'edit', 'edit', 'delete', 'join', 'leave'),
  who: fc.nat(2),
  which: fc.nat(6),
  text: fc.constantFrom('one', 'two', 'three'),
});

/** Sends the command of a step; gives the code of a refusal, or the message that a change was made to. */
async function take(
  client: TestClient,
  room: Room,
  { act, text }: Step,
  message_id: string,
): Promise<Message | string> {
  const answer =
    act === 'send'
      ? await client.call('send_message', { room_id: room.id, content: text })
      : act === 'edit'
        ? await client.call('update_message', { message_id, content: text })
        : act === 'delete'
          ? await client.call('delete_message', { message_id })
          : await client.call(act === 'join' ? 'join_room' : 'leave_room', { room_id: room.id });
  if (!answer.ok) return answer.error.code;
  return 'message' in answer ? answer.message : 'ok';
}

/** What the model says of a step: the same as {@link take}, but for times and ids. */
function predict(model: Model, { act, text }: Step, user: string, message: string): string | number {
  if (act === 'send') return model.send(user, text);
  if (act === 'edit') return model.edit(user, message, text);
  if (act === 'delete') return model.remove(user, message);
  return act === 'join' ? model.join(user) : model.leave(user);
}

/** The fields of a message that the model knows. */
function expectation({ seq, rev, user_id, content, deleted, system }: ModelMessage): Partial<Message> {
  const known = { seq, rev, user_id, deleted, is_system_message: system };
  return content === undefined ? known : { ...known, content };
}

/** All of a room's messages in their newest state, page by page. */
async function history(client: TestClient, room: Room): Promise<Message[]> {
  const found: Message[] = [];
  for (let more = true; more; ) {
    const after = found.at(-1)?.seq ?? 0;
    const page = await client.ok('get_messages', { room_id: room.id, after, limit: 7 });
    found.push(...page.messages);
    more = page.has_more;
  }
  return found;
}

describe('the log of a room', () => {
  const server = sharedServer();

  it('follows the model: the same refusals, numbers, events, history and sync for any story', async () => {
    const owner = await guest(server, 'owner');
    const members = await Promise.all(['ada', 'can', 'eve'].map((name) => guest(server, name)));
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
        const room = await owner.createRoom();
        const model = new ModelRoom(owner.id);
        for (const one of steps) {
          const client = members[one.who] ?? owner;
          const about = model.said[one.which % Math.max(model.said.length, 1)]?.id ?? room.id;
          const expected = predict(model, one, client.id, about);
          const result = await take(client, room, one, about);
          if (typeof result === 'string') expect(result).toBe(expected);
          else {
            expect(result.rev).toBe(expected);
            if (one.act === 'send') model.name(result.rev, result.id);
          }
        }
        const last = await owner.say(room, 'the end');
        model.name(model.send(owner.id, 'the end') as number, last.id);
        await owner.waitFor('message', (message) => message.id === last.id);

        const log = entries(owner, room);
        expect(log.map((entry) => entry.rev).at(-1)).toBe(model.head);
        const states = await history(owner, room);
        expect(states).toMatchObject(model.messages.map(expectation));
        expect(newest(log)).toEqual(states.filter((state) => state.seq >= (log[0]?.seq ?? 0)));
        for (const seq of [0, Math.floor(model.head / 2), model.head]) {
          const { rooms } = await owner.ok('sync', { epoch: owner.me.epoch, rooms: [{ room_id: room.id, seq }] });
          const missed = states.filter((state) => state.rev > seq).sort((a, b) => a.rev - b.rev);
          expect(rooms).toEqual([
            { room_id: room.id, head: model.head, messages: missed, has_more: false, reset: false },
          ]);
        }
      }),
      { numRuns: 12 },
    );
  });

  it('runs 1, 2, 3 … for everyone while many change it at once', async () => {
    const owner = await guest(server, 'owner');
    const room = await owner.createRoom();
    const writers = await Promise.all(TRANSPORTS.map((transport) => guest(server, 'writer', transport)));
    for (const writer of writers) await writer.ok('join_room', { room_id: room.id });
    const visitor = await guest(server, 'visitor');
    const twin = await connect(server, { token: visitor.me.token, transport: 'polling' });

    const work = writers.map(async (writer) => {
      for (let i = 0; i < 15; i++) {
        const burst = await Promise.all([1, 2, 3].map((n) => writer.say(room, `${i}-${n}`)));
        const [first, second] = burst.map((message) => message.id);
        await Promise.all([
          writer.ok('update_message', { message_id: first ?? '', content: `edited ${i}` }),
          writer.ok('delete_message', { message_id: second ?? '' }),
        ]);
      }
    });
    const visits = (async () => {
      for (let i = 0; i < 8; i++) {
        const { room: seen, messages } = await visitor.ok('join_room', { room_id: room.id });
        expect(messages.at(-1)?.seq).toBeLessThanOrEqual(seen.seq);
        await visitor.ok('leave_room', { room_id: room.id });
      }
    })();
    await Promise.all([...work, visits]);
    const last = await owner.say(room, 'the end');
    expect(last.rev).toBe(1 + 2 + 2 * 15 * 5 + 8 * 2 + 1);

    const states = await history(owner, room);
    for (const client of [owner, ...writers]) {
      await client.waitFor('message', (message) => message.id === last.id);
      const log = entries(client, room);
      expect(log.map((entry) => entry.rev)).toEqual(log.map((_, i) => last.rev - log.length + 1 + i));
      expect(log.length).toBeGreaterThan(last.rev - 4);
      expect(newest(log)).toEqual(states.filter((state) => state.seq >= (log[0]?.rev ?? 0)));
    }
    expect(twin.all('user_left_room')).toHaveLength(8);
    expect(new Set([...states.map((state) => state.seq), ...entries(owner, room).map((entry) => entry.rev)]).size).toBe(
      last.rev,
    );
  });
});

it('brings one who is in very many rooms onto all of their streams while they go on', async () => {
  await using server = await startServer();
  const writer = await guest(server, 'ada');
  const rooms = await Promise.all(Array.from({ length: 350 }, () => writer.createRoom()));
  let isOver = false;
  const talk = async () => {
    while (!isOver) await Promise.all(rooms.map((room) => writer.say(room, 'on it goes')));
  };
  const talking = talk();
  const phones = await Promise.all([0, 1].map(() => connect(server, { token: writer.me.token })));
  isOver = true;
  await talking;
  const last = await Promise.all(rooms.map((room) => writer.say(room, 'the last')));
  for (const phone of phones) {
    const known = new Map(phone.me.rooms.map(({ id, seq }) => [id, seq]));
    for (const { id, room_id, rev } of last) {
      await phone.waitFor('message', (message) => message.id === id);
      const told = phone.all('message').filter((message) => message.room_id === room_id);
      const first = (known.get(room_id) ?? (told[0]?.rev ?? 0) - 1) + 1;
      expect(told.map((message) => message.rev)).toEqual(Array.from({ length: rev - first + 1 }, (_, i) => first + i));
    }
  }
});
