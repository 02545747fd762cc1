import { spawnSync } from 'node:child_process';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { smallDisk } from './checker/full-disk.ts';
import { connect } from './support/client.ts';
import { dataFolder } from './support/data.ts';
import { PROGRAM, prepareServer, RunningProgram, ServerProcess, spawnServer } from './support/process.ts';
import { testEnv } from './support/server.ts';

/** Another user than root, for whom root's files are foreign. */
const NOBODY = { uid: 65_534, gid: 65_534 };

/** Who is to run into what root may do: another user where root runs the tests, or else nobody else. */
const stranger = process.getuid?.() === 0 ? NOBODY : {};

/** Whether that user may read this program at all. */
const strangerCanRun =
  spawnSync(process.execPath, ['-e', `fs.readFileSync(${JSON.stringify(PROGRAM)})`], stranger).status === 0;

/** What a server says that cannot start in this folder: one line. */
async function refusal(folder: string, options: { env?: Record<string, string>; as?: object } = {}): Promise<string> {
  const server = new RunningProgram(process.execPath, [PROGRAM], {
    cwd: '/',
    env: testEnv(folder, options.env),
    ...options.as,
  });
  expect(await server.ended()).toEqual({ code: 1, signal: null });
  expect(server.stdout).toBe('');
  const [line = '', ...rest] = server.stderr.split('\n');
  expect(rest).toEqual(['']);
  return line;
}

/** A data folder with a database in it. */
async function usedFolder(): Promise<ServerProcess> {
  const server = await spawnServer();
  await server.kill('SIGTERM');
  return server;
}

describe('a start that fails says where, why and what to do, in one line', () => {
  it('when there is no database where one should be', async () => {
    const folder = await dataFolder();
    const path = join(folder, 'sohbet.db');
    await mkdir(path);
    expect(await refusal(folder)).toBe(`${path} is no file: set DATABASE_URL to where the database is.`);
    await rm(path, { recursive: true });
    await writeFile(path, 'Dear diary, '.repeat(1_000));
    const remedy = 'It is no database, or it is damaged: restore a backup with `npm run restore`.';
    expect(await refusal(folder)).toBe(`Cannot open the database ${path}: file is not a database. ${remedy}`);
    const env = { DATABASE_URL: `sqlite:${join(path, 'sohbet.db')}` };
    expect(await refusal(folder, { env })).toMatch(/sohbet\.db'\. A file stands where a folder is needed\.$/);
    await rm(folder, { recursive: true });
  });

  it('when a newer version has written it', async () => {
    await using server = await usedFolder();
    const path = join(server.folder, 'sohbet.db');
    const db = new DatabaseSync(path);
    db.exec("PRAGMA user_version = 1000; UPDATE meta SET value = '1000' WHERE key = 'compatible_from'");
    db.close();
    const line = await refusal(server.folder);
    expect(line).toMatch(`Cannot open the database ${path}: It has schema 1000, made by a newer version`);
    expect(line).toContain('restore a backup');
  });

  it.runIf(strangerCanRun)('when it belongs to another user', async () => {
    await using server = await usedFolder();
    await chmod(server.folder, 0o700);
    const remedy = 'Run the server as the user to whom it belongs, or give it to the user who runs the server.';
    const as = stranger;
    if (process.getuid?.() !== 0) await chmod(server.folder, 0o500);
    expect(await refusal(server.folder, { as })).toContain(`${server.folder} may not be read and written`);
    await chmod(server.folder, 0o777);
    const path = join(server.folder, 'sohbet.db');
    await chmod(path, 0o400);
    const line = await refusal(server.folder, { as });
    expect(line).toContain(`${path} may not be read and written`);
    expect(line).toMatch(/its owner is user \d+, this is user \d+/);
    expect(line.endsWith(remedy)).toBe(true);
  });

  it('when another program listens there', async () => {
    await using first = await spawnServer();
    await using second = await prepareServer();
    const { port } = new URL(first.url);
    const line = await refusal(second.folder, { env: { PORT: port } });
    expect(line).toContain(`127.0.0.1:${port}. Another program listens there: end it, or set PORT.`);
  });
});

describe('a start', () => {
  it('is not stopped by what Socket.IO is debugged with', async () => {
    await using server = await spawnServer({ DEBUG: 'socket.io:server' });
    await connect(server, { username: 'ada' });
    expect(server.program.stderr).toContain('socket.io:server');
  });

  it('is not stopped by a lock of another process: what is there can be read', async () => {
    await using server = await spawnServer();
    const ada = await connect(server, { username: 'ada' });
    const room = await ada.createRoom();
    await server.kill('SIGTERM');
    const other = new DatabaseSync(join(server.folder, 'sohbet.db'));
    other.exec('BEGIN IMMEDIATE');
    await server.start();
    const back = await connect(server, { token: ada.me.token });
    expect((await back.ok('get_messages', { room_id: room.id })).messages).toHaveLength(1);
    other.exec('ROLLBACK');
    other.close();
    expect((await back.say(room, 'free')).seq).toBe(2);
  });

  it('on a full disk serves what is there, and writes as soon as there is room', async ({ skip }) => {
    await using disk = await smallDisk('tmpfs');
    skip(disk.kind !== 'tmpfs', 'no disk can be mounted here');
    const nobody = { pid: undefined };
    const folder = join(disk.folder, 'data');
    await mkdir(folder);
    await using server = new ServerProcess(folder, { LOG_LEVEL: 'error' });
    await server.start();
    const ada = await connect(server, { username: 'ada' });
    const room = await ada.createRoom();
    await server.kill('SIGTERM');
    await disk.fill(nobody);
    await server.start();
    expect(server.program.stdout).toMatch(/the disk is full/);
    const back = await connect(server, { token: ada.me.token });
    expect((await back.ok('get_messages', { room_id: room.id })).messages).toHaveLength(1);
    expect(await back.code('send_message', { room_id: room.id, content: 'no room' })).toBe('UNAVAILABLE');
    const health = await fetch(`${server.url}/health`);
    expect([health.status, await health.json()]).toMatchObject([200, { status: 'degraded', reason: 'full' }]);
    await disk.free(nobody);
    expect((await back.say(room, 'room')).seq).toBe(2);
    expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  });
});
