import { LIMITS, LOG_EVENT_NAMES } from '../../protocol/index.ts';
import { callExample, refusalExample } from './examples.ts';
import { codeBlock } from './highlight.ts';
import { type Html, html, joined } from './html.ts';
import { codeName, prose } from './prose.ts';
import { type FieldWords, fieldList, typeName } from './schema-fields.ts';
import { COMPONENTS, type JsonSchema } from './schemas.ts';

const items = (texts: readonly string[]) => texts.map((text) => html`<li>${prose(text)}</li>`);
const model = (name: string) => typeName({ $ref: COMPONENTS + name });

const CONVENTIONS = [
  'Socket.IO protocol 5 over Engine.IO 4, namespace `/`, path `/socket.io/`, by WebSocket or HTTP long-polling.',
  'A command goes from client to server: one object, then a callback (the acknowledgement). A command whose fields are all optional may be sent with no object.',
  'The acknowledgement is `{ ok: true, … }` with the result, or `{ ok: false, error }`. A callback is always answered.',
  'Without a callback a refusal comes as the event `error`: the same error, and in its field `event` the name of the command.',
  'An event goes from server to client, with one argument.',
  'Names are snake_case. An id is a lower-case UUID; the server makes version 7, so ids sort by the time they were made. A time is ISO 8601 in UTC with milliseconds.',
  'The server refuses fields that it does not know with `INVALID_INPUT`, and `field` names the culprit. A client ignores fields, events, `system.type`s and codes that it does not know.',
  '`error.message` is for people, in English, or in Turkish when the handshake’s `auth` has `locale: "tr"`. `error.code` is for programs and never changes.',
  'In lists `after` and `next` are opaque. In `get_messages` `before` and `after` are numbers, exclusive, not both; neither gives the newest.',
  `A page holds ${LIMITS.page_default} items unless \`limit\` says otherwise, at most ${LIMITS.page_max}, and at most ${LIMITS.answer_bytes / 1024} KiB; \`has_more\` or \`next\` says whether there is more.`,
];

/** What holds for every command and event. */
export function conventions(): Html {
  return html`<div lang="en"><ul>${items(CONVENTIONS)}</ul>
${codeBlock(`const answer = ${callExample('send_message')}\nif (!answer.ok) console.log(answer.error.code);`, 'js', 'A command')}
${codeBlock(refusalExample(), 'json', 'A refusal')}
<p>The shapes: ${model('Refused')}, ${model('Error')}.</p></div>`;
}

const SIGNING_IN = [
  'Before a sign-in every other command answers `UNAUTHENTICATED`. A second `authenticate` on a connection answers `FORBIDDEN`.',
  'A guest signs in with a free `username` and gets a signed `token`, good for a year from its last use. A connection with it is the same user, with the same rooms. Keep it as you would a password.',
  'The same fields may go with the handshake: `io(url, { auth: { token } })`. When that fails, the server sends `error` and leaves the connection open, signed out. Commands that come while a sign-in is under way wait for it.',
  'A guest’s name is the guest’s, here or away, until the guest signs out or the token expires. To anyone else it is `USERNAME_TAKEN`, with a free name like it in `error.suggestion`. Names are compared without case, with İ, I, ı and i as one.',
  'Membership of rooms outlives connections: after signing in, a connection gets the events of every room of its user. A user may be connected many times.',
];

/** How a client signs in and comes back. `handshake` is the schema of the handshake's `auth`. */
export function signingIn(handshake: JsonSchema, words: FieldWords): Html {
  return html`<div lang="en"><ul>${items(SIGNING_IN)}</ul>
${codeBlock("const socket = io(url, { auth: { token, locale: 'en' } });", 'js', 'Signing in with the handshake')}</div>
<h3 id="model-HandshakeAuth">HandshakeAuth</h3>${fieldList(handshake, words, 'client')}`;
}

const CLIENT_RULES = [
  'For each room keep a cursor: the highest number up to which you know everything.',
  '`seq` of a room in the answer of `authenticate` or `join_room` is a snapshot number. The answer goes out before any entry above it, and every entry above it follows as an event.',
  'A live event with `rev` = cursor + 1 moves the cursor. Drop a lower one. Keep a higher one, and ask `sync` for what is missing.',
  'Only events and `sync` move the cursor. The acknowledgement of your own command does not: it may arrive before or after its event.',
  'Numbers in a page of `sync` may skip, where an older change was overtaken by a newer. After a page the cursor is the last `rev` while `has_more`, and `head` after the last page. Merge states by the greatest `rev`.',
  'With `reset: true` drop what you hold of that room and call `join_room`; with another `epoch` than the one you stored, start afresh.',
  'You may ignore a change to a message older than the oldest you have loaded, unless a page of such messages is on its way: keep the change until the page is here, and take the state with the greater `rev`.',
  'Presence and typing are not in the log. After each reconnect ask `get_users` if you show them, and forget a typing user after 10 s.',
  'Give `send_message` and `create_room` a `client_id`, and repeat with the same one when no answer came: you get the first result back, never a second message.',
];

/** The numbered log of a room, and what a client does with it. */
export function roomLog(): Html {
  const names = joined(LOG_EVENT_NAMES.map(codeName), ', ');
  return html`<div lang="en"><p>Each lasting change in a room (a message, an edit, a deletion, a join, a leave) takes the room’s next number, from 1, without holes. A join or a leave is a system message, so the events ${names} are the whole log: their <code>rev</code> runs 1, 2, 3 … in each room. <code>seq</code> is a message’s place and never changes; <code>rev</code> is the number of its newest change. The server delivers the entries of a room to each connection in order, with no gap and none twice.</p>
<ol>${items(CLIENT_RULES)}</ol></div>`;
}
