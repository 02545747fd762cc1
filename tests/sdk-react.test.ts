import { Window } from 'happy-dom';
import { createElement, StrictMode, useState } from 'react';
import type { Root } from 'react-dom/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Chat } from '../client/chat.ts';
import { ChatProvider, useChat, useMessages, useRoom, useTyping, useUnread } from '../client/react.ts';
import { deadline } from './support/deadline.ts';
import { Clients, SwitchProxy } from './support/sdk.ts';
import { startServer } from './support/server.ts';

const window = new Window();
let createRoot: (container: Element) => Root;

beforeAll(async () => {
  Object.assign(globalThis, { window, document: window.document });
  ({ createRoot } = await import('react-dom/client'));
});

afterAll(async () => {
  await window.happyDOM.close();
});

/** Renders a component inside a provider; what it shows can be waited for. */
function render(chat: Chat, component: () => React.ReactNode) {
  const container = window.document.createElement('div');
  const root = createRoot(container as unknown as Element);
  root.render(createElement(StrictMode, null, createElement(ChatProvider, { chat }, createElement(component))));
  const text = () => container.textContent ?? '';
  const shows = async (wanted: string) => {
    const look = async () => {
      while (text() !== wanted) await new Promise((resolve) => setTimeout(resolve, 10));
    };
    await deadline(look(), `the page to show: ${wanted}`).catch((error: unknown) => {
      throw new Error(`it shows: ${text()}`, { cause: error });
    });
  };
  return { container, shows, [Symbol.dispose]: () => root.unmount() };
}

describe('the hooks', () => {
  it('show a room, its messages, who is typing and what is unread, as they change', async () => {
    await using server = await startServer();
    await using clients = new Clients();
    const ada = await clients.guest(server.url, 'ada');
    const can = await clients.guest(server.url, 'can');
    const theirs = await can.createRoom({ name: 'garden' });
    await theirs.send('welcome');
    let renders = 0;
    const Messages = () => {
      renders++;
      const said = useMessages(theirs.id).filter((message) => message.status !== 'sent' || !message.is_system_message);
      return said.map(({ key, content, status }) => createElement('p', { key }, `${content} ${status};`));
    };
    const Page = () => {
      const { info } = useRoom(theirs.id);
      const typing = useTyping(theirs.id);
      return createElement(
        'main',
        null,
        `${info?.name} ${typing.length} ${useUnread(theirs.id)} `,
        createElement(Messages),
      );
    };
    using page = render(ada, Page);
    await page.shows('garden 0 0 welcome sent;');
    theirs.setTyping(true);
    const before = renders;
    await page.shows('garden 1 0 welcome sent;');
    await theirs.send('hello');
    await page.shows('garden 0 1 welcome sent;hello sent;');
    expect(renders).toBeGreaterThan(before);
    const node = page.container.querySelectorAll('p')[1];
    await can.updateMessage(theirs.messages.at(-1)?.status === 'sent' ? (await theirs.send('x')).id : '', 'y');
    await page.shows('garden 0 2 welcome sent;hello sent;y sent;');
    expect(page.container.querySelectorAll('p')[1]).toBe(node);
  });

  it('sign in, send while offline, and keep the element of a message when it is sent', async () => {
    await using server = await startServer();
    await using proxy = await SwitchProxy.start(() => server.port);
    await using clients = new Clients();
    const can = await clients.guest(server.url, 'can');
    const theirs = await can.createRoom({ name: 'garden' });
    const chat = clients.create(proxy.url);
    const Talk = () => {
      const { messages } = useRoom(theirs.id);
      const own = messages.filter((message) => message.status !== 'sent' || !message.is_system_message);
      return own.map(({ key, content, status }) => createElement('p', { key }, `${content} ${status}`));
    };
    const Page = () => {
      const { state, user, error } = useChat();
      return createElement('main', null, `${state} ${user?.username} ${error?.code} `, createElement(Talk));
    };
    using page = render(chat, Page);
    await page.shows('signed out undefined undefined ');
    await chat.signIn({ username: 'ada' });
    await page.shows('live ada undefined ');
    await chat.joinRoom(theirs.id);
    proxy.refuse();
    void chat.room(theirs.id).send('hello');
    const pending = () => page.container.querySelector('p');
    await deadline(
      (async () => {
        while (pending()?.textContent !== 'hello pending') await new Promise((resolve) => setTimeout(resolve, 5));
      })(),
      'the pending message',
    );
    const node = pending();
    proxy.pass();
    await page.shows('live ada undefined hello sent');
    expect(pending()).toBe(node);
    await chat.signOut();
    await page.shows('signed out undefined undefined ');
  });

  it('tell why a room cannot be opened, and try again with a password', async () => {
    await using server = await startServer();
    await using clients = new Clients();
    const ada = await clients.guest(server.url, 'ada');
    const can = await clients.guest(server.url, 'can');
    const theirs = await can.createRoom({ name: 'garden', type: 'private', password: 'correct horse' });
    let enter: (password: string) => void = () => {};
    const Page = () => {
      const [password, setPassword] = useState('wrong horse');
      enter = setPassword;
      const { status, error } = useRoom(theirs.id, { password });
      return `${status} ${error?.code}`;
    };
    using page = render(ada, Page);
    await page.shows('closed WRONG_PASSWORD');
    enter('correct horse');
    await page.shows('open undefined');
  });

  it('tell of a room only its own error', async () => {
    await using server = await startServer();
    await using clients = new Clients();
    const ada = await clients.guest(server.url, 'ada');
    const can = await clients.guest(server.url, 'can');
    const locked = await can.createRoom({ name: 'garden', type: 'private', password: 'correct horse' });
    const open = await ada.createRoom({ name: 'lobby' });
    let show: (room_id: string) => void = () => {};
    const told: string[] = [];
    const Page = () => {
      const [room_id, setRoom] = useState(locked.id);
      show = setRoom;
      const { status, error } = useRoom(room_id, { password: 'wrong horse' });
      told.push(`${room_id === locked.id ? 'garden' : 'lobby'} ${status} ${error?.code}`);
      return told.at(-1);
    };
    using page = render(ada, Page);
    await page.shows('garden closed WRONG_PASSWORD');
    show(open.id);
    await page.shows('lobby open undefined');
    expect(told.filter((text) => text.startsWith('lobby'))).not.toContain('lobby open WRONG_PASSWORD');
  });

  it('fail with a clear message outside a provider', async () => {
    const container = window.document.createElement('div');
    const failures: unknown[] = [];
    const { createRoot: create } = await import('react-dom/client');
    const root = create(container as unknown as Element, { onUncaughtError: (error) => failures.push(error) });
    root.render(createElement(() => useChat().state));
    await deadline(
      (async () => {
        while (failures.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
      })(),
      'the failure',
    );
    expect(String(failures[0])).toContain('ChatProvider');
    root.unmount();
  });
});
