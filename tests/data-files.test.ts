import { chmod, copyFile, lstat, mkdir, open, readdir, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { connect, guest } from './support/client.ts';
import { spawnServer } from './support/process.ts';
import { startServer } from './support/server.ts';
import { tool } from './support/tool.ts';

const FORBIDDEN_TO_OTHERS = 0o077;

/** Every file in a folder and below. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}

/** Overwrites a page of a database in the middle. */
async function damage(path: string): Promise<void> {
  await using file = await open(path, 'r+');
  const { size } = await file.stat();
  await file.write(Buffer.alloc(4_096, 0x55), 0, 4_096, Math.floor(size / 8_192) * 4_096);
}

describe('the files of the data folder', () => {
  it('are readable by the user of the server alone, and so is what the tools make of files that are not', async () => {
    await using server = await spawnServer({ TOKEN_SECRET: '' });
    const ada = await guest(server, 'ada');
    await ada.say(await ada.createRoom(), 'for us');
    const backup = join(server.folder, 'backup.db');
    await tool(server, 'backup', backup);
    await tool(server, 'admin', 'export-user', ada.id, '--out', join(server.folder, 'ada.json'));
    const files = await filesIn(server.folder);
    expect(files.length).toBeGreaterThanOrEqual(6);
    for (const file of files) expect([file, (await stat(file)).mode & FORBIDDEN_TO_OTHERS]).toEqual([file, 0]);

    await server.kill('SIGTERM');
    await chmod(backup, 0o644);
    await tool(server, 'restore', backup);
    await chmod(backup, 0o600);
    for (const file of await filesIn(server.folder))
      expect([file, (await stat(file)).mode & FORBIDDEN_TO_OTHERS]).toEqual([file, 0]);
  });

  it('are restored in place where the database is a symbolic link, and a restore is undone without loss', async () => {
    await using server = await spawnServer();
    const link = join(server.folder, 'sohbet.db');
    const volume = join(server.folder, 'volume');
    await server.kill('SIGTERM');
    await mkdir(volume);
    await rename(link, join(volume, 'chat.db'));
    await symlink('volume/chat.db', link);
    await server.start();
    const ada = await guest(server, 'ada');
    const room = await ada.createRoom();
    const backup = join(server.folder, 'backup.db');
    await tool(server, 'backup', backup);
    const last = await ada.say(room, 'after the backup');
    const { token } = ada.me;
    await server.kill('SIGKILL');

    const inUse = new DatabaseSync(link);
    inUse.prepare('SELECT count(*) FROM rooms').get();
    await expect(tool(server, 'restore', backup)).rejects.toMatchObject({
      stderr: expect.stringContaining('Another program has'),
    });
    inUse.close();
    const printed = await tool(server, 'restore', backup);
    const replaced = /kept as (.*)\.$/m.exec(printed)?.[1] ?? '';
    expect(replaced).toContain(join(volume, 'chat.db.replaced-'));
    expect(await readlink(link)).toBe('volume/chat.db');
    expect((await lstat(join(volume, 'chat.db'))).isFile()).toBe(true);
    await tool(server, 'restore', replaced);
    await server.start();
    const back = await connect(server, { token });
    expect(back.me.rooms).toMatchObject([{ id: room.id, seq: last.seq }]);
  });

  it('are not begun anew where only the log of the database is left', async () => {
    await using server = await spawnServer();
    const ada = await guest(server, 'ada');
    await ada.createRoom();
    await server.kill('SIGKILL');
    const file = join(server.folder, 'sohbet.db');
    await rename(file, join(server.folder, 'away.db'));
    server.launch();
    expect(await server.program.ended()).toMatchObject({ code: 1 });
    expect(server.program.stderr).toContain(`its log ${file}-wal is`);
    await rename(join(server.folder, 'away.db'), file);
    await server.start();
    expect((await connect(server, { token: ada.me.token })).me.rooms).toHaveLength(1);
  });

  it('are brought to the end of an interrupted restore by the next start, and not used before', async () => {
    await using server = await startServer();
    const ada = await guest(server, 'ada');
    const room = await ada.createRoom();
    const backup = join(server.folder, 'backup.db');
    await tool(server, 'backup', backup);
    await ada.say(room, 'after the backup');
    const { token } = ada.me;
    ada.close();
    await server.stop();
    const decided = join(server.folder, 'sohbet.db.restored-2026-11-28T10-00-00-000Z');
    await mkdir(decided);
    await copyFile(backup, join(decided, 'database'));
    const own = ['sohbet.db.restored-by-hand', 'sohbet.db.restoring-tomorrow'];
    for (const name of own) await copyFile(backup, join(server.folder, name));
    await expect(tool(server, 'admin', 'users')).rejects.toMatchObject({
      stderr: expect.stringContaining('A restore of'),
    });
    await server.start();
    expect((await connect(server, { token })).me.rooms).toMatchObject([{ id: room.id, seq: 1 }]);
    const files = await readdir(server.folder);
    expect(files).toContain('sohbet.db.replaced-2026-11-28T10-00-00-000Z');
    // Backups that somebody has named so are no leftovers.
    expect(files).toEqual(expect.arrayContaining(own));
    expect(await tool(server, 'admin', 'users')).toContain(ada.me.user.username);
  });
});

it('the database shrinks when it is compacted, while no server runs', async () => {
  await using server = await startServer();
  const ada = await guest(server, 'ada');
  const rooms = [await ada.createRoom(), await ada.createRoom()] as const;
  for (const room of rooms)
    await Promise.all(Array.from({ length: 200 }, (_, i) => ada.say(room, `${i} ${'x'.repeat(1_500)}`)));
  await tool(server, 'admin', 'delete-room', rooms[0].id);
  await expect(tool(server, 'admin', 'compact')).rejects.toMatchObject({
    stderr: expect.stringContaining('Another server'),
  });
  const { token } = ada.me;
  ada.close();
  await server.stop();
  expect(await tool(server, 'admin', 'compact')).toMatch(/has 0\.\d MB now, \d\.\d MB before/);
  expect((await stat(join(server.folder, 'sohbet.db'))).size).toBeLessThan(600_000);
  await server.start();
  const back = await connect(server, { token });
  expect(back.me.rooms).toMatchObject([{ id: rooms[1].id, seq: 201 }]);
});

describe('a backup', () => {
  it('is not made of a database that is damaged, and one that is damaged is not restored', async () => {
    await using server = await startServer();
    const ada = await guest(server, 'ada');
    const room = await ada.createRoom();
    for (let i = 0; i < 20; i++) await ada.say(room, `${i} ${'x'.repeat(3_000)}`);
    const file = join(server.folder, 'sohbet.db');
    const backup = join(server.folder, 'backup.db');
    await tool(server, 'backup', backup);
    ada.close();
    await server.stop();
    await damage(backup);
    await expect(tool(server, 'restore', backup)).rejects.toMatchObject({
      stderr: expect.stringContaining(`${backup} is not a sound database`),
    });

    // What no reading notices, only the check: nothing where the schema says that there is something.
    const db = new DatabaseSync(file);
    db.enableDefensive(false);
    const schema = (from: string, to: string) =>
      db.exec(`PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, '${from}', '${to}')
        WHERE name = 'users'; PRAGMA writable_schema = RESET`);
    schema('created_at INTEGER NOT NULL', 'created_at INTEGER');
    db.exec('UPDATE users SET created_at = NULL');
    schema('created_at INTEGER', 'created_at INTEGER NOT NULL');
    db.close();
    const second = join(server.folder, 'second.db');
    await expect(tool(server, 'backup', second)).rejects.toMatchObject({
      stderr: expect.stringContaining(`${second} is not a sound database`),
    });
    expect((await readdir(server.folder)).filter((name) => /second|partial/.test(name))).toEqual([]);
  });

  it('is not put where a file or the log of another database lies', async () => {
    await using server = await startServer();
    const backup = join(server.folder, 'backup.db');
    await copyFile(join(server.folder, 'sohbet.db'), `${backup}-wal`);
    await expect(tool(server, 'backup', backup)).rejects.toMatchObject({
      stderr: expect.stringContaining(`${backup}-wal exists already`),
    });
    await rm(`${backup}-wal`);
    await tool(server, 'backup', backup);
    // A log beside a backup, which has none, is another's.
    const ada = await guest(server, 'ada');
    await ada.say(await ada.createRoom(), 'in the log alone');
    ada.close();
    await copyFile(join(server.folder, 'sohbet.db-wal'), `${backup}-wal`);
    expect((await stat(`${backup}-wal`)).size).toBeGreaterThan(0);
    await server.stop();
    expect(await tool(server, 'restore', backup)).toContain('0 messages');
  });
});
