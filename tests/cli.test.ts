import { describe, expect, it } from 'vitest';
import type { UserExport } from '../app/services/admin.ts';
import type { Message } from '../protocol/index.ts';
import { ConnectionLost, connect, guest } from './support/client.ts';
import { spawnServer } from './support/process.ts';
import { startServer } from './support/server.ts';
import { tool } from './support/tool.ts';

describe('the command-line tools', () => {
  it('list rooms and users, and say what they can do', async () => {
    await using server = await startServer();
    const ada = await guest(server, 'ada');
    const room = await ada.createRoom({ type: 'private' });
    expect(await tool(server, 'admin', 'rooms')).toContain(room.id);
    expect(await tool(server, 'admin', 'rooms', 'no such name')).toBe('');
    const [line = ''] = (await tool(server, 'admin', 'users', '--json')).split('\n');
    expect(JSON.parse(line)).toMatchObject({ id: ada.id });
    await expect(tool(server, 'admin')).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('Usage') });
    await expect(tool(server, 'admin', 'erase-user', room.id)).rejects.toMatchObject({
      stderr: expect.stringContaining('no such user'),
    });
  });

  it('delete a room beside a running server: its members are told, and it is gone', async () => {
    await using server = await startServer();
    const ada = await guest(server, 'ada');
    const can = await guest(server, 'can');
    const room = await ada.createRoom();
    await can.ok('join_room', { room_id: room.id });
    await ada.say(room, 'hello');
    await tool(server, 'admin', 'delete-room', room.id);
    for (const client of [ada, can]) await client.waitFor('room_deleted', ({ room_id }) => room_id === room.id);
    expect(await ada.code('send_message', { room_id: room.id, content: 'x' })).toBe('ROOM_NOT_FOUND');
    expect((await can.ok('get_rooms', { query: room.name })).rooms).toEqual([]);
  });

  it('erase a user beside a running server: tombstones with new numbers, no name, no session', async () => {
    await using server = await startServer();
    const ada = await guest(server, 'ada');
    const can = await guest(server, 'can');
    const room = await ada.createRoom();
    await can.ok('join_room', { room_id: room.id });
    const said = await ada.say(room, 'my address is …');
    const name = ada.me.user.username;
    await tool(server, 'admin', 'erase-user', ada.id);
    await ada.ended();
    const tombstone = await can.waitFor('message_deleted', ({ id }) => id === said.id);
    expect(tombstone).toMatchObject({ content: '', deleted: true, seq: said.seq, username: 'deleted user' });
    expect(tombstone.rev).toBeGreaterThan(said.rev);
    await can.waitFor('user_left_room', ({ user_id }) => user_id === ada.id);
    const { messages } = await can.ok('get_messages', { room_id: room.id });
    expect(JSON.stringify(messages)).not.toContain(name);
    const back = await connect(server);
    expect(await back.code('authenticate', { token: ada.me.token })).toBe('INVALID_TOKEN');
    const { rooms } = await can.ok('sync', { epoch: can.me.epoch, rooms: [{ room_id: room.id, seq: said.seq }] });
    expect(rooms[0]).toMatchObject({
      messages: expect.arrayContaining([expect.objectContaining({ id: said.id, deleted: true })]),
    });
    expect((await can.ok('get_rooms', { mine: true })).rooms).toMatchObject([{ owner_id: can.id, user_count: 1 }]);
  });

  it('erase a user who goes on joining and writing meanwhile', async () => {
    await using server = await startServer();
    const ada = await guest(server, 'ada');
    const can = await guest(server, 'can');
    const room = await can.createRoom();
    const said: Message[] = [];
    const created: string[] = [];
    const writing = (async () => {
      for (;;) {
        await ada.call('join_room', { room_id: room.id });
        const made = await ada.call('create_room', { name: 'of nobody' });
        if (made.ok) created.push(made.room.id);
        const answer = await ada.call('send_message', { room_id: room.id, content: 'still here' });
        if (answer.ok) said.push(answer.message);
      }
    })().catch((error: unknown) => error);
    await tool(server, 'admin', 'erase-user', ada.id);
    expect(await writing).toBeInstanceOf(ConnectionLost);
    const exported = JSON.parse(await tool(server, 'admin', 'export-user', ada.id)) as UserExport;
    expect(exported.memberships).toEqual([]);
    expect(exported.messages.map(({ id }) => id)).toEqual(expect.arrayContaining(said.map(({ id }) => id)));
    for (const message of exported.messages) expect(message).toMatchObject({ deleted: true, username: 'deleted user' });
    expect(await can.code('add_member', { room_id: room.id, user_id: ada.id })).toBe('USER_NOT_FOUND');
    const rooms = (await tool(server, 'admin', 'rooms', 'of nobody', '--json')).trim().split('\n');
    expect(rooms.map((line) => (JSON.parse(line) as { id: string }).id)).toEqual(created);
  });

  it('export what is known of a user', async () => {
    await using server = await startServer();
    const ada = await guest(server, 'ada');
    const can = await guest(server, 'can');
    const room = await ada.createRoom();
    await can.ok('join_room', { room_id: room.id });
    const said = await ada.say(room, 'mine');
    await can.say(room, 'not hers');
    const exported: unknown = JSON.parse(await tool(server, 'admin', 'export-user', ada.id));
    expect(exported).toMatchObject({ user: { id: ada.id }, memberships: [{ room_id: room.id }], messages: [said] });
  });

  it('revoke the tokens of a user beside a running server', async () => {
    await using server = await startServer();
    const ada = await guest(server, 'ada');
    await tool(server, 'admin', 'revoke-tokens', ada.id);
    await ada.ended();
    const back = await connect(server);
    expect(await back.code('authenticate', { token: ada.me.token })).toBe('INVALID_TOKEN');
  });

  it('are heeded later by a server that has too much to read at that moment', async () => {
    await using server = await spawnServer({ STORE_QUEUE_MAX: '1', LOG_LEVEL: 'error' });
    const ada = await guest(server, 'ada');
    const can = await guest(server, 'can');
    const reading = new AbortController();
    const readers = Array.from({ length: 50 }, async () => {
      while (!reading.signal.aborted) await can.call('get_rooms', {});
    });
    await tool(server, 'admin', 'revoke-tokens', ada.id);
    await Promise.race([server.program.output(/could not be read/), ada.ended()]);
    reading.abort();
    await Promise.all(readers);
    await ada.ended();
  });
});
