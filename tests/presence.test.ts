import { describe, expect, it } from 'vitest';
import { connect, guest, TRANSPORTS } from './support/client.ts';
import { startServer } from './support/server.ts';

const LONG = { env: { PRESENCE_GRACE: '60' } };

describe.each(TRANSPORTS)('presence over %s', (transport) => {
  it('tells others, not oneself, who comes and who goes', async () => {
    await using server = await startServer();
    const ada = await connect(server, { transport, username: 'ada' });
    const can = await connect(server, { transport, username: 'can' });
    const came = await ada.waitFor('user_connected');
    expect(came.user).toMatchObject({ id: can.id, username: 'can', is_active: true });
    expect(can.all('user_connected')).toEqual([]);
    can.close();
    expect(await ada.waitFor('user_disconnected')).toEqual({ user_id: can.id, username: 'can' });
    await connect(server, { transport, token: can.me.token });
    await ada.until(() => (ada.all('user_connected').length === 2 ? true : undefined), 'the second coming');
    expect(ada.all('user_disconnected')).toHaveLength(1);
  });

  it('shows nothing of a reconnect within the grace, in which the user stays online', async () => {
    await using server = await startServer(LONG);
    const ada = await connect(server, { transport, username: 'ada' });
    const can = await connect(server, { transport, username: 'can' });
    can.close();
    const online = await ada.ok('get_users', {});
    expect(online.users.find((user) => user.id === can.id)?.is_active).toBe(true);
    const back = await connect(server, { transport, token: can.me.token });
    expect(back.id).toBe(can.id);
    const eve = await connect(server, { transport, username: 'eve' });
    await ada.waitFor('user_connected', (event) => event.user.id === eve.id);
    expect(ada.all('user_connected').map((event) => event.user.id)).toEqual([can.id, eve.id]);
    expect(ada.all('user_disconnected')).toEqual([]);
  });

  it('lasts until the last connection of the user has ended', async () => {
    await using server = await startServer();
    const ada = await connect(server, { transport, username: 'ada' });
    const can = await connect(server, { transport, username: 'can' });
    const tablet = await connect(server, { transport, token: can.me.token });
    can.close();
    const eve = await connect(server, { transport, username: 'eve' });
    eve.close();
    await ada.waitFor('user_disconnected', (gone) => gone.user_id === eve.id);
    expect(ada.all('user_disconnected')).toEqual([{ user_id: eve.id, username: 'eve' }]);
    expect(ada.all('user_connected').map((event) => event.user.username)).toEqual(['can', 'eve']);
    tablet.close();
    await ada.waitFor('user_disconnected', (gone) => gone.user_id === can.id);
  });

  it('misses nobody when many come and go at once while messages flow', async () => {
    await using server = await startServer();
    const ada = await connect(server, { transport, username: 'ada' });
    const can = await connect(server, { username: 'can' });
    const room = await can.createRoom();
    await ada.ok('join_room', { room_id: room.id });
    const sending = Promise.all(Array.from({ length: 60 }, (_, i) => can.say(room, `number ${i}`)));
    const crowd = await Promise.all(Array.from({ length: 20 }, () => guest(server, 'crowd')));
    await sending;
    for (const client of crowd) client.close();
    for (const { id } of crowd) {
      await ada.waitFor('user_connected', ({ user }) => user.id === id);
      await ada.waitFor('user_disconnected', ({ user_id }) => user_id === id);
    }
  });

  it('stays within rooms that are shared when more are online than PRESENCE_BROADCAST_MAX', async () => {
    await using server = await startServer({ env: { PRESENCE_BROADCAST_MAX: '2' } });
    const ada = await connect(server, { transport, username: 'ada' });
    const can = await connect(server, { transport, username: 'can' });
    const room = await ada.createRoom();
    await can.ok('join_room', { room_id: room.id });
    const stranger = await connect(server, { transport, username: 'stranger' });
    const other = await connect(server, { transport, username: 'other' });
    can.close();
    await ada.waitFor('user_disconnected', (gone) => gone.user_id === can.id);
    await connect(server, { transport, token: can.me.token });
    await ada.until(() => (ada.all('user_connected').length >= 2 ? true : undefined), 'the second coming');
    expect(ada.all('user_connected').map((event) => event.user.username)).toEqual(['can', 'can']);

    const own = await other.createRoom();
    await other.waitFor('room_created', (event) => event.room_id === own.id);
    await stranger.ok('join_room', { room_id: own.id });
    await other.waitFor('user_joined_room', (event) => event.user.id === stranger.id);
    await stranger.waitFor('room_info', (info) => info.room.id === own.id);
    const events = stranger.entries.filter((entry) => entry.kind === 'event').map((entry) => entry.name);
    for (const name of ['user_connected', 'user_disconnected', 'room_created']) expect(events).not.toContain(name);
  });
});

it('tells of a user again after the grace is over, with a new time of connecting', async () => {
  await using server = await startServer();
  const ada = await guest(server, 'ada');
  const can = await guest(server, 'can');
  const room = await ada.createRoom();
  await can.ok('join_room', { room_id: room.id });
  can.close();
  await ada.waitFor('user_disconnected');
  const away = (await ada.ok('get_users', { room_id: room.id })).users.find((user) => user.id === can.id);
  expect(away?.is_active).toBe(false);
  const from = ada.mark();
  const back = await connect(server, { token: can.me.token });
  const { user } = await ada.waitFor('user_connected', () => true, { from });
  expect(user).toMatchObject({ id: can.id, is_active: true });
  expect(Date.parse(user.connected_at)).toBeGreaterThan(Date.parse(can.me.user.connected_at));
  expect(back.me.user.connected_at).toBe(user.connected_at);
});

it('forgets who was online when the server starts anew', async () => {
  await using server = await startServer(LONG);
  const ada = await connect(server, { username: 'ada' });
  const can = await connect(server, { username: 'can' });
  const room = await ada.createRoom();
  await can.ok('join_room', { room_id: room.id });
  await server.restart();
  const back = await connect(server, { token: ada.me.token });
  expect((await back.ok('get_users', {})).users.map((user) => user.username)).toEqual(['ada']);
  const { users } = await back.ok('get_users', { room_id: room.id });
  expect(users.map((user) => user.is_active)).toEqual([true, false]);
});
