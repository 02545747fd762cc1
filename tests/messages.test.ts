import { describe, expect, it } from 'vitest';
import { LIMITS, type Room } from '../protocol/index.ts';
import { connect, guest, type Host, type TestClient, TRANSPORTS, type Transport, unique } from './support/client.ts';
import { sharedServer } from './support/server.ts';

const server = sharedServer();

const NOTHING = '019a8f40-1e9b-7d63-a2c7-0b5f8e4d3c19';

/** Two members of a room of Ada's. */
async function pair(server: Host, transport: Transport): Promise<{ ada: TestClient; can: TestClient; room: Room }> {
  const ada = await guest(server, 'ada', transport);
  const can = await guest(server, 'can', transport);
  const room = await ada.createRoom();
  await can.ok('join_room', { room_id: room.id });
  return { ada, can, room };
}

describe.each(TRANSPORTS)('sending over %s', (transport) => {
  it('answers with the message and sends the same to the room, the sender too', async () => {
    const { ada, can, room } = await pair(server, transport);
    const twin = await connect(server, { transport, token: ada.me.token });
    const content = '  Hello, 🦭!\n\t"Selam" \u2028 <b>\\  ';
    const { message, duplicate } = await ada.ok('send_message', { room_id: room.id, content, client_id: 'k1' });
    expect(duplicate).toBeUndefined();
    expect(message).toMatchObject({ room_id: room.id, seq: 3, rev: 3, user_id: ada.id, content, client_id: 'k1' });
    expect(message).toMatchObject({ username: ada.me.user.username, is_system_message: false, edited: false });
    expect(message).toMatchObject({ edited_at: null, deleted: false, deleted_at: null });
    expect(message).not.toHaveProperty('system');
    expect(Math.abs(Date.parse(message.timestamp) - Date.now())).toBeLessThan(60_000);
    for (const client of [ada, can, twin]) {
      expect(await client.waitFor('message', (event) => event.id === message.id)).toEqual(message);
    }
    expect((await can.ok('get_messages', { room_id: room.id, after: 2 })).messages).toEqual([message]);
  });

  it('takes content of 1 to 4,000 code points that is not only white space', async () => {
    const { ada, can, room } = await pair(server, transport);
    const most = '\u{1f9ad}'.repeat(LIMITS.content_max);
    expect((await ada.say(room, most)).content).toBe(most);
    expect((await ada.say(room, '.')).seq).toBe(4);
    for (const content of [
      '',
      ' ',
      '\n\t\u00a0\u3000 ',
      'x'.repeat(LIMITS.content_max + 1),
      `${most}x`,
      'a\0b',
      '\ud83e',
    ]) {
      const error = await ada.refused('send_message', { room_id: room.id, content });
      expect(error).toMatchObject({ code: 'INVALID_INPUT', field: 'content' });
    }
    expect((await ada.say(room, 'marker')).seq).toBe(5);
    await can.waitFor('message', (message) => message.content === 'marker');
    expect(can.all('message').filter((message) => !message.is_system_message)).toHaveLength(3);
  });

  it('keeps the order in which one client sends, without waiting for answers', async () => {
    const { ada, can, room } = await pair(server, transport);
    const contents = Array.from({ length: 50 }, (_, i) => `number ${i}`);
    const sent = await Promise.all(contents.map((content) => ada.say(room, content)));
    expect(sent.map((message) => message.seq)).toEqual(contents.map((_, i) => i + 3));
    await can.waitFor('message', (message) => message.content === 'number 49');
    expect(can.all('message').flatMap((message) => (message.is_system_message ? [] : [message.content]))).toEqual(
      contents,
    );
  });

  it('gives the first message back for the same client_id, whatever is sent', async () => {
    const { ada, can, room } = await pair(server, transport);
    const send = (content: string) => ada.ok('send_message', { room_id: room.id, content, client_id: 'once' });
    const both = await Promise.all([send('first'), send('second')]);
    expect(both.filter((answer) => answer.duplicate === true)).toHaveLength(1);
    expect(both[0]?.message).toEqual(both[1]?.message);
    const { message } = await send('third');
    expect(message).toEqual(both[0]?.message);
    await ada.ok('update_message', { message_id: message.id, content: 'edited' });
    expect(await send('fourth')).toMatchObject({
      duplicate: true,
      message: { id: message.id, content: 'edited', rev: 4 },
    });
    await ada.ok('delete_message', { message_id: message.id });
    expect(await send('fifth')).toMatchObject({ duplicate: true, message: { id: message.id, deleted: true, rev: 5 } });
    await ada.ok('leave_room', { room_id: room.id });
    expect(await send('sixth')).toMatchObject({ duplicate: true, message: { id: message.id, deleted: true, rev: 5 } });
    await can.say(room, 'marker');
    await can.waitFor('message', (event) => event.content === 'marker');
    expect(can.all('message').filter((event) => event.client_id === 'once')).toHaveLength(1);
  });

  it('keeps the keys of users and rooms apart', async () => {
    const { ada, can, room } = await pair(server, transport);
    const other = await ada.createRoom();
    const key = unique('key');
    const send = (client: TestClient, room_id: string) =>
      client.ok('send_message', { room_id, content: 'x', client_id: key });
    const answers = [await send(ada, room.id), await send(can, room.id), await send(ada, other.id)];
    expect(answers.map((answer) => answer.duplicate)).toEqual([undefined, undefined, undefined]);
    expect(new Set(answers.map((answer) => answer.message.id)).size).toBe(3);
  });

  it('holds a duplicate on another connection of the same user too', async () => {
    const { ada, room } = await pair(server, transport);
    const twin = await connect(server, { transport, token: ada.me.token });
    const send = (client: TestClient) => client.ok('send_message', { room_id: room.id, content: 'x', client_id: 'k' });
    const answers = await Promise.all([send(ada), send(twin), send(ada), send(twin)]);
    expect(new Set(answers.map((answer) => answer.message.id)).size).toBe(1);
    expect(answers.filter((answer) => answer.duplicate !== true)).toHaveLength(1);
  });

  it('reports a refusal as the event error when there is no callback', async () => {
    const { ada, room } = await pair(server, transport);
    ada.socket.emit('send_message', { room_id: room.id, content: '' });
    expect(await ada.waitFor('error')).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'content',
      event: 'send_message',
    });
    ada.socket.emit('send_message', { room_id: NOTHING, content: 'x' });
    expect(await ada.waitFor('error', (error) => error.code === 'ROOM_NOT_FOUND')).toMatchObject({
      event: 'send_message',
    });
    ada.socket.emit('send_message', { room_id: room.id, content: 'no callback' });
    await ada.waitFor('message', (message) => message.content === 'no callback');
    expect(ada.all('error')).toHaveLength(2);
  });
});

describe.each(TRANSPORTS)('editing and deleting over %s', (transport) => {
  it('changes the content, takes the next number and keeps the place', async () => {
    const { ada, can, room } = await pair(server, transport);
    const sent = await ada.say(room, 'helo');
    await can.say(room, 'between');
    const { message } = await ada.ok('update_message', { message_id: sent.id, content: 'hello' });
    expect(message).toEqual({ ...sent, content: 'hello', rev: 5, edited: true, edited_at: message.edited_at });
    expect(Date.parse(message.edited_at ?? '')).toBeGreaterThanOrEqual(Date.parse(sent.timestamp));
    for (const client of [ada, can]) expect(await client.waitFor('message_updated')).toEqual(message);
    expect((await can.ok('get_messages', { room_id: room.id, before: 4 })).messages.at(-1)).toEqual(message);
    expect((await can.ok('get_rooms', { query: room.name })).rooms).toMatchObject([{ seq: 5 }]);
  });

  it('leaves a tombstone', async () => {
    const { ada, can, room } = await pair(server, transport);
    const { message: sent } = await ada.ok('send_message', { room_id: room.id, content: 'oops', client_id: 'k' });
    const { message } = await ada.ok('delete_message', { message_id: sent.id });
    expect(message).toMatchObject({ id: sent.id, seq: 3, rev: 4, content: '', deleted: true, client_id: 'k' });
    expect(Date.parse(message.deleted_at ?? '')).toBeGreaterThanOrEqual(Date.parse(sent.timestamp));
    for (const client of [ada, can]) expect(await client.waitFor('message_deleted')).toEqual(message);
    expect((await can.ok('get_messages', { room_id: room.id })).messages.at(-1)).toEqual(message);
    expect((await can.ok('join_room', { room_id: room.id })).messages.at(-1)).toEqual(message);
  });

  it('answers ok without a number for the same content and for a second deletion', async () => {
    const { ada, can, room } = await pair(server, transport);
    const { id } = await ada.say(room, 'same');
    const same = await ada.ok('update_message', { message_id: id, content: 'same' });
    expect(same.message).toMatchObject({ rev: 3, edited: false, edited_at: null });
    const edited = await ada.ok('update_message', { message_id: id, content: 'other' });
    expect((await ada.ok('update_message', { message_id: id, content: 'other' })).message).toEqual(edited.message);
    const deleted = await Promise.all([1, 2, 3].map(() => ada.ok('delete_message', { message_id: id })));
    expect(deleted[1]).toEqual(deleted[0]);
    expect(deleted[2]).toEqual(deleted[0]);
    expect(deleted[0]?.message.rev).toBe(5);
    expect(await ada.code('update_message', { message_id: id, content: 'alive' })).toBe('MESSAGE_NOT_FOUND');
    expect((await ada.say(room, 'marker')).seq).toBe(6);
    await can.waitFor('message', (message) => message.content === 'marker');
    expect(can.all('message_updated')).toHaveLength(1);
    expect(can.all('message_deleted')).toHaveLength(1);
  });

  it('is for the author alone, while a member, and never for system messages', async () => {
    const { ada, can, room } = await pair(server, transport);
    const eve = await guest(server, 'eve', transport);
    const { id } = await can.say(room, 'mine');
    const system = await can.waitFor('room_info').then(async () => {
      const { messages } = await can.ok('get_messages', { room_id: room.id, limit: 2 });
      return messages[0]?.id ?? '';
    });
    const change = async (client: TestClient, message_id: string) => [
      await client.code('update_message', { message_id, content: 'changed' }),
      await client.code('delete_message', { message_id }),
    ];
    expect(await change(ada, id)).toEqual(['FORBIDDEN', 'FORBIDDEN']);
    expect(await change(can, system)).toEqual(['FORBIDDEN', 'FORBIDDEN']);
    expect(await change(ada, NOTHING)).toEqual(['MESSAGE_NOT_FOUND', 'MESSAGE_NOT_FOUND']);
    expect(await change(eve, id)).toEqual(['NOT_A_MEMBER', 'NOT_A_MEMBER']);
    await can.ok('leave_room', { room_id: room.id });
    expect(await change(can, id)).toEqual(['NOT_A_MEMBER', 'NOT_A_MEMBER']);
    await can.ok('join_room', { room_id: room.id });
    await can.ok('update_message', { message_id: id, content: 'mine again' });
    expect((await ada.ok('get_messages', { room_id: room.id, limit: 1 })).messages[0]?.rev).toBe(5);
  });

  it('refuses wrong content and leaves the message as it was', async () => {
    const { ada, room } = await pair(server, transport);
    const sent = await ada.say(room, 'good');
    for (const content of ['', '  ', 'x'.repeat(LIMITS.content_max + 1), 'a\0']) {
      const error = await ada.refused('update_message', { message_id: sent.id, content });
      expect(error).toMatchObject({ code: 'INVALID_INPUT', field: 'content' });
    }
    expect((await ada.ok('get_messages', { room_id: room.id, limit: 1 })).messages).toEqual([sent]);
  });
});
