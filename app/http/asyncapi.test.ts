import { describe, expect, it } from 'vitest';
import { COMMAND_NAMES, COMMANDS, EVENT_NAMES } from '../../protocol/index.ts';
import { createAsyncApi } from './asyncapi.ts';
import { Template } from './reply.ts';

const document = createAsyncApi('1.2.3');
const at = (host: string, secure: boolean, prefix: string) =>
  JSON.parse(new Template(JSON.stringify(document)).fill({ host, secure, prefix }).body.toString());
// What a program reads is the text.
const read = at('chat.example', true, '');

function resolve(pointer: string): unknown {
  return pointer
    .slice(2)
    .split('/')
    .reduce((at: unknown, key) => (at as Record<string, unknown> | undefined)?.[key], read);
}

function refs(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(refs);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => (key === '$ref' ? [String(item)] : refs(item)));
}

describe('createAsyncApi', () => {
  it('is AsyncAPI 3 with the address it was asked at', () => {
    expect(read.asyncapi).toBe('3.0.0');
    expect(read.info).toMatchObject({ title: 'Sohbet', version: '1.2.3' });
    expect(read.servers.this).toMatchObject({ host: 'chat.example', protocol: 'wss', pathname: '/socket.io/' });
    expect(at('[::1]:8000', false, '/chat').servers.this).toMatchObject({
      host: '[::1]:8000',
      protocol: 'ws',
      pathname: '/chat/socket.io/',
    });
  });

  it('resolves every reference within itself', () => {
    const all = refs(read);
    expect(all.length).toBeGreaterThan(100);
    expect(all.filter((ref) => !ref.startsWith('#/') || resolve(ref) === undefined)).toEqual([]);
    expect(JSON.stringify(read)).not.toMatch(/"(?:definitions|\$defs|\$schema|\$id)"/);
  });

  it.each(COMMAND_NAMES)('has the command %s and its answer', (name) => {
    const operation = read.operations[`command_${name}`];
    expect(operation).toMatchObject({ action: 'receive', title: name, summary: COMMANDS[name].summary.en });
    const message = read.components.messages[`command_${name}`];
    expect(message).toMatchObject({ name, examples: [{ payload: COMMANDS[name].example.payload }] });
    expect(message.payload.type).toBe('object');
    expect(message.payload.additionalProperties).toBe(false);
    for (const code of COMMANDS[name].errors) expect(operation.description).toContain(code);

    const [reply] = operation.reply.messages;
    expect(reply.$ref).toBe(`#/channels/namespace/messages/answer_${name}`);
    const answer = read.components.messages[`answer_${name}`].payload.oneOf;
    expect(answer[0].properties.ok).toEqual({ const: true });
    expect(answer[0].required).toContain('ok');
    expect(answer[1]).toEqual({ $ref: '#/components/schemas/Refused' });
  });

  it.each(EVENT_NAMES)('has the event %s', (name) => {
    expect(read.operations[`event_${name}`]).toMatchObject({ action: 'send', title: name });
    expect(read.components.messages[`event_${name}`].name).toBe(name);
  });

  it('has nothing else, and shares the models', () => {
    expect(Object.keys(read.operations)).toHaveLength(COMMAND_NAMES.length + EVENT_NAMES.length);
    expect(Object.keys(read.components.schemas)).toEqual([
      'ClientInfo',
      'Error',
      'HandshakeAuth',
      'Message',
      'Refused',
      'Room',
      'System',
      'User',
    ]);
  });
});
