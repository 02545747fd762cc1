import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Message, Room } from '../protocol/index.ts';
import { guest, type TestClient } from './support/client.ts';
import { sqliteFile } from './support/data.ts';
import { until } from './support/deadline.ts';
import { spawnServer } from './support/process.ts';
import { tool } from './support/tool.ts';

const MARK = /MARK-\d{5}/g;
const EACH = 250;
let marks = 0;
/** A text that is nowhere else. */
const mark = () => `MARK-${String(++marks).padStart(5, '0')} was here`;

/** The marks in a file. */
async function marksIn(path: string): Promise<Set<string>> {
  return new Set(existsSync(path) ? ((await readFile(path, 'latin1')).match(MARK) ?? []) : []);
}

/** Says some texts, each with a mark. */
async function sayMarks(client: TestClient, room: Room, count = EACH): Promise<Message[]> {
  return await Promise.all(Array.from({ length: count }, () => client.say(room, mark())));
}

it('what was erased is in neither the database, its log nor a backup, whatever took it away', async () => {
  await using server = await spawnServer();
  const file = sqliteFile(server.folder);
  const ada = await guest(server, 'ada');
  const can = await guest(server, 'can');
  const room = await can.createRoom();
  const doomed = await can.createRoom({ name: 'Doomed' });
  await ada.ok('join_room', { room_id: room.id });
  const deleted = await sayMarks(can, room);
  const edited = await sayMarks(can, room);
  await sayMarks(ada, room);
  await sayMarks(can, doomed);
  expect(new Set([...(await marksIn(file)), ...(await marksIn(`${file}-wal`))]).size).toBe(4 * EACH);

  await Promise.all([
    ...deleted.map(({ id: message_id }) => can.ok('delete_message', { message_id })),
    ...edited.map(({ id: message_id }) => can.ok('update_message', { message_id, content: 'nothing' })),
  ]);
  await tool(server, 'admin', 'erase-user', ada.id);
  await tool(server, 'admin', 'delete-room', doomed.id);
  const backup = join(server.folder, 'backup.db');
  await tool(server, 'backup', backup);
  // The log is emptied into the file from time to time.
  await until('no trace', async () => (await marksIn(`${file}-wal`)).size + (await marksIn(file)).size === 0);
  const left = await Promise.all([file, `${file}-wal`, backup].map(async (path) => [...(await marksIn(path))]));
  expect(left).toEqual([[], [], []]);
  const name = ada.me.user.username;
  for (const path of [file, `${file}-wal`, backup]) expect(await readFile(path, 'latin1')).not.toContain(name);
  expect(await readFile(backup, 'latin1')).not.toContain('Doomed');
});
