import { io, type Socket } from 'socket.io-client';
import { describe, expect, it } from 'vitest';
import { type Answer, LIMITS, type Message } from '../protocol/index.ts';
import { connect, guest, type Host, TRANSPORTS, type Transport, unique } from './support/client.ts';
import { holdDatabase } from './support/data.ts';
import { deadline } from './support/deadline.ts';
import { freePort, spawnServer } from './support/process.ts';
import { openRaw, type RawSocket } from './support/raw.ts';
import { sharedServer, startServer, type TestServer } from './support/server.ts';

/** A plain Socket.IO client as its own documentation has it: it signs in with the handshake and comes back by itself. */
class PlainClient implements Disposable {
  readonly #socket: Socket;

  constructor({ url }: Host, transport: Transport, auth: Record<string, unknown>) {
    const delays = { reconnectionDelay: 50, reconnectionDelayMax: 50 };
    this.#socket = io(url, { auth, transports: [transport], forceNew: true, ...delays });
  }

  /** Emits a command, connected or not, and gives its answer. */
  emit(command: string, payload: object): Promise<Answer<{ message: Message }>> {
    return deadline(this.#socket.emitWithAck(command, payload), `an answer to ${command}`);
  }

  /** Resolves with the next event of this name. */
  next(name: string): Promise<unknown> {
    return deadline(new Promise((resolve) => this.#socket.once(name, resolve)), name);
  }

  [Symbol.dispose](): void {
    this.#socket.disconnect();
  }
}

/** How each answer turned out: `ok`, or its code. */
const outcomes = (answers: readonly Answer<unknown>[]) =>
  answers.map((answer) => (answer.ok ? 'ok' : answer.error.code));

/** The numbers of the messages in these answers; throws when one is a refusal. */
function seqs(answers: readonly Answer<{ message: Message }>[]): number[] {
  expect(outcomes(answers)).toEqual(answers.map(() => 'ok'));
  return answers.flatMap((answer) => (answer.ok ? [answer.message.seq] : []));
}

/** Opens a WebSocket whose handshake signs a guest in, which is not done before the database is released. */
async function openHeld(server: TestServer): Promise<RawSocket> {
  const raw = await openRaw(server);
  raw.send(`42["authenticate",{"username":"${unique('held')}"}]`);
  return raw;
}

const server = sharedServer();

describe.each(TRANSPORTS)('what a plain client by %s says before its sign-in is done', (transport) => {
  it('is carried out after it, in order', async () => {
    const ada = await guest(server, 'ada');
    const room = await ada.createRoom();
    using plain = new PlainClient(server, transport, { token: ada.me.token });
    const sent = Array.from({ length: 20 }, (_, i) =>
      plain.emit('send_message', { room_id: room.id, content: `${i}` }),
    );
    expect(seqs(await Promise.all(sent))).toEqual(sent.map((_, i) => i + 2));
  });

  it('is carried out after a restart of the server, when it was said meanwhile', async () => {
    await using other = await spawnServer({ PORT: await freePort() });
    const ada = await guest(other, 'ada');
    const room = await ada.createRoom();
    using plain = new PlainClient(other, transport, { token: ada.me.token });
    await plain.emit('get_rooms', {});
    const lost = plain.next('disconnect');
    await other.kill('SIGKILL');
    await lost;
    const sent = ['a', 'b', 'c'].map((content) => plain.emit('send_message', { room_id: room.id, content }));
    await other.start();
    expect(seqs(await Promise.all(sent))).toEqual([2, 3, 4]);
  });

  it('is refused when nobody can be signed in, but for another sign-in and what comes after it', async () => {
    using plain = new PlainClient(server, transport, { token: 'not a token' });
    const answers = [
      plain.emit('get_rooms', {}),
      plain.emit('authenticate', { username: unique('ada') }),
      plain.emit('get_rooms', {}),
      plain.emit('authenticate', { username: unique('ada') }),
    ];
    expect(outcomes(await Promise.all(answers))).toEqual(['UNAUTHENTICATED', 'ok', 'ok', 'FORBIDDEN']);
  });

  it('is refused for the same reason when the sign-in may be tried again', async () => {
    await using other = await startServer({ env: { RATE_LIMITS: 'guests_burst=1' } });
    await guest(other, 'first');
    using plain = new PlainClient(other, transport, { username: unique('second') });
    const answer = await plain.emit('get_rooms', {});
    expect(answer).toMatchObject({ error: { code: 'RATE_LIMITED', retry_after_ms: expect.any(Number) } });
  });

  it('is refused when no sign-in was asked for', async () => {
    using plain = new PlainClient(server, transport, {});
    expect(outcomes([await plain.emit('get_rooms', {})])).toEqual(['UNAUTHENTICATED']);
  });
});

describe('while a sign-in is under way', () => {
  it('so many commands wait, and are answered in order once it is done', async () => {
    await using server = await startServer();
    const held = await holdDatabase(server);
    const raw = await openHeld(server);
    const sent = Array.from({ length: LIMITS.early_commands + 1 }, (_, i) => i + 100);
    for (const id of sent) raw.send(`42${id}["get_users",{}]`);
    const refused = await raw.frame('43');
    expect(refused).toMatch(`43${sent.at(-1)}[{"ok":false,"error":{"code":"OVERLOADED"`);
    expect(refused).toContain('"retry_after_ms":');
    await held.release();
    const [last] = sent.slice(-2);
    await raw.frame(`43${last}[{"ok":true`);
    const answered = raw.frames
      .filter((frame) => frame.startsWith('43'))
      .map((frame) => Number.parseInt(frame.slice(2), 10));
    expect(answered).toEqual([sent.at(-1), ...sent.slice(0, -1)]);
    expect(raw.frames.indexOf(refused)).toBeLessThan(
      raw.frames.findIndex((frame) => frame.includes('connect_response')),
    );
    raw.terminate();
  });

  it('so much of them waits', async () => {
    await using server = await startServer();
    const held = await holdDatabase(server);
    const raw = await openHeld(server);
    const content = 'x'.repeat(LIMITS.early_bytes / 3);
    for (const id of [1, 2, 3]) raw.send(`42${id}["get_rooms",{"query":"${content}"}]`);
    expect(await raw.frame('43')).toContain('433[{"ok":false,"error":{"code":"OVERLOADED"');
    await held.release();
    expect(await raw.frame('432[')).toContain('INVALID_INPUT');
    raw.terminate();
  });

  it('a server that stops answers what waits before it ends the connection', async () => {
    await using server = await startServer();
    const ada = await guest(server, 'ada');
    const held = await holdDatabase(server);
    const raw = await openHeld(server);
    raw.send('421["get_users",{}]');
    await connect(server, { token: ada.me.token });
    const stopped = server.stop();
    await raw.frame('42["server_closing"');
    raw.send('422["get_users",{}]');
    expect(await raw.frame('432[')).toContain('UNAVAILABLE');
    await held.release();
    expect(await raw.frame('431[')).toContain('"ok":true');
    expect(await raw.closed).toBe(1006);
    await stopped;
  });
});
