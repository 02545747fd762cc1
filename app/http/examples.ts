import { COMMANDS, type CommandName, EVENTS, type EventName } from '../../protocol/index.ts';
import { toSource } from './highlight.ts';

/** The name under which the pages tell the reader to save {@link firstChat}. */
export const FIRST_CHAT_FILE = 'chat.mjs';

/**
 * A whole chat for the terminal, as a module for Node: signs in as the first argument, finds or makes the room named by
 * the second, prints what is said there and says each line of its input. Needs only `socket.io-client` beside it.
 * `baseUrl` is where this server is reached.
 */
export function firstChat(baseUrl: string): string {
  return `import { createInterface } from 'node:readline';
import { io } from 'socket.io-client';

const [name = 'guest', wanted = 'lobby'] = process.argv.slice(2);
const socket = io(${toSource(baseUrl, 'js')});
const ask = async (command, payload) => {
  const answer = await socket.emitWithAck(command, payload);
  if (!answer.ok) throw new Error(answer.error.message);
  return answer;
};
const show = (m) => console.log(m.is_system_message ? \`* \${m.content}\` : \`\${m.username}: \${m.content}\`);

const { user, token } = await ask('authenticate', { username: name });
socket.auth = { token }; // after a lost connection, come back as the same user
socket.on('message', (m) => m.user_id !== user.id && show(m));

const { rooms } = await ask('get_rooms', { query: wanted });
const room = rooms.find((r) => r.name === wanted) ?? (await ask('create_room', { name: wanted })).room;
const { messages } = await ask('join_room', { room_id: room.id });
messages.forEach(show);

for await (const content of createInterface({ input: process.stdin })) {
  if (content.trim()) await ask('send_message', { room_id: room.id, content });
}
socket.close();
`;
}

/** What the reader types to get the one package that {@link firstChat} needs. */
export const FIRST_CHAT_INSTALL = 'npm install socket.io-client';

/** What the reader types in one terminal to start {@link firstChat} as `name`. */
export const firstChatRun = (name: string): string => `node ${FIRST_CHAT_FILE} ${name}`;

/** A line that fits a code block in half a page. */
const LINE = 58;

/** How a client sends the command of a definition's example. */
export function callExample(name: CommandName): string {
  const { payload } = COMMANDS[name].example;
  const call = (width: number) => `await socket.emitWithAck('${name}', ${toSource(payload, 'js', width)});`;
  const line = call(Number.POSITIVE_INFINITY);
  return line.length <= LINE ? line : call(0);
}

/** What the server answers to {@link callExample}. */
export function answerExample(name: CommandName): string {
  return toSource({ ok: true, ...COMMANDS[name].example.result }, 'json', LINE);
}

/** What the server answers when it refuses a command. */
export function refusalExample(): string {
  const { event, ...error } = EVENTS.error.example;
  return toSource({ ok: false, error }, 'json', LINE);
}

/** How a client listens to an event. */
export const listenExample = (name: EventName): string => `socket.on('${name}', (${name}) => console.log(${name}));`;

/** What an event holds. */
export const eventExample = (name: EventName): string => toSource(EVENTS[name].example, 'json', LINE);
