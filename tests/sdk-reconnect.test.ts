import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { backup, restore } from '../app/app.ts';
import { readConfig } from '../app/core/config.ts';
import { memoryStorage } from '../client/storage.ts';
import type { Message } from '../protocol/message.ts';
import { guest } from './support/client.ts';
import { testEngine } from './support/data.ts';
import { spawnServer } from './support/process.ts';
import { Clients, SwitchProxy, shown, until } from './support/sdk.ts';
import { startServer, testEnv } from './support/server.ts';

const UNLIMITED = { env: { RATE_LIMITS: 'off' } };

describe('after a lost connection', () => {
  it('comes back as the same user and fetches what it missed: messages, edits and deletions', async () => {
    await using server = await startServer(UNLIMITED);
    await using proxy = await SwitchProxy.start(() => server.port);
    await using clients = new Clients();
    const plain = await guest(server, 'can');
    const theirs = await plain.createRoom();
    const ada = await clients.guest(proxy.url, 'ada');
    const room = await ada.joinRoom(theirs.id);
    const one = await plain.say(theirs, 'one');
    const two = await plain.say(theirs, 'two');
    await until(room, () => shown(room).join() === 'one,two');
    const states: string[] = [];
    ada.subscribe(() => states.push(ada.state));
    proxy.refuse();
    await until(ada, () => ada.state === 'offline');
    await plain.ok('update_message', { message_id: one.id, content: 'one, edited' });
    await plain.ok('delete_message', { message_id: two.id });
    await plain.say(theirs, 'three');
    proxy.pass();
    await until(ada, () => ada.state === 'live', 'live');
    expect(shown(room)).toEqual(['one, edited', '', 'three']);
    expect(states).toContain('catching up');
  });

  it('fetches thousands of missed changes in pages, each once and in order, while new ones come in', async () => {
    await using server = await startServer(UNLIMITED);
    await using proxy = await SwitchProxy.start(() => server.port);
    await using clients = new Clients();
    const plain = await guest(server, 'can');
    const theirs = await plain.createRoom();
    const ada = await clients.guest(proxy.url, 'ada');
    const room = await ada.joinRoom(theirs.id);
    const seen: Message[] = [];
    room.onEntry((message) => seen.push(message));
    proxy.refuse();
    await until(ada, () => ada.state === 'offline');
    const missed: Message[] = [];
    for (let i = 0; i < 60; i++) {
      missed.push(...(await Promise.all(Array.from({ length: 50 }, (_, n) => plain.say(theirs, `missed ${i}.${n}`)))));
    }
    proxy.pass();
    ada.reconnectNow();
    for (let i = 0; i < 200; i++) await plain.say(theirs, `live ${i}`);
    await until(room, () => shown(room).at(-1) === 'live 199');
    const revs = seen.map((message) => message.rev);
    expect(revs).toEqual(Array.from({ length: 3_200 }, (_, i) => (missed[0]?.rev ?? 0) + i));
    expect(room.messages).toHaveLength(500);
  }, 60_000);

  it('brings more than a hundred open rooms up to date', async () => {
    await using server = await startServer(UNLIMITED);
    await using proxy = await SwitchProxy.start(() => server.port);
    await using clients = new Clients();
    const plain = await guest(server, 'can');
    const ada = await clients.guest(proxy.url, 'ada');
    const rooms = [];
    for (let i = 0; i < 130; i++) {
      const theirs = await plain.createRoom();
      rooms.push({ theirs, room: await ada.joinRoom(theirs.id) });
    }
    proxy.refuse();
    await until(ada, () => ada.state === 'offline');
    for (const { theirs } of rooms) await plain.say(theirs, 'missed');
    proxy.pass();
    await until(ada, () => ada.state === 'live');
    expect(rooms.map(({ room }) => shown(room))).toEqual(rooms.map(() => ['missed']));
  }, 60_000);

  it('notices that it was removed meanwhile', async () => {
    await using server = await startServer(UNLIMITED);
    await using proxy = await SwitchProxy.start(() => server.port);
    await using clients = new Clients();
    const can = await clients.guest(server.url, 'can');
    const ada = await clients.guest(proxy.url, 'ada');
    const room = await can.createRoom({ name: 'garden' });
    const theirs = await ada.joinRoom(room.id);
    proxy.refuse();
    await until(ada, () => ada.state === 'offline');
    await can.removeMember(room.id, ada.user?.id ?? '');
    proxy.pass();
    await until(ada, () => ada.state === 'live');
    expect(theirs.status).toBe('gone');
    expect(ada.rooms).toEqual([]);
  });

  it('reads the members again, where they are shown', async () => {
    await using server = await startServer(UNLIMITED);
    await using proxy = await SwitchProxy.start(() => server.port);
    await using clients = new Clients();
    const can = await clients.guest(server.url, 'can');
    const eve = await clients.guest(server.url, 'eve');
    const ada = await clients.guest(proxy.url, 'ada');
    const room = await can.createRoom({ name: 'garden' });
    const theirs = await ada.joinRoom(room.id);
    theirs.subscribe(() => {});
    proxy.refuse();
    await until(ada, () => ada.state === 'offline');
    await eve.joinRoom(room.id);
    proxy.pass();
    await until(theirs, () => theirs.members.length === 3);
  });

  it('survives kill -9 of the server again and again, with nothing lost and nothing twice', async () => {
    await using server = await spawnServer({ RATE_LIMITS: 'off', PORT: '0' });
    await using proxy = await SwitchProxy.start(() => Number(new URL(server.url).port));
    await using clients = new Clients();
    const ada = await clients.guest(proxy.url, 'ada');
    const can = await clients.guest(proxy.url, 'can');
    const room = await ada.createRoom({ name: 'garden' });
    const theirs = await can.joinRoom(room.id);
    const sent: Promise<Message>[] = [];
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 40; i++) sent.push((i % 2 ? room : theirs).send(`${round}.${i}`));
      await sent.at(-30);
      await server.kill('SIGKILL');
      for (let i = 40; i < 50; i++) sent.push(room.send(`${round}.${i}`));
      await server.start();
    }
    const messages = await Promise.all(sent);
    const last = Math.max(...messages.map((message) => message.seq));
    const complete = () =>
      [room, theirs].every((one) => one.messages.some((m) => m.status === 'sent' && m.seq === last));
    await until(room, complete);
    await until(theirs, complete);
    expect(shown(room)).toEqual(shown(theirs));
    expect(new Set(shown(room)).size).toBe(200);
    expect(shown(room)).toHaveLength(200);
    const adas = messages.filter((message) => message.user_id === ada.user?.id).map((message) => message.seq);
    expect(adas).toEqual(adas.toSorted((a, b) => a - b));
  }, 90_000);

  it.runIf(testEngine() === 'sqlite')('starts afresh when a backup was restored', async () => {
    await using server = await startServer(UNLIMITED);
    await using proxy = await SwitchProxy.start(() => server.port);
    await using clients = new Clients();
    const folder = await mkdtemp(join(tmpdir(), 'sohbet-backup-'));
    const config = readConfig(testEnv(server.folder));
    const ada = await clients.guest(proxy.url, 'ada');
    const room = await ada.createRoom({ name: 'garden' });
    await room.send('kept');
    backup(config, join(folder, 'backup.db'));
    await room.send('lost');
    expect(shown(room)).toEqual(['kept', 'lost']);
    await server.stop();
    restore(config, join(folder, 'backup.db'));
    await server.start();
    await until(room, () => shown(room).join() === 'kept');
    await room.send('new');
    expect(shown(room)).toEqual(['kept', 'new']);
    await rm(folder, { recursive: true });
  });

  it('keeps what was marked as read, and what is marked before it is connected', async () => {
    await using server = await startServer();
    await using proxy = await SwitchProxy.start(() => server.port);
    await using clients = new Clients();
    const can = await clients.guest(server.url, 'can');
    const theirs = [await can.createRoom({ name: 'garden' }), await can.createRoom({ name: 'lobby' })] as const;
    const storage = memoryStorage();
    const before = await clients.guest(proxy.url, 'ada', { storage });
    for (const { id } of theirs) await before.joinRoom(id);
    await before.close();
    proxy.refuse();
    const offline = clients.create(proxy.url, { storage });
    await until(offline, () => offline.state === 'offline');
    const said = [await theirs[0].send('hello'), await theirs[1].send('hello')] as const;
    offline.room(theirs[0].id).markRead(said[0].seq);
    proxy.pass();
    await until(offline, () => offline.state === 'live');
    for (const [i, unread] of [0, 1].entries()) {
      const room = await offline.joinRoom(theirs[i]?.id ?? '');
      expect(room.unread).toBe(unread);
    }
    await offline.close();
    const after = clients.create(proxy.url, { storage });
    for (const [i, unread] of [0, 1].entries()) {
      const room = await after.joinRoom(theirs[i]?.id ?? '');
      expect(room.unread).toBe(unread);
    }
  });

  it('waits as long as a server that stops has asked', async () => {
    await using server = await startServer(UNLIMITED);
    await using proxy = await SwitchProxy.start(() => server.port);
    await using clients = new Clients();
    const ada = await clients.guest(proxy.url, 'ada');
    let asked: number | undefined;
    ada.on('server_closing', ({ retry_after_ms }) => {
      asked = retry_after_ms;
    });
    await server.restart();
    const begun = performance.now();
    await until(ada, () => ada.state === 'offline');
    await until(ada, () => ada.state === 'live', 'live', 30_000);
    expect(asked).toBeGreaterThanOrEqual(0);
    expect(performance.now() - begun).toBeGreaterThanOrEqual((asked ?? 0) - 1_000);
  }, 60_000);

  it('counts a connection without answers as lost after 10 s', async () => {
    await using server = await startServer(UNLIMITED);
    await using proxy = await SwitchProxy.start(() => server.port);
    await using clients = new Clients();
    const ada = await clients.guest(proxy.url, 'ada');
    const room = await ada.createRoom({ name: 'garden' });
    proxy.silence();
    const sent = room.send('into the void');
    await until(ada, () => ada.state !== 'live', 'the loss to be noticed', 12_000);
    expect(shown(room)).toEqual(['into the void (pending)']);
    proxy.pass();
    await sent;
    expect(shown(room)).toEqual(['into the void']);
  }, 40_000);
});
