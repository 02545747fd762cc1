import { copyFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createApp } from '../app/app.ts';
import { readConfig } from '../app/core/config.ts';
import { connect, guest } from './support/client.ts';
import { sqliteFile } from './support/data.ts';
import { spawnServer } from './support/process.ts';
import { startServer, testEnv } from './support/server.ts';
import { tool } from './support/tool.ts';

it('restores where a log without its file is left, and what a restore has put aside', async () => {
  await using server = await spawnServer();
  const file = sqliteFile(server.folder);
  const backup = join(server.folder, 'copy.db');
  const ada = await guest(server, 'ada');
  const room = await ada.createRoom();
  await ada.say(room, 'in the backup');
  await tool(server, 'backup', backup);
  const last = await ada.say(room, 'after it');
  const { token, epoch } = ada.me;
  await server.kill('SIGKILL');
  const copies = ['', '-wal'].map((suffix) => [`${file}${suffix}`, join(server.folder, `aside.db${suffix}`)] as const);
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

it('refuses a second server on the same database, under another name too', async () => {
  await using server = await startServer();
  const link = join(server.folder, 'link.db');
  await symlink(sqliteFile(server.folder), link);
  const config = readConfig({ ...testEnv(server.folder), DATABASE_URL: `sqlite:${link}` });
  await expect(createApp(config)).rejects.toThrow(/Another server is using/);
});

it('backs up beside a running server; restores only without one, and clients start afresh', async () => {
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
