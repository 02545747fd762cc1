import { describe, expect, it } from 'vitest';
import type { Message, Room } from '../protocol/index.ts';
import { ConnectionLost, connect, guest, type TestClient, TRANSPORTS } from './support/client.ts';
import { testEngine } from './support/data.ts';
import { spawnServer } from './support/process.ts';
import { startServer } from './support/server.ts';

/** What one client sent and what became of it. */
interface Sent {
  readonly key: string;
  /** The acknowledged message; undefined when the connection ended before an answer. */
  message: Message | undefined;
}

/** Sends without end, a few at a time, until the connection is lost. */
async function flood(client: TestClient, room: Room, sent: Sent[]): Promise<void> {
  const stream = async (lane: number) => {
    for (let i = 0; ; i++) {
      const one: Sent = { key: `${client.id}-${lane}-${i}`, message: undefined };
      sent.push(one);
      const answer = await client.call('send_message', { room_id: room.id, content: one.key, client_id: one.key });
      if (!answer.ok) throw new Error(`refused: ${answer.error.code}`);
      one.message = answer.message;
    }
  };
  await Promise.all([1, 2, 3, 4].map((lane) => stream(lane).catch(expectLost)));
}

function expectLost(error: unknown): void {
  if (!(error instanceof ConnectionLost)) throw error;
}

/** Every message of a room, in order. */
async function history(client: TestClient, room: Room): Promise<Message[]> {
  const found: Message[] = [];
  for (let more = true; more; ) {
    const page = await client.ok('get_messages', { room_id: room.id, after: found.at(-1)?.seq ?? 0, limit: 100 });
    found.push(...page.messages);
    more = page.has_more;
  }
  return found;
}

describe('a restart in good order', () => {
  it('keeps messages, edits, members, owners, passwords, tokens and the epoch', async () => {
    await using server = await startServer();
    const ada = await connect(server, { username: 'ada' });
    const can = await connect(server, { username: 'can' });
    const open = await ada.createRoom({ name: 'open', client_id: 'room-key' });
    const locked = await ada.createRoom({ name: 'locked', type: 'private', password: 'correct horse' });
    const hidden = await ada.createRoom({ name: 'hidden', type: 'private' });
    await can.ok('join_room', { room_id: open.id });
    await ada.ok('add_member', { room_id: hidden.id, user_id: can.id });
    const first = await ada.ok('send_message', { room_id: open.id, content: 'first', client_id: 'k' });
    const second = await can.say(open, 'second');
    await can.ok('update_message', { message_id: second.id, content: 'second, edited' });
    await ada.ok('delete_message', { message_id: first.message.id });
    const before = await ada.ok('get_messages', { room_id: open.id });
    await server.restart();

    const back = await connect(server, { token: ada.me.token });
    expect(back.me).toMatchObject({ epoch: ada.me.epoch, user: { id: ada.id, username: 'ada' } });
    const after = await back.ok('get_messages', { room_id: open.id });
    expect(after).toEqual(before);
    expect(back.me.rooms.map((room) => [room.name, room.user_count, room.owner_id, room.seq])).toEqual([
      ['open', 2, ada.id, 6],
      ['hidden', 2, ada.id, 2],
      ['locked', 1, ada.id, 1],
    ]);
    const repeat = await back.ok('send_message', { room_id: open.id, content: 'first', client_id: 'k' });
    expect(repeat).toMatchObject({ duplicate: true, message: { deleted: true, rev: 6 } });
    const room = await back.ok('create_room', { name: 'open', client_id: 'room-key' });
    expect(room).toMatchObject({ duplicate: true, room: { id: open.id } });

    const taken = await connect(server);
    expect(await taken.code('authenticate', { username: 'can' })).toBe('USERNAME_TAKEN');
    await taken.signIn({ username: 'eve' });
    expect(await taken.code('join_room', { room_id: locked.id, password: 'wrong horse' })).toBe('WRONG_PASSWORD');
    await taken.ok('join_room', { room_id: locked.id, password: 'correct horse' });
    expect(await taken.code('join_room', { room_id: hidden.id })).toBe('ROOM_NOT_FOUND');
    expect((await back.say(open, 'and on it goes')).seq).toBe(7);
  });

  it.runIf(testEngine() === 'sqlite')('keeps its own secret in the data folder when none is given', async () => {
    await using server = await startServer({ env: { TOKEN_SECRET: '' } });
    const ada = await connect(server, { username: 'ada' });
    await server.restart();
    const back = await connect(server, { token: ada.me.token });
    expect(back.id).toBe(ada.id);
  });
});

describe('a server killed with -9', () => {
  it.each(TRANSPORTS)('has each acknowledged message exactly once afterwards, over %s', async (transport) => {
    await using server = await spawnServer();
    const owner = await connect(server, { username: 'owner' });
    const room = await owner.createRoom({ type: 'private', password: 'correct horse' });
    const clients = await Promise.all(['a', 'b', 'c'].map((name) => guest(server, name, transport)));
    for (const client of clients) await client.ok('join_room', { room_id: room.id, password: 'correct horse' });
    const sent: Sent[] = [];
    const floods = clients.map((client) => flood(client, room, sent));
    await owner.until(() => (owner.all('message').length > 150 ? true : undefined), 'some messages');
    await server.kill('SIGKILL');
    await Promise.all(floods);
    await owner.ended();

    await server.start();
    const back = await connect(server, { token: owner.me.token });
    expect(back.me).toMatchObject({ epoch: owner.me.epoch, user: { id: owner.id } });
    const stored = await history(back, room);
    expect(stored.map((message) => message.seq)).toEqual(stored.map((_, i) => i + 1));
    for (const { key, message } of sent) {
      const found = stored.filter((one) => one.client_id === key);
      if (message === undefined) expect(found.length, key).toBeLessThanOrEqual(1);
      else expect(found, key).toEqual([message]);
    }
    expect(sent.filter((one) => one.message !== undefined).length).toBeGreaterThan(50);
    for (const seen of owner.all('message')) expect(stored[seen.seq - 1]).toEqual(seen);

    const [first] = clients;
    const again = await connect(server, { token: first?.me.token ?? '' });
    const unsure = sent.filter((one) => one.message === undefined && one.key.startsWith(again.id));
    for (const { key } of unsure) {
      const payload = { room_id: room.id, content: key, client_id: key };
      const { message, duplicate } = await again.ok('send_message', payload);
      const known = stored.find((one) => one.client_id === key);
      expect(duplicate).toBe(known === undefined ? undefined : true);
      if (known !== undefined) expect(message).toEqual(known);
    }
    const eve = await guest(server, 'eve', transport);
    expect(await eve.code('join_room', { room_id: room.id })).toBe('WRONG_PASSWORD');
    await eve.ok('join_room', { room_id: room.id, password: 'correct horse' });
  });
});
