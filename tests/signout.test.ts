import { describe, expect, it } from 'vitest';
import { createTokens } from '../app/services/token.ts';
import { connect, guest, type TestClient, TRANSPORTS } from './support/client.ts';
import { openSql } from './support/data.ts';
import { sharedServer, startServer, testEnv } from './support/server.ts';

const server = sharedServer();

describe.each(TRANSPORTS)('signing out over %s', (transport) => {
  it('answers, ends the sockets of the token and revokes it', async () => {
    const ada = await guest(server, 'ada', transport);
    const room = await ada.createRoom();
    const twin = await connect(server, { transport, token: ada.me.token });
    expect(await ada.ok('sign_out', {})).toEqual({ ok: true });
    expect(await ada.ended()).toBe('io server disconnect');
    expect(await twin.ended()).toBe('io server disconnect');
    const back = await connect(server, { transport });
    expect(await back.code('authenticate', { token: ada.me.token })).toBe('INVALID_TOKEN');
    await back.signIn({ username: `someone-else-${transport}` });
    const found = async () => (await back.ok('get_rooms', { query: room.name })).rooms;
    while ((await found())[0]?.user_count !== 0);
    expect(await found()).toMatchObject([{ id: room.id, owner_id: null, seq: 2 }]);
  });

  it('works with no payload at all', async () => {
    const ada = await guest(server, 'ada', transport);
    expect(await ada.raw('sign_out')).toEqual({ ok: true });
    await ada.ended();
  });

  it('leaves others signed in', async () => {
    const ada = await guest(server, 'ada', transport);
    const can = await guest(server, 'can', transport);
    await ada.ok('sign_out', { everywhere: true });
    await ada.ended();
    await can.waitFor('user_disconnected', (gone) => gone.user_id === ada.id);
    const room = await can.createRoom();
    await can.say(room, 'still here');
  });
});

it('ends every socket of the user when told everywhere, and no token of theirs opens again', async () => {
  await using server = await startServer();
  const ada = await connect(server, { username: 'ada' });
  const phone = await connect(server, { token: ada.me.token, transport: 'polling' });
  const tablet = await connect(server, { token: phone.me.token });
  await ada.ok('sign_out', { everywhere: true });
  await Promise.all([ada.ended(), phone.ended(), tablet.ended()]);
  await server.restart();
  for (const { token } of [ada.me, phone.me, tablet.me]) {
    const client = await connect(server);
    expect(await client.code('authenticate', { token })).toBe('INVALID_TOKEN');
  }
});

it('revokes this token for good, and with everywhere each one of the user, whatever else is known of the user', async () => {
  await using server = await startServer();
  const [ada, can, eve] = [await guest(server, 'ada'), await guest(server, 'can'), await guest(server, 'eve')];
  const tokens = await createTokens(testEnv('')['TOKEN_SECRET'] ?? '', Date.now);
  // Of another device, which guests do not have yet.
  const second = (client: TestClient) =>
    tokens.issue({ user_id: client.id, token_id: `second of ${client.id}`, generation: 0 });
  const seconds = await Promise.all([ada, can, eve].map(second));
  for (const token of seconds) (await connect(server, { token })).close();
  await ada.ok('sign_out', {});
  await can.ok('sign_out', { everywhere: true });
  await eve.ok('sign_out', {});
  await server.stop();
  await using sql = await openSql(server);
  await sql.run('UPDATE users SET retired_at = NULL');
  await server.start();
  const reply = async (token: string) => {
    const client = await connect(server);
    const answer = await client.call('authenticate', { token });
    return answer.ok ? 'in' : answer.error.code;
  };
  for (const client of [ada, can, eve]) expect(await reply(client.me.token)).toBe('INVALID_TOKEN');
  expect(await Promise.all(seconds.map(reply))).toEqual(['in', 'INVALID_TOKEN', 'in']);
});

it('refuses what is sent after it on the same socket', async () => {
  await using server = await startServer();
  const ada = await connect(server, { username: 'ada' });
  const can = await connect(server, { username: 'can' });
  const room = await ada.createRoom();
  await can.ok('join_room', { room_id: room.id });
  const out = ada.ok('sign_out', {});
  await out;
  const late = await ada.raw('send_message', { room_id: room.id, content: 'a ghost' }).catch(() => undefined);
  if (late !== undefined) expect(late).toMatchObject({ ok: false, error: { code: 'UNAUTHENTICATED' } });
  await can.say(room, 'anyone?');
  await can.waitFor('message', (message) => message.content === 'anyone?');
  expect(can.all('message').map((message) => message.content)).not.toContain('a ghost');
});
