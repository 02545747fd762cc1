import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { Refusal } from '../app/models/refusal.ts';
import type { Caller } from '../app/services/caller.ts';
import { COMMAND_NAMES, COMMANDS, type CommandName, type CommandPayload } from '../protocol/commands.ts';
import { lone, TestConnection, TestServices } from './support/services.ts';

// Every command through the dispatcher: a real store, the real services, and no socket. Who may is in needs.test.ts.
const server = await TestServices.create();
afterAll(() => server[Symbol.asyncDispose]());

const KINDS = ['a connection', 'a lone request'] as const;
type Kind = (typeof KINDS)[number];

/** A room of an owner, with another member and a message of the owner's. */
async function story() {
  const [owner, member, other] = await Promise.all([server.connect(), server.connect(), server.connect()]);
  const { room } = await server.ok(owner, 'create_room', { name: 'garden' });
  await server.ok(member, 'join_room', { room_id: room.id });
  const { message } = await server.ok(owner, 'send_message', { room_id: room.id, content: 'hello' });
  return { owner, member, other, room_id: room.id, message_id: message.id, seq: message.seq };
}
type Story = Awaited<ReturnType<typeof story>>;

/** What the owner calls each command with, once. */
const PAYLOADS: { readonly [C in CommandName]: (about: Story) => CommandPayload<C> } = {
  authenticate: ({ owner }) => ({ username: `${owner.user?.username} again` }),
  sign_out: () => ({}),
  create_room: () => ({ name: 'attic', client_id: 'a' }),
  join_room: ({ room_id }) => ({ room_id }),
  leave_room: ({ room_id }) => ({ room_id }),
  add_member: ({ room_id, other }) => ({ room_id, user_id: other.user?.id ?? '' }),
  remove_member: ({ room_id, member }) => ({ room_id, user_id: member.user?.id ?? '' }),
  get_rooms: () => ({ mine: true }),
  get_users: ({ room_id }) => ({ room_id }),
  send_message: ({ room_id }) => ({ room_id, content: 'again', client_id: 'a' }),
  update_message: ({ message_id }) => ({ message_id, content: 'changed' }),
  delete_message: ({ message_id }) => ({ message_id }),
  get_messages: ({ room_id }) => ({ room_id }),
  sync: ({ room_id }) => ({ epoch: 'another', rooms: [{ room_id, seq: 0 }] }),
  typing_status: ({ room_id }) => ({ room_id, is_typing: true }),
};

/** Who calls a command as the owner, or as nobody where it needs nobody. */
function callerOf(name: CommandName, kind: Kind, { owner }: Story): Caller {
  if (COMMANDS[name].needs === 'anyone') return kind === 'a connection' ? new TestConnection('new') : lone();
  return kind === 'a connection' ? owner : lone(owner);
}

describe.each(KINDS)('over %s', (kind) => {
  it.each(COMMAND_NAMES)('%s answers with what is declared', async (name) => {
    const about = await story();
    const result = await server.ok(callerOf(name, kind, about), name, PAYLOADS[name](about));
    expect(COMMANDS[name].result.parse(result)).toEqual(result);
  });

  it('what is no command, or malformed, is refused', async () => {
    const ada = await server.connect();
    const caller = kind === 'a connection' ? ada : lone(ada);
    const codes = async (name: string, body?: unknown) => {
      const answer = await server.call(caller, name, body);
      return answer.ok ? 'ok' : [answer.error.code, answer.error.field];
    };
    expect(await codes('toString')).toEqual(['UNKNOWN_COMMAND', undefined]);
    expect(await codes('get_rooms', { limit: 0 })).toEqual(['INVALID_INPUT', 'limit']);
    expect(await codes('get_rooms', 'all')).toEqual(['INVALID_INPUT', undefined]);
    expect(await codes('get_rooms', { query: [[[[[[[[[]]]]]]]]] })).toEqual(['INVALID_INPUT', undefined]);
    expect(await codes('get_rooms')).toBe('ok');
    expect(await codes('authenticate', { username: 'eve' })).toEqual(['FORBIDDEN', undefined]);
  });
});

it('a room that is asked for twice at once is made, and told of, once', async () => {
  const ada = await server.connect();
  const ask = () => server.ok(lone(ada), 'create_room', { name: 'twice', client_id: 'twice' });
  const made = await Promise.all([ask(), ask()]);
  expect(made.map(({ duplicate }) => duplicate)).toEqual(expect.arrayContaining([undefined, true]));
  expect(ada.heard.filter((name) => name === 'room_created')).toHaveLength(1);
});

describe('an answer that holds a snapshot', () => {
  it('goes out at its place in the stream of a connection', async () => {
    const ada = await server.connect();
    const { room } = await server.ok(ada, 'create_room', { name: 'garden' });
    await server.ok(ada, 'send_message', { room_id: room.id, content: 'hello' });
    await server.ok(ada, 'join_room', { room_id: room.id });
    const signedIn = ['authenticate:', 'connect_response', 'rooms_list'];
    const made = ['create_room:', 'room_info', 'room_created'];
    expect(ada.heard).toEqual([...signedIn, ...made, 'message', 'send_message:', 'join_room:', 'room_info']);
  });

  it('without a connection is a plain read, and the connections of the user get onto the stream', async () => {
    const { room_id, owner, other } = await story();
    const { room } = await server.ok(lone(other), 'join_room', { room_id });
    expect(room).toMatchObject({ id: room_id, user_count: 3 });
    await server.ok(owner, 'send_message', { room_id, content: 'welcome' });
    await until(() => other.heard.includes('message'));
    expect(other.heard.filter((name) => name !== 'user_connected').slice(-2)).toEqual(['room_info', 'message']);
  });

  it('of a room made without a connection is told to those who may see it', async () => {
    const ada = await server.connect();
    const { room } = await server.ok(lone(ada), 'create_room', { name: 'attic', client_id: 'key' });
    expect(room).toMatchObject({ name: 'attic', user_count: 1 });
    await until(() => ada.heard.includes('room_info'));
    expect(ada.heard).toContain('room_created');
    expect(await server.ok(lone(ada), 'create_room', { name: 'attic', client_id: 'key' })).toEqual({
      room,
      duplicate: true,
    });
  });
});

it('a sign-in without a connection makes a guest who is not online, and whose token is good', async () => {
  const { user, token } = await server.ok(lone(), 'authenticate', { username: 'hopper' });
  expect(user).toMatchObject({ username: 'hopper', is_active: false });
  const connection = new TestConnection('hopper');
  expect(await server.ok(connection, 'authenticate', { token })).toMatchObject({
    user: { id: user.id, is_active: true },
  });
});

it('of two sign-ins of a connection at once one is done, and the other guest is gone', async () => {
  const twice = new TestConnection('twice');
  const names = ['zoe', 'yan'];
  const answers = await Promise.all(names.map((username) => server.call(twice, 'authenticate', { username })));
  expect(answers.map((answer) => (answer.ok ? 'ok' : answer.error.code)).sort()).toEqual(['FORBIDDEN', 'ok']);
  for (const username of names.filter((name) => name !== twice.user?.username)) await server.connect(username);
});

it('a sign-out without a connection ends those that use the token, once it is answered', async () => {
  const ada = await server.connect();
  await server.ok(lone(ada), 'sign_out', {});
  expect(ada.heard.at(-1)).toBe('end');
  const can = await server.connect();
  await server.ok(can, 'sign_out', {});
  expect(can.heard.slice(-2)).toEqual(['sign_out:', 'end']);
});

it('commands that come in one turn begin in their order', async () => {
  const { owner, room_id } = await story();
  const left = server.ok(owner, 'sign_out', {});
  const late = await server.call(owner, 'send_message', { room_id, content: 'too late' });
  expect(late).toMatchObject({ ok: false, error: { code: 'NOT_A_MEMBER' } });
  await left;
});

it('who types without a connection is told of all the same, until it has said it', async () => {
  const { room_id, owner, member } = await story();
  await server.ok(lone(owner), 'typing_status', { room_id, is_typing: true });
  expect(member.heard.at(-1)).toBe('typing_status');
  await server.ok(lone(owner), 'send_message', { room_id, content: 'said' });
  expect(member.heard.slice(-3)).toEqual(['typing_status', 'typing_status', 'message']);
});

it('a list that nobody waits for comes as an event, and is a first page', async () => {
  const ada = await server.connect();
  await server.services.dispatcher.call(ada, {
    name: 'get_rooms',
    body: { after: 'a later page' },
    isUnanswered: true,
  });
  expect(ada.heard.slice(-2)).toEqual(['rooms_list', 'rooms_list']);
});

it('a command is activity of its user, whatever it came over', async () => {
  for (const kind of KINDS) {
    const ada = await server.connect();
    Object.assign(ada.user ?? {}, { last_activity: 0 });
    await server.ok(kind === 'a connection' ? ada : lone(ada), 'get_rooms', {});
    expect(ada.identity?.user.last_activity, kind).toBeGreaterThan(0);
  }
});

it('a fault after the answer does not answer again', async () => {
  const { room_id, other } = await story();
  other.send = ({ event }) => {
    if (event === 'room_info') throw new Error('broken');
  };
  expect(await server.call(other, 'join_room', { room_id })).toMatchObject({ ok: true, room: { id: room_id } });
  expect(other.heard.filter((name) => name === 'join_room:')).toHaveLength(1);
});

it('a taken name is refused as such, though the store fails to say which is free', async () => {
  const { username = '' } = (await server.connect()).user ?? {};
  const look = vi.spyOn(server.store.users, 'freeNameLike').mockRejectedValueOnce(new Refusal('UNAVAILABLE'));
  expect(await server.call(lone(), 'authenticate', { username })).toMatchObject({ error: { code: 'USERNAME_TAKEN' } });
  expect(look).toHaveBeenCalledOnce();
});

describe('above a rate', () => {
  it('what was done before under the same key is answered, and nothing else', async () => {
    await using limited = await TestServices.create({
      messages_burst: 1,
      messages_per_second: 1,
      room_creations_burst: 1,
    });
    const ada = await limited.connect();
    Object.assign(ada, { client: limited.services.limits?.open('address') });
    const { room } = await limited.ok(ada, 'create_room', { name: 'garden', client_id: 'a' });
    const { message } = await limited.ok(ada, 'send_message', { room_id: room.id, content: 'hello', client_id: 'b' });
    const again = { room_id: room.id, content: 'hello' };
    expect(await limited.ok(ada, 'create_room', { name: 'garden', client_id: 'a' })).toEqual({
      room: { ...room, seq: 2 },
      duplicate: true,
    });
    expect(await limited.ok(ada, 'send_message', { ...again, client_id: 'b' })).toEqual({ message, duplicate: true });
    expect(await limited.call(ada, 'send_message', { ...again, client_id: 'c' })).toMatchObject({
      error: { code: 'RATE_LIMITED', retry_after_ms: expect.anything() },
    });
    expect(await limited.call(ada, 'send_message', again)).toMatchObject({ error: { code: 'RATE_LIMITED' } });
    vi.spyOn(limited.store.messages, 'byClientId').mockRejectedValueOnce(new Refusal('UNAVAILABLE'));
    expect(await limited.call(ada, 'send_message', { ...again, client_id: 'b' })).toMatchObject({
      error: { code: 'RATE_LIMITED' },
    });
  });
});

it('a dispatcher that drains answers what is under way, and refuses the rest', async () => {
  await using stopping = await TestServices.create();
  const ada = await stopping.connect();
  const under = stopping.ok(ada, 'create_room', { name: 'garden' });
  const drained = stopping.services.dispatcher.drain().then(() => ada.heard.includes('create_room:'));
  expect(await stopping.call(ada, 'get_rooms')).toMatchObject({ error: { code: 'UNAVAILABLE' } });
  await under;
  expect(await drained).toBe(true);
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await turn();
}
