import { describe, expect, it } from 'vitest';
import { ChatError } from '../client/error.ts';
import { memoryStorage } from '../client/storage.ts';
import { guest, unique } from './support/client.ts';
import { Clients, shown, until } from './support/sdk.ts';
import { sharedServer, startServer } from './support/server.ts';

const server = sharedServer({ env: { RATE_LIMITS: 'off' } });

describe('signing in', () => {
  it('goes from signed out to live, and knows who it is', async () => {
    await using clients = new Clients();
    const chat = clients.create(server.url);
    const states: string[] = [chat.state];
    chat.subscribe(() => {
      if (states.at(-1) !== chat.state) states.push(chat.state);
    });
    await until(chat, () => chat.state === 'signed out');
    const username = unique('ada');
    await chat.signIn({ username });
    expect(chat.user?.username).toBe(username);
    await until(chat, () => chat.state === 'live');
    expect(states).toEqual(['connecting', 'signed out', 'connecting', 'live']);
  });

  it('throws typed errors', async () => {
    await using clients = new Clients();
    const chat = clients.create(server.url);
    const short = await chat.signIn({ username: ' ' }).catch((error: unknown) => error);
    expect(short).toBeInstanceOf(ChatError);
    expect(short).toMatchObject({ code: 'INVALID_INPUT', field: 'username', isRetryable: false });
    expect(chat.state).toBe('signed out');
    await expect(chat.getRooms()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(chat.room('nowhere').send('hello')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });

    const ada = await clients.guest(server.url, 'ada');
    await expect(chat.signIn({ username: ada.user?.username ?? '' })).rejects.toMatchObject({
      code: 'USERNAME_TAKEN',
      suggestion: expect.stringMatching(/ \d+$/),
    });
    await expect(ada.signIn({ username: 'someone else' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(chat.signIn({ token: 'no token' })).rejects.toMatchObject({ code: 'INVALID_TOKEN' });
    await expect(ada.joinRoom('019a8f3f-0c45-7a92-b1d8-94e7c5f02a6d')).rejects.toMatchObject({
      code: 'ROOM_NOT_FOUND',
    });
  });

  it('words errors in the language that was asked for', async () => {
    await using clients = new Clients();
    const chat = clients.create(server.url, { locale: 'tr' });
    await expect(chat.signIn({ token: 'no token' })).rejects.toThrow('Bu oturum artık geçerli değil');
  });

  it('comes back by itself from its storage, as the same user and at once', async () => {
    await using clients = new Clients();
    const storage = memoryStorage();
    const first = await clients.guest(server.url, 'ada', { storage });
    await first.close();
    const second = clients.create(server.url, { storage });
    await until(second, () => second.state === 'live');
    expect(second.user).toEqual(first.user);
    await second.signIn({ username: first.user?.username ?? '' });
    expect(second.user).toEqual(first.user);
  });

  it('fails OFFLINE where no server is, and leaves nothing behind', async () => {
    await using clients = new Clients();
    const chat = clients.create('http://127.0.0.1:9');
    const begun = performance.now();
    await expect(chat.signIn({ username: 'ada' })).rejects.toMatchObject({ code: 'OFFLINE', isRetryable: true });
    expect(performance.now() - begun).toBeLessThan(11_000);
    expect(chat.state).toBe('signed out');
  });

  it('forgets everything on sign-out, and other clients on the storage or of the token are signed out', async () => {
    await using clients = new Clients();
    const storage = memoryStorage();
    const chat = await clients.guest(server.url, 'ada', { storage });
    const other = clients.create(server.url, { storage });
    await until(other, () => other.state === 'live');
    const token = /"token":"([^"]+)"/.exec(String(await storage.get(`sohbet:${server.url}:session`)))?.[1] ?? '';
    const elsewhere = clients.create(server.url);
    await elsewhere.signIn({ token });
    const room = await chat.createRoom({ name: 'garden' });
    await chat.signOut();
    expect(chat.getSnapshot()).toMatchObject({ state: 'signed out', user: undefined, rooms: [] });
    expect(room.getSnapshot()).toMatchObject({ status: 'closed', messages: [] });
    await until(other, () => other.state === 'signed out');
    await until(elsewhere, () => elsewhere.state === 'signed out');
    expect(elsewhere.getSnapshot().error).toMatchObject({ code: 'INVALID_TOKEN' });
    const third = clients.create(server.url, { storage });
    await until(third, () => third.state === 'signed out');
  });

  it('forgets the session on sign-out, also where another client has renewed it', async () => {
    await using clients = new Clients();
    const storage = memoryStorage();
    const chat = await clients.guest(server.url, 'ada', { storage });
    const stored = async () => String(await storage.get(`sohbet:${server.url}:session`));
    const first = await stored();
    // Tokens tell time in seconds.
    while ((await stored()) === first) {
      const other = clients.create(server.url, { storage });
      await until(other, () => other.state === 'live');
      await other.close();
    }
    await chat.signOut();
    expect(await stored()).toBe('{}');
  });

  it('does not sign in once it is closed, nor when it is signed out meanwhile', async () => {
    await using clients = new Clients();
    const username = unique('ada');
    const closed = clients.create(server.url);
    const signingIn = closed.signIn({ username });
    await Promise.all([expect(signingIn).rejects.toMatchObject({ code: 'OFFLINE' }), closed.close()]);
    await expect(closed.signIn({ username })).rejects.toMatchObject({ code: 'OFFLINE' });
    const chat = clients.create(server.url);
    await Promise.all([
      expect(chat.signIn({ username })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' }),
      chat.signOut(),
    ]);
  });

  it('leaves no rejection unhandled when what is not waited for fails', async () => {
    await using clients = new Clients();
    const chat = clients.create(server.url);
    // Vitest fails on what nobody handles.
    void chat.room('no room').send('before anybody is signed in');
    await until(chat, () => chat.state === 'signed out');
    void chat.room('no room').send('hello');
    await chat.signIn({ username: unique('ada') });
    void chat.room('no room').retry('no key');
    await expect(chat.room('no room').send('hello')).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('works over long-polling too', async () => {
    await using clients = new Clients();
    const chat = await clients.guest(server.url, 'ada', { transport: { transports: ['polling'] } });
    const room = await chat.createRoom({ name: 'garden' });
    await room.send('hello');
    expect(shown(room)).toEqual(['hello']);
  });
});

describe('rooms', () => {
  it('hold ordered messages, with edits and deletions applied', async () => {
    await using clients = new Clients();
    const ada = await clients.guest(server.url, 'ada');
    const can = await clients.guest(server.url, 'can');
    const room = await ada.createRoom({ name: 'garden' });
    const theirs = await can.joinRoom(room.id);
    const hello = await room.send('hello');
    const typo = await theirs.send('helo');
    await theirs.send('third');
    await can.updateMessage(typo.id, 'hello too');
    await ada.deleteMessage(hello.id);
    await until(room, () => shown(room).join() === ',hello too,third');
    await until(theirs, () => shown(theirs).join() === ',hello too,third');
    expect(room.messages.map((message) => message.status === 'sent' && message.seq)).toEqual([1, 2, 3, 4, 5]);
    expect(room.messages[2]).toMatchObject({ deleted: true, status: 'sent' });
    expect(room.members.map((user) => user.username)).toEqual([ada.user?.username, can.user?.username]);
    expect(ada.rooms).toEqual([room]);
  });

  it('show a message at once as pending, and keep its key when it is sent', async () => {
    await using clients = new Clients();
    const ada = await clients.guest(server.url, 'ada');
    const room = await ada.createRoom({ name: 'garden' });
    const sent = room.send('hello');
    const [pending] = room.messages.slice(-1);
    expect(pending).toMatchObject({ status: 'pending', content: 'hello', user_id: ada.user?.id });
    await sent;
    const [message] = room.messages.slice(-1);
    expect(message).toMatchObject({ status: 'sent', content: 'hello', key: pending?.key });
    expect(shown(room)).toEqual(['hello']);
  });

  it('give the same snapshot until something changes, and tell once for many changes', async () => {
    await using clients = new Clients();
    const ada = await clients.guest(server.url, 'ada');
    const can = await clients.guest(server.url, 'can');
    const room = await ada.createRoom({ name: 'garden' });
    const theirs = await can.joinRoom(room.id);
    await until(room, () => room.members.length === 2);
    const before = room.getSnapshot();
    expect(room.getSnapshot()).toBe(before);
    theirs.setTyping(true);
    await until(room, () => room.typing.length === 1);
    expect(room.getSnapshot()).not.toBe(before);
    expect(room.getSnapshot().messages).toBe(before.messages);
    expect(room.typing).toEqual([{ user_id: can.user?.id, username: can.user?.username }]);
    await theirs.send('done');
    await until(room, () => room.typing.length === 0);
  });

  it('compute what is unread from numbers, and remember it on the device', async () => {
    await using clients = new Clients();
    const storage = memoryStorage();
    const ada = await clients.guest(server.url, 'ada', { storage });
    const can = await clients.guest(server.url, 'can');
    const theirs = await can.createRoom({ name: 'garden' });
    await theirs.send('before');
    const room = await ada.joinRoom(theirs.id);
    expect(room.unread).toBe(0);
    const taken = await theirs.send('one');
    await theirs.send('two');
    await room.send('mine');
    await until(room, () => room.unread === 2);
    await can.deleteMessage(taken.id);
    await until(room, () => room.unread === 1);
    room.markRead();
    expect(room.unread).toBe(0);
    await theirs.send('three');
    await until(room, () => room.unread === 1);

    await ada.close();
    const again = clients.create(server.url, { storage });
    const back = await again.joinRoom(room.id);
    await until(back, () => back.unread === 1);
    expect(back.getSnapshot().hasMoreUnread).toBe(false);
  });

  it('load older messages page by page', async () => {
    await using clients = new Clients();
    const ada = await clients.guest(server.url, 'ada');
    const room = await ada.createRoom({ name: 'garden' });
    await Promise.all(Array.from({ length: 120 }, (_, i) => room.send(`${i}`)));
    const can = await clients.guest(server.url, 'can');
    const theirs = await can.joinRoom(room.id);
    expect(theirs.messages).toHaveLength(50);
    await Promise.all([theirs.loadOlder(), theirs.loadOlder()]);
    expect(theirs.messages).toHaveLength(100);
    await theirs.loadOlder();
    expect(theirs.getSnapshot().hasOlder).toBe(false);
    expect(shown(theirs)).toEqual(Array.from({ length: 120 }, (_, i) => `${i}`));
    await theirs.loadOlder();
    expect(theirs.messages).toHaveLength(122);
  });

  it('keep a bounded part, which slides through the history and comes back to the newest', async () => {
    await using clients = new Clients();
    const ada = await clients.guest(server.url, 'ada', { messageLimit: 100 });
    const room = await ada.createRoom({ name: 'garden' });
    const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `${from + i}`);
    for (const text of numbers(0, 250)) void room.send(text);
    await room.send('250');
    expect(shown(room)).toEqual(numbers(151, 251));
    expect(room.getSnapshot()).toMatchObject({ hasOlder: true, hasNewer: false });
    await room.loadOlder(100);
    expect(shown(room)).toEqual(numbers(51, 151));
    await room.send('251');
    expect(room.getSnapshot()).toMatchObject({ hasNewer: true, hasOlder: true });
    expect(shown(room)).toEqual(numbers(51, 151));
    await room.loadNewer(60);
    expect(shown(room)).toEqual(numbers(111, 211));
    await room.loadNewer(60);
    expect(shown(room)).toEqual(numbers(152, 252));
    expect(room.getSnapshot()).toMatchObject({ hasNewer: false });
    await room.send('252');
    expect(shown(room)).toEqual(numbers(153, 253));
    await room.loadOlder(100);
    await room.loadNewest();
    expect(shown(room)).toEqual(numbers(203, 253));
  });

  it('end when the user leaves or is removed, and open again', async () => {
    await using clients = new Clients();
    const ada = await clients.guest(server.url, 'ada');
    const can = await clients.guest(server.url, 'can');
    const room = await ada.createRoom({ name: 'garden', type: 'private' });
    const theirs = can.room(room.id);
    await ada.addMember(room.id, can.user?.id ?? '');
    await until(can, () => can.rooms.includes(theirs));
    await theirs.join();
    await ada.removeMember(room.id, can.user?.id ?? '');
    await until(theirs, () => theirs.status === 'gone');
    expect(can.rooms).toEqual([]);
    await expect(theirs.send('still here')).rejects.toMatchObject({ code: 'ROOM_NOT_FOUND' });
    expect(shown(theirs)).toEqual(['still here (failed)']);
    const [failed] = theirs.messages.slice(-1);
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'ROOM_NOT_FOUND' } });

    await ada.addMember(room.id, can.user?.id ?? '');
    await until(can, () => can.rooms.includes(theirs));
    await theirs.join();
    if (failed?.status !== 'failed') throw new Error('nothing failed');
    await theirs.retry(failed.client_id);
    await until(room, () => shown(room).join() === 'still here');
    expect(shown(theirs)).toEqual(['still here']);
    await theirs.leave();
    expect(theirs.status).toBe('gone');
  });

  it('throw failed messages away', async () => {
    await using clients = new Clients();
    const ada = await clients.guest(server.url, 'ada');
    const room = await ada.createRoom({ name: 'garden' });
    await expect(room.send(' ')).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'content' });
    await room.send('fine');
    expect(shown(room)).toEqual(['fine', '  (failed)']);
    const failed = room.messages.at(-1);
    if (failed?.status !== 'failed') throw new Error('nothing failed');
    room.discard(failed.client_id);
    expect(shown(room)).toEqual(['fine']);
    await expect(room.retry(failed.client_id)).rejects.toMatchObject({ code: 'DISCARDED' });
  });

  it('know when members come and go', async () => {
    await using clients = new Clients();
    const ada = await clients.guest(server.url, 'ada');
    const room = await ada.createRoom({ name: 'garden' });
    const can = await clients.guest(server.url, 'can');
    await can.joinRoom(room.id);
    await until(room, () => room.members[1]?.is_active === true);
    await can.close();
    await until(room, () => room.members[1]?.is_active === false);
    expect(room.info?.user_count).toBe(2);
  });

  it('open a private room with its password', async () => {
    await using clients = new Clients();
    const ada = await clients.guest(server.url, 'ada');
    const can = await clients.guest(server.url, 'can');
    const room = await ada.createRoom({ name: 'garden', type: 'private', password: 'correct horse' });
    await expect(can.joinRoom(room.id)).rejects.toMatchObject({ code: 'WRONG_PASSWORD' });
    const theirs = await can.joinRoom(room.id, { password: 'correct horse' });
    expect(theirs.status).toBe('open');
  });
});

describe('events', () => {
  it('come typed, as the server sends them', async () => {
    await using clients = new Clients();
    const ada = await clients.guest(server.url, 'ada');
    const seen: string[] = [];
    const stop = ada.on('message', ({ content }) => seen.push(content));
    const room = await ada.createRoom({ name: 'garden' });
    await room.send('one');
    await until(room, () => seen.includes('one'));
    stop();
    await room.send('two');
    expect(seen).not.toContain('two');
  });

  it('reach plain clients that use the protocol alone', async () => {
    await using clients = new Clients();
    const ada = await clients.guest(server.url, 'ada');
    const plain = await guest(server, 'can');
    const room = await ada.createRoom({ name: 'garden' });
    await plain.ok('join_room', { room_id: room.id });
    await room.send('hello');
    expect(await plain.waitFor('message', ({ content }) => content === 'hello')).toMatchObject({ seq: 3 });
  });
});

describe('the list of rooms', () => {
  it('is the user’s own, newest activity first, in pages', async () => {
    await using own = await startServer({ env: { RATE_LIMITS: 'off' } });
    await using clients = new Clients();
    const plain = await guest(own, 'ada');
    for (let i = 0; i < 120; i++) await plain.createRoom({ name: `room ${i}` });
    const chat = clients.create(own.url);
    await chat.signIn({ token: plain.me.token });
    expect(chat.rooms).toHaveLength(100);
    expect(chat.getSnapshot().hasMoreRooms).toBe(true);
    await chat.loadMoreRooms();
    await chat.loadMoreRooms();
    expect(chat.rooms).toHaveLength(120);
    expect(chat.getSnapshot().hasMoreRooms).toBe(false);
    const last = chat.rooms.at(-1);
    await last?.send('up');
    await until(chat, () => chat.rooms[0] === last);
  });
});
