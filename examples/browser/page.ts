// The page's code. `node examples/browser/serve.ts` bundles and serves it.
import { createClient } from '../../client/chat.ts';
import type { ChatRoom } from '../../client/room.ts';

/** The little of the browser's page that is used here; an app's own settings know all of it. */
interface PageElement {
  textContent: string;
  hidden: boolean;
  className: string;
  scrollTop: number;
  readonly scrollHeight: number;
  readonly elements: Record<string, { value: string }>;
  replaceChildren(...nodes: PageElement[]): void;
  addEventListener(type: string, listener: (event: { preventDefault(): void }) => void): void;
  reset(): void;
}
interface Page {
  getElementById(id: string): PageElement;
  createElement(tag: string): PageElement;
}
const { document, location } = globalThis as unknown as { document: Page; location: { search: string } };

const ROOM = 'lobby';
const chat = createClient(new URLSearchParams(location.search).get('server') ?? 'http://localhost:8000');
const [state, signIn, list, typing, talk] = ['state', 'sign-in', 'messages', 'typing', 'talk'].map((id) =>
  document.getElementById(id),
) as [PageElement, PageElement, PageElement, PageElement, PageElement];
let room: ChatRoom | undefined;

chat.subscribe(showState);
showState();
signIn.addEventListener('submit', (event) => {
  event.preventDefault();
  chat.signIn({ username: signIn.elements['username']?.value ?? '' }).catch((error: Error) => {
    state.textContent = error.message;
  });
});
talk.addEventListener('input', () => room?.setTyping(true));
talk.addEventListener('submit', (event) => {
  event.preventDefault();
  void room?.send(talk.elements['content']?.value ?? '');
  talk.reset();
});

function showState(): void {
  const { user } = chat;
  state.textContent = user === undefined ? chat.state : `${user.username}: ${chat.state}`;
  signIn.hidden = user !== undefined;
  if (chat.state === 'live' && room === undefined) void enter();
}

/** Joins the room of this name, or makes it, and shows it from then on. */
async function enter(): Promise<void> {
  const { rooms } = await chat.getRooms({ query: ROOM });
  const found = rooms.find(({ name }) => name === ROOM);
  if (room !== undefined) return;
  room = found === undefined ? await chat.createRoom({ name: ROOM }) : await chat.joinRoom(found.id);
  room.subscribe(showRoom);
  talk.hidden = false;
  showRoom();
}

function showRoom(): void {
  const items = (room?.messages ?? []).map((message) => {
    const item = document.createElement('li');
    const text = message.status === 'sent' && message.deleted ? '(deleted)' : message.content;
    item.textContent = `${message.username}: ${text}`;
    item.className = message.status;
    return item;
  });
  list.replaceChildren(...items);
  list.scrollTop = list.scrollHeight;
  typing.textContent = (room?.typing ?? []).map(({ username }) => `${username} is writing …`).join(' ');
}
