import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { COMMAND_NAMES, COMMANDS, type CommandName, EVENT_NAMES, EVENTS, Refused } from '../../protocol/index.ts';
import {
  acceptedExample,
  answerExample,
  callExample,
  eventExample,
  firstChat,
  firstChatRun,
  refusalExample,
} from './examples.ts';

describe('firstChat', () => {
  const source = firstChat('https://chat.example:8443');

  it('is a valid, short module', () => {
    const check = spawnSync(process.execPath, ['--check', '--input-type=module', '-'], {
      input: source,
      timeout: 10_000,
    });
    expect(check.stderr.toString()).toBe('');
    expect(check.status).toBe(0);
    expect(source.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(50);
  });

  it('uses only commands and events of the protocol', () => {
    const asked = [...source.matchAll(/ask\('(\w+)'/g)].map((match) => match[1]);
    expect(asked).toContain('send_message');
    for (const name of asked) expect(COMMAND_NAMES).toContain(name);
    for (const [, name] of source.matchAll(/socket\.on\('(\w+)'/g)) expect(EVENT_NAMES).toContain(name);
  });

  it('holds the address it was given, and cannot be broken by it', () => {
    expect(source).toContain("io('https://chat.example:8443', {");
    expect(firstChat("http://x'); evil('")).toContain("io('http://x\\'); evil(\\'', {");
    expect(firstChatRun('ada')).toBe('node chat.mjs ada');
  });
});

describe('examples', () => {
  it.each(COMMAND_NAMES)('of %s are a call and an answer of the protocol', async (name) => {
    const sent: unknown[] = [];
    const socket = { emitWithAck: async (...args: unknown[]) => void sent.push(...args) };
    const run = new Function('socket', `return (async () => { ${callExample(name)} })()`);
    await run(socket);
    const [command, payload] = sent;
    expect(command).toBe(name);
    expect(COMMANDS[name].payload.safeParse(payload).success).toBe(true);

    const { ok, ...result } = JSON.parse(answerExample(name));
    expect(ok).toBe(true);
    expect(COMMANDS[name].result.safeParse(result).success).toBe(true);
  });

  it.each(EVENT_NAMES)('of the event %s are of the protocol', (name) => {
    expect(EVENTS[name].payload.safeParse(JSON.parse(eventExample(name))).success).toBe(true);
  });

  it('of a command that is done and of its refusal are of the protocol', () => {
    const { event } = EVENTS.error.example;
    expect(COMMAND_NAMES).toContain(event);
    expect(acceptedExample()).toBe(answerExample(event as CommandName));

    expect(Refused.safeParse(JSON.parse(refusalExample())).success).toBe(true);
  });
});
