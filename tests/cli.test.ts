import { copyFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createApp } from '../app/app.ts';
import { readConfig } from '../app/core/config.ts';
import type { UserExport } from '../app/services/admin.ts';
import type { Message } from '../protocol/index.ts';
import { ConnectionLost, connect, guest } from './support/client.ts';
import { spawnServer } from './support/process.ts';
import { startServer, testEnv } from './support/server.ts';
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

  it('restore where a log without its file is left, and what a restore has put aside', async () => {
    await using server = await spawnServer();
    const file = join(server.folder, 'sohbet.db');
    const backup = join(server.folder, 'copy.db');
    const ada = await guest(server, 'ada');
    const room = await ada.createRoom();
    await ada.say(room, 'in the backup');
    await tool(server, 'backup', backup);
    const last = await ada.say(room, 'after it');
    const { token, epoch } = ada.me;
    await server.kill('SIGKILL');
    const copies = ['', '-wal'].map(
      (suffix) => [`${file}${suffix}`, join(server.folder, `aside.db${suffix}`)] as const,
    );
    for (const [from, to] of copies) await copyFile(from, to);

    await rm(file);
    await tool(server, 'restore', backup);
    await server.start();
    const back = await connect(server, { token });
    expect(back.me.epoch).not.toBe(epoch);
    expect(back.me.rooms).toMatchObject([{ id: room.id, seq: 2 }]);

    await server.kill('SIGKILL');
    await tool(server, 'restore', join(server.folder, 'aside.db'));
    await server.start();
    const again = await connect(server, { token });
    expect(again.me.rooms).toMatchObject([{ id: room.id, seq: last.seq }]);
  });

  it('refuse a second server on the same database, under another name too', async () => {
    await using server = await startServer();
    const link = join(server.folder, 'link.db');
    await symlink(join(server.folder, 'sohbet.db'), link);
    const config = readConfig({ ...testEnv(server.folder), DATABASE_URL: `sqlite:${link}` });
    await expect(createApp(config)).rejects.toThrow(/Another server is using/);
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

  it('back up beside a running server; restore only without one, and clients start afresh', async () => {
    await using server = await startServer();
    const ada = await guest(server, 'ada');
    const room = await ada.createRoom();
    const kept = await ada.say(room, 'kept');
    const file = join(server.folder, 'backup.db');
    await tool(server, 'backup', file);
    await ada.say(room, 'lost');
    await expect(tool(server, 'restore', file)).rejects.toMatchObject({
      stderr: expect.stringContaining('Another server'),
    });
    const { epoch, token } = ada.me;
    ada.close();
    await server.stop();
    await tool(server, 'restore', file);
    await server.start();
    const back = await connect(server, { token });
    expect(back.me.epoch).not.toBe(epoch);
    const { rooms } = await back.ok('sync', { epoch, rooms: [{ room_id: room.id, seq: kept.seq }] });
    expect(rooms).toMatchObject([{ reset: true, head: kept.seq, messages: [] }]);
    expect((await back.ok('join_room', { room_id: room.id })).messages.at(-1)).toMatchObject({ id: kept.id });
  });
});
