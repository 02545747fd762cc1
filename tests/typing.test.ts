import { describe, expect, it } from 'vitest';
import { LIMITS, type Room } from '../protocol/index.ts';
import { connect, guest, type Host, type TestClient, TRANSPORTS, type Transport } from './support/client.ts';
import { sharedServer, startServer } from './support/server.ts';

/** Typing lapses so late that what ends it is seen. */
const server = sharedServer({ config: { typingLapseMs: 600_000 } });

/** Two members of a room of Ada's. */
async function pair(server: Host, transport: Transport): Promise<{ ada: TestClient; can: TestClient; room: Room }> {
  const ada = await guest(server, 'ada', transport);
  const can = await guest(server, 'can', transport);
  const room = await ada.createRoom();
  await can.ok('join_room', { room_id: room.id });
  return { ada, can, room };
}

/** Says in the room that the client types, or no longer. */
function type(client: TestClient, room: Room, is_typing = true) {
  return client.ok('typing_status', { room_id: room.id, is_typing });
}

describe.each(TRANSPORTS)('typing over %s', (transport) => {
  it('reaches the members but not the sender, on none of their connections', async () => {
    const { ada, can, room } = await pair(server, transport);
    const twin = await connect(server, { transport, token: ada.me.token });
    const outsider = await guest(server, 'eve', transport);
    expect(await type(ada, room)).toEqual({ ok: true });
    const event = { user_id: ada.id, username: ada.me.user.username, room_id: room.id, is_typing: true };
    expect(await can.waitFor('typing_status')).toEqual(event);
    await type(ada, room, false);
    expect(await can.waitFor('typing_status', (status) => !status.is_typing)).toEqual({ ...event, is_typing: false });
    const marker = await can.say(room, 'marker');
    for (const client of [ada, twin]) {
      await client.waitFor('message', (message) => message.id === marker.id);
      expect(client.all('typing_status')).toEqual([]);
    }
    await outsider.ok('get_rooms', {});
    expect(outsider.all('typing_status')).toEqual([]);
  });

  it('ends when the typist sends', async () => {
    const { ada, can, room } = await pair(server, transport);
    await type(ada, room);
    const said = await ada.say(room, 'done');
    await can.waitFor('message', (message) => message.id === said.id);
    await can.waitFor('typing_status', (status) => status.user_id === ada.id && !status.is_typing);
    expect(can.all('typing_status').map((status) => status.is_typing)).toEqual([true, false]);
  });

  it('tells of the end while messages flow', async () => {
    const { ada, can, room } = await pair(server, transport);
    const other = await ada.createRoom();
    await can.ok('join_room', { room_id: other.id });
    await type(ada, room);
    await can.waitFor('typing_status', (status) => status.is_typing);
    const flood = Array.from({ length: 40 }, (_, i) => ada.say(other, `elsewhere ${i}`));
    await Promise.all([...flood.slice(0, 20), ada.say(room, 'done'), ...flood.slice(20)]);
    await can.waitFor('typing_status', (status) => status.room_id === room.id && !status.is_typing);
  });

  it('ends when the typist leaves the room', async () => {
    const { ada, can, room } = await pair(server, transport);
    await type(can, room);
    await ada.waitFor('typing_status', (status) => status.is_typing);
    await can.ok('leave_room', { room_id: room.id });
    await ada.waitFor('typing_status', (status) => status.user_id === can.id && !status.is_typing);
  });

  it('ends when the typist disconnects', async () => {
    const { ada, can, room } = await pair(server, transport);
    await type(can, room);
    await ada.waitFor('typing_status', (status) => status.is_typing);
    can.close();
    await ada.waitFor('typing_status', (status) => status.user_id === can.id && !status.is_typing);
  });

  it('says nothing more of one who was not typing', async () => {
    const { ada, can, room } = await pair(server, transport);
    await type(ada, room, false);
    await ada.say(room, 'marker');
    await can.waitFor('message', (message) => message.content === 'marker');
    expect(can.all('typing_status').filter((status) => status.is_typing)).toEqual([]);
  });

  it('reaches a room at most five times in any second, and the end still arrives', async () => {
    const { ada, can, room } = await pair(server, transport);
    const begun = performance.now();
    const statuses = Array.from({ length: 40 }, (_, i) => i % 2 === 0);
    const payloads = statuses.map((is_typing) => ({ room_id: room.id, is_typing }));
    const answers = await Promise.all(payloads.map((payload) => ada.call('typing_status', payload)));
    for (const answer of answers) if (!answer.ok) expect(answer.error.code).toBe('RATE_LIMITED');
    await can.say(room, 'marker');
    const seconds = 1 + Math.floor((performance.now() - begun) / 1000);
    expect(can.all('typing_status').length).toBeLessThanOrEqual(LIMITS.typing_per_second * seconds);
    expect(can.all('typing_status').length).toBeGreaterThan(0);
    await can.until(
      () => (can.all('typing_status').at(-1)?.is_typing === false ? true : undefined),
      'the end of typing',
    );
  });

  it('wants membership', async () => {
    const { ada, room } = await pair(server, transport);
    const eve = await guest(server, 'eve', transport);
    expect(await eve.code('typing_status', { room_id: room.id, is_typing: true })).toBe('NOT_A_MEMBER');
    await eve.ok('join_room', { room_id: room.id });
    await ada.waitFor('user_joined_room', (event) => event.user.id === eve.id);
    expect(ada.all('typing_status')).toEqual([]);
  });
});

it('lapses after eight seconds, counted from the last time it was said', async () => {
  await using server = await startServer();
  const { ada, can, room } = await pair(server, 'websocket');
  const other = await ada.createRoom();
  await can.ok('join_room', { room_id: other.id });
  await type(ada, room);
  await type(ada, other);
  const begun = performance.now();
  await can.waitFor('typing_status', (status) => status.room_id === other.id);
  const refresh = new Promise<void>((resolve) => setTimeout(resolve, 3_000));
  await refresh.then(() => type(ada, other));
  const over = (of: Room) => (status: { room_id: string; is_typing: boolean }) =>
    status.room_id === of.id && !status.is_typing;
  await can.waitFor('typing_status', over(room));
  const lapse = LIMITS.typing_lapse_ms;
  expect(performance.now() - begun).toBeGreaterThan(lapse - 200);
  expect(performance.now() - begun).toBeLessThan(lapse + 2_500);
  await can.waitFor('typing_status', over(other));
  expect(performance.now() - begun).toBeGreaterThan(lapse + 3_000 - 200);
}, 25_000);
