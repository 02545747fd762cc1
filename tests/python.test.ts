import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { CommandResult, EventPayload, Message, Room } from '../protocol/index.ts';
import { connect, guest, unique } from './support/client.ts';
import { freePort, spawnServer } from './support/process.ts';
import { findPython, Snake, type SnakeOptions } from './support/python.ts';
import { startServer } from './support/server.ts';

const PYTHON = findPython('socketio, requests, websocket, aiohttp');
const KINDS = ['sync', 'async'] as const;
const CLIENTS = KINDS.flatMap((kind) =>
  ['websocket', 'polling', 'polling,websocket'].map((transports) => ({ kind, transports })),
);

const start = (url: string, options: SnakeOptions) => new Snake(PYTHON ?? '', url, options);

/** A client that has said something in a room, and what it is to say again. */
async function enter(snake: Snake, room: Room) {
  const { user, token, epoch } = await snake.told<EventPayload<'connect_response'>>('connect_response');
  snake.setAuth({ token });
  const joined = await snake.call<CommandResult<'join_room'>>('join_room', { room_id: room.id });
  const said = { room_id: room.id, content: `from ${user.username}`, client_id: randomUUID() };
  const answer = await snake.call<CommandResult<'send_message'>>('send_message', said);
  if (!joined.ok || !answer.ok) throw new Error(`${user.username} was refused: ${JSON.stringify([joined, answer])}`);
  return { snake, user, epoch, said, message: answer.message, seen: joined.messages };
}

type Member = Awaited<ReturnType<typeof enter>>;

/** What a client has been told of a room by now, by number, what it asks `sync` for included. */
async function caughtUp({ snake, epoch, seen, said }: Member): Promise<Message[]> {
  const known = [...seen, ...snake.all<Message>('message')];
  const numbers = new Set(known.map(({ rev }) => rev));
  // Up to the first gap: what was on its way when the server died is missing below what came since then.
  let seq = 0;
  while (numbers.has(seq + 1)) seq++;
  const rooms = [{ room_id: said.room_id, seq }];
  const answer = await snake.call<CommandResult<'sync'>>('sync', { epoch, rooms });
  const [page] = answer.ok ? answer.rooms : [];
  if (page === undefined || 'error' in page) throw new Error(`there is no page: ${JSON.stringify(answer)}`);
  const byNumber = new Map([...known, ...page.messages].map((message) => [message.seq, message]));
  return [...byNumber.values()].sort((a, b) => a.seq - b.seq);
}

describe.skipIf(PYTHON === undefined)('python-socketio, with requests, websocket-client and aiohttp', () => {
  it('comes back after a kill -9 by every transport, with all that was said', async () => {
    await using server = await spawnServer({ PORT: await freePort() });
    await using snakes = new AsyncDisposableStack();
    const ada = await guest(server, 'ada');
    const room = await ada.createRoom();
    const started = CLIENTS.map((client) => start(server.url, { ...client, auth: { username: unique('snake') } }));
    for (const snake of started) snakes.use(snake);
    const members = await Promise.all(started.map((snake) => enter(snake, room)));

    await server.kill('SIGKILL');
    await Promise.all(started.map((snake) => snake.told('lost')));
    await server.start();
    const back = await connect(server, { token: ada.me.token });
    const last = await back.say(room, 'said while some were away');

    for (const member of members) {
      const { snake, user, said, message } = member;
      expect((await snake.told<EventPayload<'connect_response'>>('connect_response', 2)).user.id).toBe(user.id);
      const repeated = await snake.call('send_message', said);
      expect(repeated).toMatchObject({ ok: true, duplicate: true, message: { id: message.id } });
      const log = await caughtUp(member);
      expect(log.map(({ seq }) => seq)).toEqual(Array.from({ length: last.seq }, (_, i) => i + 1));
      const texts = log.flatMap(({ content, is_system_message }) => (is_system_message ? [] : [content]));
      expect(texts.toSorted()).toEqual([...members.map((one) => one.said.content), last.content].toSorted());
      expect(snake.all('error')).toEqual([]);
    }
    const ways = CLIENTS.map(({ transports }) => transports.replace('polling,', ''));
    expect(started.map((snake) => snake.all('here'))).toEqual(ways.map((way) => [way, way]));
  });

  it.each(KINDS)('is told why a sign-in was refused, and may sign in then: %s', async (kind) => {
    await using server = await startServer();
    await using snake = start(server.url, { kind, transports: 'polling,websocket', auth: { token: 'nonsense' } });
    expect(await snake.told('error')).toMatchObject({ code: 'INVALID_TOKEN', event: 'authenticate' });
    expect(await snake.call('get_rooms', {})).toMatchObject({ ok: false, error: { code: 'UNAUTHENTICATED' } });
    const username = unique('snake');
    expect(await snake.call('authenticate', { username })).toMatchObject({ ok: true, user: { username } });
  });
});
