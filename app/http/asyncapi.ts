import {
  allErrors,
  COMMAND_NAMES,
  COMMANDS,
  type CommandName,
  EVENT_NAMES,
  EVENTS,
  type EventName,
  PROTOCOL_VERSION,
} from '../../protocol/index.ts';
import { MARKS } from './reply.ts';
import { addCommonSchemas, answerSchema, type JsonSchema, SchemaSet } from './schemas.ts';

interface Ref {
  readonly $ref: string;
}

interface Message {
  readonly name: string;
  readonly title: string;
  readonly summary: string;
  readonly payload: JsonSchema;
  readonly examples: readonly { readonly payload: unknown }[];
}

interface Operation {
  readonly action: 'receive' | 'send';
  readonly channel: Ref;
  readonly title: string;
  readonly summary: string;
  readonly description: string;
  readonly messages: readonly Ref[];
  readonly reply?: { readonly channel: Ref; readonly messages: readonly Ref[] };
}

const CHANNEL = { $ref: '#/channels/namespace' };
const inChannel = (id: string): Ref => ({ $ref: `#/channels/namespace/messages/${id}` });
const inComponents = (id: string): Ref => ({ $ref: `#/components/messages/${id}` });

const commandId = (name: CommandName) => `command_${name}`;
const answerId = (name: CommandName) => `answer_${name}`;
const eventId = (name: EventName) => `event_${name}`;

function commandMessages(set: SchemaSet, name: CommandName): [string, Message][] {
  const { summary, payload, result, example } = COMMANDS[name];
  const answer = { ok: true, ...example.result };
  return [
    [
      commandId(name),
      { name, title: name, summary: summary.en, payload: set.add(payload), examples: [{ payload: example.payload }] },
    ],
    [
      answerId(name),
      {
        name: `${name} acknowledgement`,
        title: `Answer to ${name}`,
        summary: `What the callback of ${name} is called with.`,
        payload: answerSchema(set, result),
        examples: [{ payload: answer }],
      },
    ],
  ];
}

function eventMessage(set: SchemaSet, name: EventName): [string, Message] {
  const { summary, payload, example } = EVENTS[name];
  return [
    eventId(name),
    { name, title: name, summary: summary.en, payload: set.add(payload), examples: [{ payload: example }] },
  ];
}

function commandOperation(name: CommandName): [string, Operation] {
  const { summary, description, needs, causes } = COMMANDS[name];
  const lines = [
    description,
    `Needs: ${needs}.`,
    `Errors: ${allErrors(COMMANDS[name]).join(', ')}.`,
    causes.length > 0 ? `Causes: ${causes.join(', ')}.` : undefined,
  ];
  return [
    commandId(name),
    {
      action: 'receive',
      channel: CHANNEL,
      title: name,
      summary: summary.en,
      description: lines.filter((line) => line !== undefined).join('\n\n'),
      messages: [inChannel(commandId(name))],
      reply: { channel: CHANNEL, messages: [inChannel(answerId(name))] },
    },
  ];
}

function eventOperation(name: EventName): [string, Operation] {
  const { summary, to } = EVENTS[name];
  return [
    eventId(name),
    {
      action: 'send',
      channel: CHANNEL,
      title: name,
      summary: summary.en,
      description: `To: ${to}`,
      messages: [inChannel(eventId(name))],
    },
  ];
}

const SERVER = {
  host: MARKS.host,
  protocol: MARKS.protocol,
  pathname: `${MARKS.prefix}/socket.io/`,
  title: 'This server',
  description:
    'Socket.IO protocol 5 over Engine.IO 4, by WebSocket or HTTP long-polling. The `auth` object of the handshake ' +
    'has the schema `HandshakeAuth`.',
};

/**
 * Makes the AsyncAPI 3 document of the Socket.IO side from the protocol. It describes the server: a command is an
 * operation that it receives and replies to, an event is one that it sends. The name of a message is the event name of
 * Socket.IO, the payload its one argument, a reply what the callback gets. The address of the server is marked.
 */
export function createAsyncApi(version: string) {
  const set = new SchemaSet();
  addCommonSchemas(set);
  const messages = Object.fromEntries([
    ...COMMAND_NAMES.flatMap((name) => commandMessages(set, name)),
    ...EVENT_NAMES.map((name) => eventMessage(set, name)),
  ]);
  const operations = Object.fromEntries([...COMMAND_NAMES.map(commandOperation), ...EVENT_NAMES.map(eventOperation)]);
  const channel = {
    address: '/',
    title: 'Namespace /',
    description:
      'Everything goes through the one Socket.IO namespace. A command is emitted with one object and, as a rule, a ' +
      'callback; without one a refusal comes as the event `error`.',
    messages: Object.fromEntries(Object.keys(messages).map((id) => [id, inComponents(id)])),
  };
  const info = {
    title: 'Sohbet',
    version,
    description: `A chat backend over Socket.IO. Protocol version ${PROTOCOL_VERSION}.`,
    license: { name: 'MIT' },
  };
  return {
    asyncapi: '3.0.0',
    info,
    servers: { this: SERVER },
    defaultContentType: 'application/json',
    channels: { namespace: channel },
    operations,
    components: { messages, schemas: set.components },
  };
}
