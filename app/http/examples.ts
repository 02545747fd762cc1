import { basename } from 'node:path';
import { COMMANDS, type CommandName, EVENTS, type EventName } from '../../protocol/index.ts';
import { toSource } from './highlight.ts';
import { readText, TEXTS } from './texts.ts';

/** The name under which the pages tell the reader to save {@link firstChat}. */
export const FIRST_CHAT_FILE = basename(TEXTS.firstChat);

/** How the file of {@link firstChat} says where the server is. */
const ADDRESS = "io('http://localhost:8000', { ";

/**
 * A whole chat for the terminal, as a module for Node: signs in as the first argument, finds or makes the room named by
 * the second, prints what is said there and says each line of its input. It keeps its token in a file and asks for what
 * it missed when the connection was lost. Needs only `socket.io-client` beside it. `origin` is the URL
 * where this server is reached, without a path; `prefix` the path below which it is shown there.
 */
export function firstChat(origin: string, prefix = ''): string {
  const path = prefix === '' ? '' : `path: ${toSource(`${prefix}/socket.io/`, 'js')}, `;
  return readText(TEXTS.firstChat).replace(ADDRESS, () => `io(${toSource(origin, 'js')}, { ${path}`);
}

/** What the reader types to get the one package of {@link firstChat}. */
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

/** The refusal that stands for all, and the name of the command that it refuses. */
const { event: REFUSED, ...error } = EVENTS.error.example;

/** What the server answers when it does what {@link refusalExample} refuses. */
export const acceptedExample = (): string => answerExample(REFUSED as CommandName);

/** What the server answers when it refuses a command. */
export function refusalExample(): string {
  return toSource({ ok: false, error }, 'json', LINE);
}

/** How a client listens to an event. */
export const listenExample = (name: EventName): string => `socket.on('${name}', (${name}) => console.log(${name}));`;

/** What an event holds. */
export const eventExample = (name: EventName): string => toSource(EVENTS[name].example, 'json', LINE);
