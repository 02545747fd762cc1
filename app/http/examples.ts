import { COMMANDS, type CommandName, EVENTS, type EventName } from '../../protocol/index.ts';
import { toSource } from './highlight.ts';

/** The name under which the pages tell the reader to save {@link firstChat}. */
export const FIRST_CHAT_FILE = 'chat.mjs';

/**
 * A whole chat for the terminal, as a module for Node: signs in as the first argument, finds or makes the room named by
 * the second, prints what is said there and says each line of its input. It keeps its token in a file and asks for what
 * it missed when the connection was lost. Needs only `socket.io-client` beside it. `origin` is the URL
 * where this server is reached, without a path; `prefix` the path below which it is shown there.
 */
export function firstChat(origin: string, prefix = ''): string {
  const path = prefix === '' ? '' : `path: ${toSource(`${prefix}/socket.io/`, 'js')}, `;
  return `import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { io } from 'socket.io-client';

const [name = 'guest', wanted = 'lobby'] = process.argv.slice(2);
const file = \`\${name}.token\`; // whoever has it is this user
const auth = (give) => give(existsSync(file) ? { token: readFileSync(file, 'utf8') } : { username: name });
const socket = io(${toSource(origin, 'js')}, { ${path}auth, retries: Infinity, ackTimeout: 10_000 });

const fail = ({ code, message }) => {
  if (code === 'INVALID_TOKEN') rmSync(file);
  console.error(message);
  process.exit(1);
};
const ask = async (command, payload) => {
  const answer = await socket.emitWithAck(command, payload); // repeated until there is an answer
  return answer.ok ? answer : fail(answer.error);
};
const show = (m) => console.log(m.is_system_message ? \`* \${m.content}\` : \`\${m.username}: \${m.content}\`);

socket.on('error', fail); // the sign-in was refused
socket.on('connect_response', ({ token }) => writeFileSync(file, token));
const { epoch } = await new Promise((resolve) => socket.once('connect_response', resolve));
const { rooms } = await ask('get_rooms', { query: wanted });
const { id: room_id } = rooms.find((r) => r.name === wanted) ?? (await ask('create_room', { name: wanted })).room;

let seq; // the number up to which we know the room
const take = (m) => {
  if (m.room_id !== room_id || m.rev <= seq) return;
  seq = m.rev;
  if (m.rev === m.seq) show(m); // else an older message was edited or deleted
};
const enter = async () => {
  const { room, messages } = await ask('join_room', { room_id });
  messages.forEach(show);
  seq = room.seq;
};
const catchUp = async () => {
  const [page] = (await ask('sync', { epoch, rooms: [{ room_id, seq }] })).rooms;
  if (page.error || page.reset) fail({ message: 'The room is another one now. Start again.' });
  page.messages.forEach(take);
  if (page.has_more) await catchUp();
};
let work = enter(); // one thing after another
socket.on('message', (m) => (work = work.then(() => take(m))));
socket.on('connect_response', () => (work = work.then(catchUp))); // the connection was lost

for await (const content of createInterface({ input: process.stdin })) {
  if (content.trim()) await ask('send_message', { room_id, content, client_id: crypto.randomUUID() });
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
