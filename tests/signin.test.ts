import { describe, expect, it } from 'vitest';
import { ERRORS, LIMITS, PROTOCOL_VERSION } from '../protocol/index.ts';
import { connect, guest, TRANSPORTS, unique } from './support/client.ts';
import { holdDatabase } from './support/data.ts';
import { sharedServer, startServer } from './support/server.ts';

const server = sharedServer();

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const NOBODY = '019a8f3e-5b7a-7c31-9a46-2f6d0c1b8e51';

describe.each(TRANSPORTS)('signing in over %s', (transport) => {
  it('makes a guest, answers first and then sends connect_response and rooms_list', async () => {
    const client = await connect(server, { transport });
    const username = unique('ada');
    const session = await client.ok('authenticate', { username });
    expect(session.user).toMatchObject({ username, is_active: true });
    expect(session.user.id).toMatch(UUID_V7);
    expect(session).toMatchObject({ rooms: [], rooms_next: null });
    expect(session.server).toEqual({ protocol: PROTOCOL_VERSION, features: [], limits: expect.anything() });
    expect(Object.keys(session.server.limits)).toEqual(Object.keys(LIMITS));
    expect(session.epoch).not.toBe('');
    await client.waitFor('rooms_list');
    const { token, epoch, user } = session;
    expect(client.all('connect_response')).toEqual([{ status: 'success', user, token, epoch }]);
    // Who of the tests before goes offline meanwhile is told too.
    const order = client.entries.map((entry) => entry.name).filter((name) => !name.startsWith('user_'));
    expect(order).toEqual(['authenticate', 'connect_response', 'rooms_list']);
  });

  it('brings a user back by token, with the rooms and their events, without a further call', async () => {
    const ada = await guest(server, 'ada', transport);
    const can = await guest(server, 'can', transport);
    const room = await ada.createRoom();
    await can.ok('join_room', { room_id: room.id });
    ada.close();
    await can.say(room, 'while away');
    const back = await connect(server, { transport, token: ada.me.token });
    expect(back.me.user).toMatchObject({ id: ada.id, username: ada.me.user.username, is_active: true });
    expect(back.me.epoch).toBe(ada.me.epoch);
    expect(back.me.rooms).toMatchObject([{ id: room.id, user_count: 2, seq: 3 }]);
    const said = await can.say(room, 'welcome back');
    expect(await back.waitFor('message')).toEqual(said);
  });

  it('signs in from the handshake, by name and by token', async () => {
    const username = unique('ada');
    const first = await connect(server, { transport, auth: { username } });
    const hello = await first.waitFor('connect_response');
    expect(hello.user.username).toBe(username);
    await first.waitFor('rooms_list');
    const room = await first.createRoom();
    expect(await first.code('authenticate', { username: unique('x') })).toBe('FORBIDDEN');

    const second = await connect(server, { transport, auth: { token: hello.token, locale: 'tr' } });
    expect((await second.waitFor('connect_response')).user.id).toBe(hello.user.id);
    expect((await second.ok('get_rooms', { mine: true })).rooms).toMatchObject([{ id: room.id }]);
  });

  it('takes null in the handshake for absent, as a first launch sends it', async () => {
    const username = unique('ada');
    const first = await connect(server, { transport, auth: { username, token: null, locale: null } });
    const { token, user } = await first.waitFor('connect_response');
    expect(user.username).toBe(username);
    const second = await connect(server, { transport, auth: { username: null, token } });
    expect((await second.waitFor('connect_response')).user.id).toBe(user.id);
    const nobody = await connect(server, { transport, auth: { username: null, token: null } });
    expect(await nobody.code('get_rooms', {})).toBe('UNAUTHENTICATED');
    expect(nobody.all('error')).toEqual([]);
  });

  it('leaves the socket open and signed out when the handshake sign-in fails', async () => {
    for (const auth of [{ token: 'not a token' }, { username: '\u200b' }, { username: 'ada', token: 'both' }]) {
      const client = await connect(server, { transport, auth });
      const error = await client.waitFor('error');
      expect(error.event).toBe('authenticate');
      expect(error.code).toBe('token' in auth && !('username' in auth) ? 'INVALID_TOKEN' : 'INVALID_INPUT');
      expect(await client.code('get_rooms', {})).toBe('UNAUTHENTICATED');
      await client.signIn({ username: unique('later') });
      expect((await client.ok('get_rooms', { mine: true })).rooms).toEqual([]);
    }
  });

  it('refuses every other command before, with callback and without', async () => {
    const client = await connect(server, { transport });
    expect(await client.code('sign_out', {})).toBe('UNAUTHENTICATED');
    expect(await client.code('create_room', { name: 'x' })).toBe('UNAUTHENTICATED');
    expect(await client.code('join_room', { room_id: NOBODY })).toBe('UNAUTHENTICATED');
    expect(await client.code('leave_room', { room_id: NOBODY })).toBe('UNAUTHENTICATED');
    expect(await client.code('add_member', { room_id: NOBODY, user_id: NOBODY })).toBe('UNAUTHENTICATED');
    expect(await client.code('remove_member', { room_id: NOBODY, user_id: NOBODY })).toBe('UNAUTHENTICATED');
    expect(await client.code('get_rooms', {})).toBe('UNAUTHENTICATED');
    expect(await client.code('get_users', {})).toBe('UNAUTHENTICATED');
    expect(await client.code('send_message', { room_id: NOBODY, content: 'x' })).toBe('UNAUTHENTICATED');
    expect(await client.code('update_message', { message_id: NOBODY, content: 'x' })).toBe('UNAUTHENTICATED');
    expect(await client.code('delete_message', { message_id: NOBODY })).toBe('UNAUTHENTICATED');
    expect(await client.code('get_messages', { room_id: NOBODY })).toBe('UNAUTHENTICATED');
    expect(await client.code('sync', { epoch: 'x', rooms: [] })).toBe('UNAUTHENTICATED');
    expect(await client.code('typing_status', { room_id: NOBODY, is_typing: true })).toBe('UNAUTHENTICATED');
    client.socket.emit('get_rooms');
    const error = await client.waitFor('error');
    expect(error).toEqual({ code: 'UNAUTHENTICATED', message: ERRORS.UNAUTHENTICATED.message.en, event: 'get_rooms' });
  });

  it('refuses a second sign-in on one socket, also one sent at the same time', async () => {
    const client = await guest(server, 'ada', transport);
    expect(await client.code('authenticate', { username: unique('other') })).toBe('FORBIDDEN');
    expect(await client.code('authenticate', { token: client.me.token })).toBe('FORBIDDEN');
    expect((await client.ok('get_users', { limit: 100 })).users.map((user) => user.id)).toContain(client.id);

    const hasty = await connect(server, { transport });
    const names = [unique('one'), unique('two')];
    const answers = await Promise.all(names.map((username) => hasty.call('authenticate', { username })));
    expect(answers.map((answer) => answer.ok)).toEqual([true, false]);
    expect(answers[1]).toMatchObject({ error: { code: 'FORBIDDEN' } });
  });

  it('wants exactly one of username and token', async () => {
    const client = await connect(server, { transport });
    expect(await client.refused('authenticate', {})).toMatchObject({ code: 'INVALID_INPUT', field: 'username' });
    const both = { username: 'ada', token: 'x' };
    expect(await client.refused('authenticate', both)).toMatchObject({ code: 'INVALID_INPUT', field: 'username' });
  });

  it('refuses tokens that it did not give', async () => {
    const { token } = (await guest(server, 'ada', transport)).me;
    const [head, body, signature] = token.split('.');
    expect(signature).toBeDefined();
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
    const forged = Buffer.from(JSON.stringify({ sub: NOBODY, exp: 4_000_000_000 })).toString('base64url');
    const changed = [`${head}.${forged}.${signature}`, `${none}.${body}.`, `${none}.${forged}.${signature}`, '', 'x'];
    const client = await connect(server, { transport });
    for (const bad of changed) expect(await client.code('authenticate', { token: bad })).toBe('INVALID_TOKEN');
    await client.signIn({ token });
  });
});

describe.each(TRANSPORTS)('what a client over %s tells of itself', (transport) => {
  it('is worded to in its language, in the handshake and with the command, and is let off what is not known', async () => {
    const told = { locale: 'tr', rooms: 'later', later: { deep: [1] } };
    const byHandshake = await connect(server, { transport, auth: { client: told, locale: 'en' } });
    expect((await byHandshake.refused('get_rooms', {})).message).toBe(ERRORS.UNAUTHENTICATED.message.tr);

    const client = await connect(server, { transport });
    const wrong = await client.refused('authenticate', { token: 'x', client: told });
    expect(wrong).toMatchObject({ code: 'INVALID_TOKEN', message: ERRORS.INVALID_TOKEN.message.tr });
    await client.signIn({ username: unique('ada'), client: { locale: 'fr', device: 'phone' } });
    await client.waitFor('rooms_list');
    const missing = await client.refused('join_room', { room_id: NOBODY });
    expect(missing.message).toBe(ERRORS.ROOM_NOT_FOUND.message.tr);
  });

  it('is refused where it is malformed or too long', async () => {
    const client = await connect(server, { transport });
    const fault = async (about: unknown) => {
      const answer = await client.raw('authenticate', { username: unique('ada'), client: about });
      return answer.ok ? undefined : [answer.error.code, answer.error.field];
    };
    expect(await fault({ rooms: 1 })).toEqual(['INVALID_INPUT', 'client.rooms']);
    expect(await fault({ later: 'x'.repeat(LIMITS.client_max) })).toEqual(['INVALID_INPUT', 'client']);
    expect(await fault('mine')).toEqual(['INVALID_INPUT', 'client']);
    const shaken = await connect(server, { transport, auth: { username: unique('ada'), client: { locale: 7 } } });
    expect(await shaken.waitFor('error')).toMatchObject({ code: 'INVALID_INPUT', field: 'client.locale' });
  });
});

describe.each(TRANSPORTS)('a client over %s that wants only the rooms of its user', (transport) => {
  it.each([
    ['with the command', {}],
    ['with the handshake', { handshake: true }],
  ])('is sent no rooms_list when it signs in %s', async (_case, { handshake = false }: { handshake?: boolean }) => {
    const ada = await guest(server, 'ada');
    const room = await ada.createRoom();
    const signIn = { token: ada.me.token, client: { rooms: 'mine' as const } };
    const client = await connect(server, { transport, ...(handshake && { auth: signIn }) });
    if (!handshake) expect((await client.signIn(signIn)).rooms).toMatchObject([{ id: room.id }]);
    await client.waitFor('connect_response');
    await client.ok('get_rooms', {});
    expect(client.all('rooms_list')).toEqual([]);
  });
});

describe('a name', () => {
  it('is its guest’s, here or away, and whoever asks for it is told one that is free', async () => {
    await using server = await startServer();
    const witness = await connect(server, { username: 'witness' });
    const ada = await connect(server, { username: 'ada' });
    const other = await connect(server);
    const ask = async (username: string) => {
      const { suggestion, ...refused } = await other.refused('authenticate', { username });
      const message = `This name is taken. “${suggestion}” is free.`;
      expect(refused).toEqual({ code: 'USERNAME_TAKEN', message, field: 'username' });
      return suggestion ?? '';
    };
    expect(await ask('Ada')).toMatch(/^Ada \d+$/);
    ada.close();
    await witness.waitFor('user_disconnected', (gone) => gone.user_id === ada.id);
    const suggestion = await ask('ada');
    await other.signIn({ username: suggestion });
    expect(other.me.user.username).toBe(suggestion);
    const back = await connect(server, { token: ada.me.token });
    expect(back.me.user).toMatchObject({ id: ada.id, username: 'ada' });
  });

  it('is free again once its guest is retired', async () => {
    await using server = await startServer();
    const ada = await connect(server, { username: 'ada' });
    await ada.ok('sign_out', {});
    const next = await connect(server, { username: 'ada' });
    expect(next.id).not.toBe(ada.id);
  });

  it('is not that which stands for those who were erased', async () => {
    await using server = await startServer();
    const client = await connect(server);
    const refused = await client.refused('authenticate', { username: 'Deleted User' });
    const { message } = ERRORS.USERNAME_TAKEN;
    expect(refused).toEqual({ code: 'USERNAME_TAKEN', message: message.en, field: 'username' });
  });

  it('has a suggestion that differs and is as valid as any, however long it is', async () => {
    await using server = await startServer();
    const client = await connect(server);
    for (const username of ['Ş'.repeat(LIMITS.username_max), '\u{1f680}'.repeat(LIMITS.username_max)]) {
      await connect(server, { username });
      const { suggestion = '' } = await client.refused('authenticate', { username });
      expect([...suggestion].length).toBeLessThanOrEqual(LIMITS.username_max);
      const other = await connect(server, { username: suggestion });
      expect(other.me.user.username).toBe(suggestion);
    }
  });

  it('goes to one of those who ask at once', async () => {
    await using server = await startServer();
    const clients = await Promise.all(Array.from({ length: 6 }, () => connect(server)));
    const answers = await Promise.all(clients.map((client) => client.call('authenticate', { username: 'ada' })));
    const codes = answers.map((answer) => (answer.ok ? 'ok' : answer.error.code)).sort();
    expect(codes).toEqual([...Array<string>(5).fill('USERNAME_TAKEN'), 'ok']);
  });

  it('is held by nobody who was gone before the answer', async () => {
    await using server = await startServer();
    const left = await connect(server);
    const other = await connect(server);
    const held = await holdDatabase(server);
    const gone = left.call('authenticate', { username: 'ada' }).catch(() => undefined);
    await left.raw('no command');
    left.close();
    await gone;
    const metrics = async () => (await fetch(`${server.url}/metrics`)).text();
    await expect.poll(metrics).toMatch(/^sohbet_connections 1$/m);
    await held.release();
    await expect.poll(async () => (await other.call('authenticate', { username: 'ada' })).ok).toBe(true);
  });
});

it('keeps tokens of another secret out', async () => {
  await using server = await startServer();
  const ada = await connect(server, { username: 'ada' });
  await server.restart({ env: { TOKEN_SECRET: 'quite another secret, also of 32 bytes or more' } });
  const client = await connect(server);
  expect(await client.code('authenticate', { token: ada.me.token })).toBe('INVALID_TOKEN');
});
