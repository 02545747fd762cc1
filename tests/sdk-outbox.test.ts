import { describe, expect, it } from 'vitest';
import { type ChatStorage, memoryStorage, webStorage } from '../client/storage.ts';
import { guest } from './support/client.ts';
import { Clients, SwitchProxy, shown, until } from './support/sdk.ts';
import { startServer } from './support/server.ts';

const UNLIMITED = { env: { RATE_LIMITS: 'off' } };

/** What is stored under the only key that contains this. */
function kept(values: Map<string, string>, part: string): unknown {
  const [key] = [...values.keys()].filter((name) => name.includes(part));
  return JSON.parse(values.get(key ?? '') ?? 'null');
}

/** A storage over a map that answers `ms` late, as AsyncStorage does, and has neither locks nor watching. */
function slowStorage(values: Map<string, string>, ms = 3): ChatStorage {
  const late = <T>(act: () => T) => new Promise<T>((resolve) => setTimeout(() => resolve(act()), ms));
  return {
    get: (key) => late(() => values.get(key) ?? null),
    set: (key, value) => late(() => values.set(key, value)),
    delete: (key) => late(() => values.delete(key)),
  };
}

/** The storage of a client that reaches the server at `theirs`, for one that reaches it at `mine`: keys name addresses. */
function reachedBy(storage: ChatStorage, mine: string, theirs: string): ChatStorage {
  const key = (name: string) => name.replace(mine, theirs);
  return {
    get: (name) => storage.get(key(name)),
    set: (name, value) => storage.set(key(name), value),
    delete: (name) => storage.delete(key(name)),
    watch: (name, listener) => storage.watch?.(key(name), listener) ?? (() => {}),
  };
}

/** A client offline behind the proxy, and another on its storage that reaches the server: the room of each. */
async function oneOffline(url: string, proxy: SwitchProxy, clients: Clients) {
  const storage = memoryStorage();
  const away = await clients.guest(proxy.url, 'ada', { storage });
  const room = await away.createRoom({ name: 'garden' });
  proxy.refuse();
  await until(away, () => away.state === 'offline');
  const present = clients.create(url, { storage: reachedBy(storage, url, proxy.url) });
  const theirs = await present.joinRoom(room.id);
  return { room, present, theirs };
}

describe('the outbox', () => {
  it('sends what was written offline, in order, when the connection is back', async () => {
    await using server = await startServer(UNLIMITED);
    await using proxy = await SwitchProxy.start(() => server.port);
    await using clients = new Clients();
    const ada = await clients.guest(proxy.url, 'ada');
    const room = await ada.createRoom({ name: 'garden' });
    proxy.refuse();
    await until(ada, () => ada.state === 'offline');
    const sent = ['one', 'two', 'three'].map((text) => room.send(text));
    expect(shown(room)).toEqual(['one (pending)', 'two (pending)', 'three (pending)']);
    proxy.pass();
    const messages = await Promise.all(sent);
    expect(messages.map(({ seq }) => seq)).toEqual([2, 3, 4]);
    expect(shown(room)).toEqual(['one', 'two', 'three']);
  });

  it('keeps the order, and what was refused, however slow the storage is', async () => {
    await using server = await startServer(UNLIMITED);
    await using clients = new Clients();
    const ada = await clients.guest(server.url, 'ada', { storage: slowStorage(new Map(), 100) });
    const room = await ada.createRoom({ name: 'garden' });
    const doubled: string[] = [];
    room.subscribe(() => {
      const keys = room.messages.map(({ key }) => key);
      if (new Set(keys).size < keys.length) doubled.push(shown(room).join());
    });
    const texts = Array.from({ length: 300 }, (_, i) => (i % 10 === 0 ? 'x'.repeat(4_001) : `${i}`));
    const sent = await Promise.allSettled(texts.map((text) => room.send(text)));
    const allowed = texts.filter((text) => text.length < 10);
    expect(sent.filter(({ status }) => status === 'fulfilled')).toHaveLength(allowed.length);
    await until(
      room,
      () =>
        shown(room)
          .filter((text) => !text.includes('('))
          .join() === allowed.join(),
    );
    expect(shown(room).filter((text) => text.includes('('))).toHaveLength(texts.length - allowed.length);
    expect(doubled).toEqual([]);
  });

  it('survives a restart of the app, offline, and then sends each once', async () => {
    await using server = await startServer(UNLIMITED);
    await using proxy = await SwitchProxy.start(() => server.port);
    await using clients = new Clients();
    const values = new Map<string, string>();
    const first = await clients.guest(proxy.url, 'ada', { storage: slowStorage(values) });
    const { id } = await first.createRoom({ name: 'garden' });
    proxy.refuse();
    await until(first, () => first.state === 'offline');
    for (const text of ['one', 'two', 'three']) void first.room(id).send(text);
    await first.close();
    expect(kept(values, ':outbox:')).toMatchObject({
      items: [{ content: 'one' }, { content: 'two' }, { content: 'three' }],
    });

    const second = clients.create(proxy.url, { storage: slowStorage(values) });
    const room = second.room(id);
    await until(room, () => shown(room).join() === 'one (pending),two (pending),three (pending)');
    proxy.pass();
    await until(second, () => second.state === 'live');
    await room.join();
    await until(room, () => shown(room).join() === 'one,two,three');
    await second.close();
    expect(kept(values, ':outbox:')).toMatchObject({ items: [] });
  });

  it('sends each message once with two clients on one storage, and both agree', async () => {
    await using server = await startServer(UNLIMITED);
    await using proxy = await SwitchProxy.start(() => server.port);
    await using clients = new Clients();
    const storage = memoryStorage();
    const one = await clients.guest(proxy.url, 'ada', { storage });
    const room = await one.createRoom({ name: 'garden' });
    const two = clients.create(proxy.url, { storage });
    const theirs = await two.joinRoom(room.id);
    for (let round = 0; round < 3; round++) {
      proxy.refuse();
      await until(one, () => one.state === 'offline');
      await until(two, () => two.state === 'offline');
      const sent = Array.from({ length: 10 }, (_, i) => (i % 2 ? room : theirs).send(`${round}.${i}`));
      await until(room, () => shown(room).length === round * 10 + 10);
      await until(theirs, () => shown(theirs).length === round * 10 + 10);
      proxy.pass();
      const messages = await Promise.all(sent);
      expect(new Set(messages.map(({ id }) => id)).size).toBe(10);
      for (const each of [room, theirs]) {
        const sentIn = () => shown(each).filter((text) => !text.includes('('));
        await until(each, () => sentIn().length === round * 10 + 10);
      }
      expect(shown(theirs)).toEqual(shown(room));
    }
    expect(shown(room)).toHaveLength(30);
    expect(new Set(shown(room)).size).toBe(30);
  });

  it('shows what another client on the storage has sent as pending until it has the message itself', async () => {
    await using server = await startServer(UNLIMITED);
    await using proxy = await SwitchProxy.start(() => server.port);
    await using clients = new Clients();
    const { room, present, theirs } = await oneOffline(server.url, proxy, clients);
    const seen: string[] = [];
    room.subscribe(() => seen.push(shown(room).join()));
    const sent = room.send('hello');
    await until(theirs, () => shown(theirs).join() === 'hello');
    await present.close();
    proxy.pass();
    expect(await sent).toMatchObject({ content: 'hello' });
    await until(room, () => shown(room).join() === 'hello');
    expect(new Set(seen)).toEqual(new Set(['hello (pending)', 'hello']));
  });

  it('goes on asking for what another client on the storage has sent while the server limits it', async () => {
    const RATE_LIMITS = 'commands_per_second=10,commands_burst=5,messages_per_second=100,messages_burst=100';
    await using server = await startServer({ env: { RATE_LIMITS } });
    await using proxy = await SwitchProxy.start(() => server.port);
    await using clients = new Clients();
    const { room, present, theirs } = await oneOffline(server.url, proxy, clients);
    const texts = Array.from({ length: 10 }, (_, i) => `${i}`);
    const sent = texts.map((text) => room.send(text));
    await until(theirs, () => shown(theirs).join() === texts.join());
    await present.close();
    proxy.pass();
    expect((await Promise.all(sent)).map(({ content }) => content)).toEqual(texts);
  });

  it('sends what another client on the storage wrote before it was closed', async () => {
    await using server = await startServer(UNLIMITED);
    await using proxy = await SwitchProxy.start(() => server.port);
    await using clients = new Clients();
    const storage = memoryStorage();
    const one = await clients.guest(proxy.url, 'ada', { storage });
    const room = await one.createRoom({ name: 'garden' });
    const two = clients.create(proxy.url, { storage });
    const theirs = await two.joinRoom(room.id);
    proxy.refuse();
    await until(one, () => one.state === 'offline');
    void room.send('from the first');
    await one.close();
    proxy.pass();
    await until(theirs, () => shown(theirs).join() === 'from the first');
  });

  it('is forgotten by every client on the storage when one of them signs out, with no connection too', async () => {
    await using server = await startServer(UNLIMITED);
    await using proxy = await SwitchProxy.start(() => server.port);
    await using clients = new Clients();
    const values = new Map<string, string>();
    const shared = memoryStorage();
    const storage: ChatStorage = {
      ...shared,
      set(key, value) {
        values.set(key, value);
        return shared.set(key, value);
      },
      delete(key) {
        values.delete(key);
        return shared.delete(key);
      },
    };
    const one = await clients.guest(proxy.url, 'ada', { storage });
    const room = await one.createRoom({ name: 'garden' });
    const two = clients.create(proxy.url, { storage });
    const theirs = await two.joinRoom(room.id);
    proxy.refuse();
    for (const client of [one, two]) await until(client, () => client.state === 'offline');
    const sent = theirs.send('my secret');
    await until(room, () => shown(room).join() === 'my secret (pending)');
    await one.signOut();
    await expect(sent).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await until(two, () => two.state === 'signed out');
    proxy.pass();
    await two.close();
    expect([...values].filter(([, value]) => /secret|token/.test(value))).toEqual([]);
    const next = clients.create(server.url, { storage: reachedBy(storage, server.url, proxy.url) });
    await until(next, () => next.state === 'signed out');
  });

  it('shares failures and discards between clients on one storage', async () => {
    await using server = await startServer(UNLIMITED);
    await using clients = new Clients();
    const storage = memoryStorage();
    const one = await clients.guest(server.url, 'ada', { storage });
    const room = await one.createRoom({ name: 'garden' });
    const two = clients.create(server.url, { storage });
    const theirs = await two.joinRoom(room.id);
    await expect(room.send('\0')).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await until(theirs, () => theirs.messages.at(-1)?.status === 'failed');
    const failed = theirs.messages.at(-1);
    if (failed?.status !== 'failed') throw new Error('nothing failed');
    theirs.discard(failed.client_id);
    await until(room, () => room.messages.at(-1)?.status === 'sent');
  });

  it('is harmless without locks: two tabs that know nothing of each other send a message once', async () => {
    await using server = await startServer(UNLIMITED);
    await using proxy = await SwitchProxy.start(() => server.port);
    await using clients = new Clients();
    const values = new Map<string, string>();
    const one = await clients.guest(proxy.url, 'ada', { storage: slowStorage(values) });
    const room = await one.createRoom({ name: 'garden' });
    proxy.refuse();
    await until(one, () => one.state === 'offline');
    const sent = ['a', 'b', 'c'].map((text) => room.send(text));
    await one.close();
    await Promise.allSettled(sent);
    const tabs = [0, 1].map(() => clients.create(proxy.url, { storage: slowStorage(values) }));
    proxy.pass();
    const rooms = await Promise.all(tabs.map((tab) => tab.joinRoom(room.id)));
    for (const tab of rooms) await until(tab, () => shown(tab).join() === 'a,b,c');
    const plain = await guest(server, 'can');
    const { messages } = await plain.ok('join_room', { room_id: room.id });
    expect(messages.filter((message) => !message.is_system_message)).toHaveLength(3);
  });

  it('obeys retry_after_ms and keeps the order when the server limits it', async () => {
    await using server = await startServer({ env: { RATE_LIMITS: 'messages_per_second=20,messages_burst=3' } });
    await using clients = new Clients();
    const ada = await clients.guest(server.url, 'ada');
    const room = await ada.createRoom({ name: 'garden' });
    const texts = Array.from({ length: 12 }, (_, i) => `${i}`);
    await Promise.all(texts.map((text) => room.send(text)));
    expect(shown(room)).toEqual(texts);
  });

  it('goes on in memory when the storage fails, and says so', async () => {
    await using server = await startServer(UNLIMITED);
    await using clients = new Clients();
    const faults: unknown[] = [];
    const broken: ChatStorage = {
      get: () => null,
      set: () => {
        throw new Error('the quota is used up');
      },
      delete: () => {},
    };
    const ada = await clients.guest(server.url, 'ada', {
      storage: broken,
      onStorageError: (fault) => faults.push(fault),
    });
    const room = await ada.createRoom({ name: 'garden' });
    for (const text of ['one', 'two']) await room.send(text);
    expect(shown(room)).toEqual(['one', 'two']);
    expect(faults.length).toBeGreaterThan(0);
  });

  it('keeps its promise over localStorage', async () => {
    await using server = await startServer(UNLIMITED);
    await using clients = new Clients();
    const values = new Map<string, string>();
    const area = {
      getItem: (key: string) => values.get(key) ?? null,
      setItem: (key: string, value: string) => void values.set(key, value),
      removeItem: (key: string) => void values.delete(key),
    };
    const one = await clients.guest(server.url, 'ada', { storage: webStorage(area) });
    const room = await one.createRoom({ name: 'garden' });
    await room.send('hello');
    const two = clients.create(server.url, { storage: webStorage(area) });
    const theirs = await two.joinRoom(room.id);
    expect(two.user).toEqual(one.user);
    await Promise.all([room.send('a'), theirs.send('b'), room.send('c')]);
    const done = () => shown(theirs).toSorted().join() === 'a,b,c,hello';
    await until(theirs, done);
  });
});
