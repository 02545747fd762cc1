// A chat in the terminal: node examples/terminal/chat.ts NAME [ROOM] [URL]
// Type to talk, /who to see who is there, /quit to leave. What you type while the server is away is sent later. The
// session is kept in NAME.session: started again, it is the same user.
import { createInterface } from 'node:readline/promises';
import { type Chat, createClient } from '../../client/chat.ts';
import type { ChatRoom } from '../../client/room.ts';
import { fileStorage } from './files.ts';

const [name, roomName = 'lobby', url = 'http://localhost:8000'] = process.argv.slice(2);
if (name === undefined) {
  console.error('Give your name: node examples/terminal/chat.ts ada');
  process.exitCode = 1;
} else {
  const chat = createClient(url, { storage: fileStorage(`${name}.session`) });
  await talk(chat, name).catch(async (error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
    await chat.close();
  });
}

async function talk(chat: Chat, username: string): Promise<void> {
  await chat.signIn({ username });
  const room = await enter(chat);
  tellState(chat);
  showMessages(room, chat);
  const lines = createInterface({ input: process.stdin });
  console.log(`You are ${chat.user?.username} in ${room.info?.name}. /who, /quit`);
  for await (const line of lines) {
    if (line === '/quit') break;
    if (line === '/who')
      console.log(room.members.map((user) => `${user.is_active ? '●' : '○'} ${user.username}`).join('  '));
    else if (line.trim() !== '') room.send(line).catch((error: Error) => console.log(`! ${error.message}`));
    room.markRead();
  }
  await chat.close();
  process.stdin.destroy();
}

/** Joins the room of this name, or makes it. */
async function enter(chat: Chat): Promise<ChatRoom> {
  const { rooms } = await chat.getRooms({ query: roomName });
  const found = rooms.find((room) => room.name === roomName);
  return found === undefined ? chat.createRoom({ name: roomName }) : chat.joinRoom(found.id);
}

function tellState(chat: Chat): void {
  let last = chat.state;
  chat.subscribe(() => {
    if (chat.state === last) return;
    last = chat.state;
    if (last === 'offline' || last === 'live') console.log(`* ${last}`);
  });
}

/** Prints what is there, and then each change once, in order. */
function showMessages(room: ChatRoom, chat: Chat): void {
  const print = (message: { username: string; content: string; edited?: boolean; deleted?: boolean }) =>
    console.log(
      message.deleted ? `${message.username} took a message back` : `${message.username}: ${message.content}`,
    );
  for (const message of room.messages) print(message);
  room.onEntry((message) => {
    if (message.user_id !== chat.user?.id || message.is_system_message) print(message);
  });
}
