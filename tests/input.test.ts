import { describe, expect, it } from 'vitest';
import {
  COMMAND_NAMES,
  COMMANDS,
  type CommandName,
  ERRORS,
  FIELD_MAX,
  LIMITS,
  optionalFields,
} from '../protocol/index.ts';
import { connect, guest, type TestClient, TRANSPORTS, unique } from './support/client.ts';
import { sharedServer } from './support/server.ts';

const server = sharedServer();

const ID = '019a8f3f-0c45-7a92-b1d8-94e7c5f02a6d';

/** What optional fields may hold, where the example of a command leaves them out. */
const VALUES: Readonly<Record<string, unknown>> = {
  ...{ type: 'private', password: 'correct horse', client_id: 'k' },
  ...{ query: 'x', mine: true, after: 'x', limit: 1, everywhere: false, client: { device: 'x' } },
};

/** A payload with as many fields as it may have together, which only the store could refuse. */
function payloadOf(command: CommandName): Record<string, unknown> {
  const { example, payload, read } = COMMANDS[command];
  let whole: Record<string, unknown> = { ...example.payload };
  for (const field of optionalFields(payload)) {
    const fuller = { ...whole, [field]: VALUES[field] };
    if (field in VALUES && !('fault' in read(fuller))) whole = fuller;
  }
  return whole;
}

/** The fields that must be there. */
function requiredOf(command: CommandName): string[] {
  const optional = optionalFields(COMMANDS[command].payload);
  return Object.keys(COMMANDS[command].payload.shape).filter((field) => !optional.includes(field));
}

/** Sends what must be refused; gives the code and the field. */
async function fault(client: TestClient, command: string, ...args: unknown[]): Promise<(string | undefined)[]> {
  const answer = await client.raw(command, ...args);
  if (answer.ok) throw new Error(`${command} was not refused: ${JSON.stringify(args)}`);
  expect(answer.error.message).toMatch(/^[\p{L}_].*\.$/u);
  expect(answer.error.message).not.toMatch(/invalid|expected|received|undefined|null|unrecognized|too (?:big|small)/i);
  return [answer.error.code, answer.error.field];
}

function nested(depth: number): unknown {
  return depth <= 1 ? 'x' : [nested(depth - 1)];
}

describe.each(TRANSPORTS)('bad input over %s', (transport) => {
  /** A client on which the command gets as far as its payload. */
  const ready = (command: CommandName) =>
    command === 'authenticate' ? connect(server, { transport }) : guest(server, 'ada', transport);

  describe.each(COMMAND_NAMES)('%s', (command) => {
    const payload = payloadOf(command);
    const required = requiredOf(command);

    it('refuses a missing field, a wrong type and an unknown field, and names it', async () => {
      const client = await ready(command);
      for (const field of required) {
        const { [field]: _, ...rest } = payload;
        expect(await fault(client, command, rest), `without ${field}`).toEqual(['INVALID_INPUT', field]);
      }
      for (const field of Object.keys(payload)) {
        for (const wrong of [
          ...(field === 'client' ? [] : [{}]),
          ...(required.includes(field) ? [null] : []),
          [[]],
          Array.isArray(payload[field]) ? 'x' : [],
          field === 'limit' ? '1' : 12.5,
        ]) {
          const [code, named] = await fault(client, command, { ...payload, [field]: wrong });
          expect(code, `${field}: ${JSON.stringify(wrong)}`).toBe('INVALID_INPUT');
          expect(named?.split('.')[0], `${field}: ${JSON.stringify(wrong)}`).toBe(field);
        }
      }
      for (const field of [
        'surprise',
        'constructor',
        'toString',
        '__proto__',
        'hasOwnProperty',
        'prototype',
        'Room_id',
      ]) {
        const odd = JSON.parse(`{${JSON.stringify(field)}: {"isAdmin": true}}`) as object;
        const mixed = Object.defineProperties({ ...payload }, Object.getOwnPropertyDescriptors(odd));
        expect(await fault(client, command, mixed), `with ${field}`).toEqual(['INVALID_INPUT', field]);
      }
      const long = await fault(client, command, { ...payload, ['x'.repeat(20_000)]: 1 });
      expect(long).toEqual(['INVALID_INPUT', 'x'.repeat(FIELD_MAX)]);
      expect(({} as { isAdmin?: unknown }).isAdmin).toBeUndefined();
    });

    it('takes null in an optional field for absent', async () => {
      const outcome = async (sent: Record<string, unknown>) => {
        const own = typeof sent['username'] === 'string' ? { ...sent, username: unique('ada') } : sent;
        const { ok, error } = { error: undefined, ...(await (await ready(command)).raw(command, own)) };
        return { ok, code: error?.code, field: error?.field };
      };
      const optional = optionalFields(COMMANDS[command].payload);
      for (const field of optional) {
        const { [field]: _, ...rest } = payload;
        expect(await outcome({ ...rest, [field]: null }), field).toEqual(await outcome(rest));
      }
      const least = Object.fromEntries(required.map((field) => [field, payload[field]]));
      const nulls = Object.fromEntries(optional.map((field) => [field, null]));
      expect(await outcome({ ...nulls, ...least })).toEqual(await outcome(least));
      const surprised = await (await ready(command)).raw(command, { ...payload, surprise: null });
      expect(surprised).toMatchObject({ ok: false, error: { code: 'INVALID_INPUT', field: 'surprise' } });
    });

    it('refuses a payload that is no object, and extra arguments', async () => {
      const client = await ready(command);
      for (const wrong of ['text', 1, true, [], [payload]]) {
        expect((await fault(client, command, wrong))[0], JSON.stringify(wrong)).toBe('INVALID_INPUT');
      }
      expect((await fault(client, command, payload, payload))[0]).toBe('INVALID_INPUT');
      expect((await fault(client, command, payload, 'extra', null))[0]).toBe('INVALID_INPUT');
    });

    it('refuses JSON that is too deep, and binary', async () => {
      const client = await ready(command);
      const key = Object.keys(payload)[0] ?? 'x';
      expect((await fault(client, command, { ...payload, [key]: nested(LIMITS.json_depth + 1) }))[0]).toBe(
        'INVALID_INPUT',
      );
      expect((await fault(client, command, { ...payload, [key]: nested(500) }))[0]).toBe('INVALID_INPUT');
      const binary = await client.raw(command, { ...payload, [key]: Buffer.from('x') }).catch(() => 'ended');
      if (binary !== 'ended') expect(binary).toMatchObject({ ok: false, error: { code: 'INVALID_INPUT' } });
      await (await guest(server, 'can', transport)).ok('get_rooms', {});
    });
  });

  it('says without a callback which command it was', async () => {
    const client = await guest(server, 'ada', transport);
    for (const command of COMMAND_NAMES.filter((name) => name !== 'authenticate')) {
      const from = client.mark();
      client.socket.emit(command, { ...payloadOf(command), surprise: 1 });
      const error = await client.waitFor('error', (event) => event.event === command, { from });
      expect(error).toMatchObject({ code: 'INVALID_INPUT', field: 'surprise' });
    }
    client.socket.emit('authenticate', { username: 'x' });
    await client.waitFor('error', (event) => event.event === 'authenticate' && event.code === 'FORBIDDEN');
  });

  it('wants a payload where a field is required, and takes none where none is', async () => {
    const client = await guest(server, 'ada', transport);
    for (const command of COMMAND_NAMES.filter((name) => requiredOf(name).length > 0)) {
      expect((await fault(client, command))[0], command).toBe('INVALID_INPUT');
      expect((await fault(client, command, null))[0], command).toBe('INVALID_INPUT');
      client.socket.emit(command);
      await client.waitFor('error', (error) => error.event === command && error.code === 'INVALID_INPUT');
    }
    expect(await client.raw('get_rooms')).toMatchObject({ ok: true });
    expect(await client.raw('get_users')).toMatchObject({ ok: true });
    const nobody = await connect(server, { transport });
    expect((await fault(nobody, 'authenticate'))[0]).toBe('INVALID_INPUT');
  });

  it('knows no other command, with callback and without', async () => {
    const client = await guest(server, 'ada', transport);
    const names = [
      'no_such_command',
      'constructor',
      '__proto__',
      'toString',
      'hasOwnProperty',
      'message',
      'error',
      '',
      'ı',
    ];
    for (const name of names) {
      expect((await fault(client, name, {}))[0], name).toBe('UNKNOWN_COMMAND');
      const from = client.mark();
      client.socket.emit(name, {});
      const error = await client.waitFor('error', (event) => event.event === name, { from });
      expect(error).toEqual({ code: 'UNKNOWN_COMMAND', message: ERRORS.UNKNOWN_COMMAND.message.en, event: name });
    }
  });

  it('refuses text that no store can hold', async () => {
    const client = await guest(server, 'ada', transport);
    const room = await client.createRoom();
    for (const bad of ['a\0b', '\ud800', 'x\udc00y', '\udbff\udbff']) {
      expect(await fault(client, 'send_message', { room_id: room.id, content: bad })).toEqual([
        'INVALID_INPUT',
        'content',
      ]);
      expect(await fault(client, 'create_room', { name: bad })).toEqual(['INVALID_INPUT', 'name']);
      expect(await fault(client, 'get_rooms', { query: bad })).toEqual(['INVALID_INPUT', 'query']);
      const keyed = { room_id: room.id, content: 'x', client_id: bad };
      expect(await fault(client, 'send_message', keyed)).toEqual(['INVALID_INPUT', 'client_id']);
    }
    for (const room_id of ['', 'x', ID.toUpperCase(), `${ID} `, `{${ID}}`, `${ID}\n`]) {
      expect(await fault(client, 'join_room', { room_id })).toEqual(['INVALID_INPUT', 'room_id']);
    }
    for (const seq of [Number.MAX_SAFE_INTEGER + 1, 1e300, -1]) {
      expect(await fault(client, 'get_messages', { room_id: room.id, before: seq })).toEqual([
        'INVALID_INPUT',
        'before',
      ]);
    }
    expect((await client.say(room, 'marker')).seq).toBe(2);
  });

  it('takes hostile names for what they are: text', async () => {
    const client = await guest(server, 'ada', transport);
    for (const name of [
      "'; DROP TABLE rooms; --",
      '<script>alert(1)</script>',
      '__proto__',
      '%s%n',
      '../../etc/passwd',
    ]) {
      const own = unique(name);
      const room = await client.createRoom({ name: own, client_id: own.slice(0, 64) });
      const said = (await client.ok('send_message', { room_id: room.id, content: name, client_id: name })).message;
      expect(said).toMatchObject({ content: name, client_id: name });
      expect((await client.ok('get_rooms', { query: own })).rooms).toMatchObject([{ id: room.id, name: own }]);
    }
  });

  it('words errors in Turkish for whoever connects so', async () => {
    const turkish = await connect(server, { transport, auth: { locale: 'tr' } });
    expect((await turkish.refused('get_rooms', {})).message).toBe(ERRORS.UNAUTHENTICATED.message.tr);
    await turkish.signIn({ username: unique('ışıl') });
    const room = await turkish.createRoom({ type: 'private', password: 'correct horse' });
    expect((await turkish.refused('leave_room', { room_id: ID })).message).toBe(ERRORS.ROOM_NOT_FOUND.message.tr);
    const told = async (payload: object) => {
      const answer = await turkish.raw('send_message', payload);
      return answer.ok ? undefined : answer.error.message;
    };
    expect(await told({ room_id: room.id, content: '' })).toBe('Mesaj en az 1 karakter içermeli.');
    expect(await told({ room_id: room.id, content: '\u200b' })).toBe('Mesaj boş olamaz.');
    expect(await told({ content: 'x' })).toBe('room_id eksik.');
    expect((await turkish.refused('create_room', { name: 'a\u200b' })).message).toBe(
      'Oda adı denetim karakteri ya da görünmeyen karakter içeremez.',
    );
    turkish.socket.emit('nonsense');
    expect((await turkish.waitFor('error')).message).toBe(ERRORS.UNKNOWN_COMMAND.message.tr);
    const other = await connect(server, { transport, auth: { locale: 'xx', username: unique('ada') } });
    await other.waitFor('connect_response');
    const refusal = await other.refused('join_room', { room_id: room.id });
    expect(refusal).toMatchObject({ code: 'WRONG_PASSWORD', message: ERRORS.WRONG_PASSWORD.message.en });
  });
});
