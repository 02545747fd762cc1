import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { COMMANDS } from '../protocol/index.ts';
import { CheckedClient } from './checker/client.ts';
import { Random } from './checker/random.ts';
import { Recorder } from './checker/records.ts';
import { RunningProgram } from './support/process.ts';
import { findPython } from './support/python.ts';
import { SCRIPTED_ROOM, ScriptedServer } from './support/scripted.ts';
import { Clients, shown, until } from './support/sdk.ts';

/** A client in the scripted room, and what it holds. */
interface Follower extends AsyncDisposable {
  /** Resolves once it shows a message with this text. */
  shows(text: string): Promise<void>;
  /** Resolves once it holds the room no longer. */
  gone(): Promise<void>;
}

const PYTHON = findPython('socketio, websocket');
const PROGRAM = join(import.meta.dirname, '../examples/python/chat.py');

const FOLLOWERS: Record<string, (server: ScriptedServer) => Promise<Follower | undefined>> = {
  'the SDK': async ({ url }) => {
    const clients = new Clients();
    const room = await (await clients.guest(url, 'ada')).joinRoom(SCRIPTED_ROOM.id);
    return {
      shows: (text) => until(room, () => shown(room).includes(text), text),
      gone: () => until(room, () => room.status === 'gone'),
      [Symbol.asyncDispose]: () => clients[Symbol.asyncDispose](),
    };
  },
  'the Python example': async ({ url, synced }) => {
    if (PYTHON === undefined) return undefined;
    const cwd = mkdtempSync(join(tmpdir(), 'sohbet-entries-'));
    const { PYTHONPATH } = process.env;
    const args = [PROGRAM, 'ada', SCRIPTED_ROOM.name, url];
    const program = new RunningProgram(PYTHON, args, { cwd, env: { PYTHONPATH } });
    await program.output(/You are ada/);
    await vi.waitFor(() => expect(synced).toHaveLength(1), { timeout: 10_000, interval: 10 });
    return {
      shows: async (text) => void (await program.output(new RegExp(text))),
      gone: async () => expect(await program.ended()).toMatchObject({ code: 1 }),
      async [Symbol.asyncDispose]() {
        await program[Symbol.asyncDispose]();
        rmSync(cwd, { recursive: true });
      },
    };
  },
  'the checker’s client': async ({ url }) => {
    const { user, token } = COMMANDS.authenticate.example.result;
    const account = { user_id: user.id, username: user.username, token };
    const client = new CheckedClient({
      ...{ name: 'ada', account, url: () => url, way: 'websocket' },
      ...{ recorder: new Recorder(), random: new Random(1) },
    });
    client.start();
    const held = () => client.rooms.get(SCRIPTED_ROOM.id)?.held().messages ?? [];
    const wait = (check: () => void) => vi.waitFor(check, { timeout: 10_000, interval: 10 });
    await wait(() => expect(client.settled && held().length > 0).toBe(true));
    return {
      shows: (text) => wait(() => expect(held().map(({ content }) => content)).toContain(text)),
      gone: () => wait(() => expect([...client.rooms.keys()]).toEqual([])),
      [Symbol.asyncDispose]: () => client.stop(),
    };
  },
};

describe.each(Object.entries(FOLLOWERS))('%s', (_, follow) => {
  it('takes a log event that it does not know as an entry: nothing is missing, nothing is asked', async ({ skip }) => {
    await using server = await ScriptedServer.start();
    await using client = await follow(server);
    if (client === undefined) return skip('no Python here has python-socketio and websocket-client');
    server.synced.length = 0;
    server.tell('message_starred', server.unknown());
    server.tell('message', server.next('after a star'));
    await client.shows('after a star');
    server.tell('message_polled', { ...server.next('told by another name'), poll: {} });
    await client.shows('told by another name');
    server.tell('message', server.next('after a poll'));
    await client.shows('after a poll');
    expect(server.synced).toEqual([]);
  });

  it('catches up where an unknown entry shows that something is missing, once', async ({ skip }) => {
    await using server = await ScriptedServer.start();
    await using client = await follow(server);
    if (client === undefined) return skip('no Python here has python-socketio and websocket-client');
    server.synced.length = 0;
    const cursor = server.head;
    server.next('lost on the way');
    server.tell('message_starred', server.unknown());
    await client.shows('lost on the way');
    server.tell('message', server.next('live again'));
    await client.shows('live again');
    expect(server.synced).toEqual([cursor]);
  });

  it('takes room_deleted for the end of the room, whatever its number', async ({ skip }) => {
    await using server = await ScriptedServer.start();
    await using client = await follow(server);
    if (client === undefined) return skip('no Python here has python-socketio and websocket-client');
    server.synced.length = 0;
    server.head += 5;
    server.tell('room_deleted', { room_id: SCRIPTED_ROOM.id, rev: server.head });
    await client.gone();
    expect(server.synced).toEqual([]);
  });
});
