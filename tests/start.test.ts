import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { connect } from './support/client.ts';
import { dataFolder, removeData, testEngine } from './support/data.ts';
import { freePort, prepareServer, RunningProgram, ServerProcess, spawnServer } from './support/process.ts';
import { testEnv } from './support/server.ts';

describe('the program', () => {
  it('prints one line with the address and serves there', async () => {
    await using server = await spawnServer();
    const client = await connect(server, { username: 'ada' });
    const room = await client.createRoom();
    expect((await client.say(room, 'hello')).seq).toBe(2);
    const lines = server.program.stdout.split('\n').filter((line) => line !== '');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(server.url);
    expect(server.program.stderr).toBe('');
  });

  it.runIf(testEngine() === 'sqlite')('keeps its data in ./data when nothing is said', async () => {
    await using server = await prepareServer({ DATABASE_URL: undefined, TOKEN_SECRET: undefined });
    await server.start();
    expect(await readdir(`${server.folder}/data`)).toContain('sohbet.db');
  });

  it('names every wrong variable, what it holds and what it may hold, and exits with 1', async () => {
    await using server = await prepareServer({
      PORT: 'eighty',
      SOCKET_PING_TIMEOUT: '-1',
      LOG_LEVEL: 'loud',
      CORS_ORIGINS: 'not an origin',
      DATABASE_URL: 'mysql://root:hunter2@localhost/x',
      TOKEN_SECRET: 'short-secret',
    });
    server.launch();
    expect(await server.program.ended()).toEqual({ code: 1, signal: null });
    const said = server.program.stderr + server.program.stdout;
    for (const part of ['PORT', '"eighty"', '65535', 'SOCKET_PING_TIMEOUT', '"-1"', 'LOG_LEVEL', '"loud"', 'info']) {
      expect(said).toContain(part);
    }
    for (const part of ['CORS_ORIGINS', 'DATABASE_URL', 'sqlite:', 'TOKEN_SECRET', '32']) expect(said).toContain(part);
    expect(said).not.toContain('short-secret');
    expect(said).not.toContain('hunter2');
    expect(said).not.toMatch(/^\s+at /m);
  });

  it('wants a secret with PostgreSQL, which has no folder to keep one in, and shows none', async () => {
    const url = 'postgres://sohbet:hunter2@127.0.0.1:1/chat';
    await using server = await prepareServer({ DATABASE_URL: url, TOKEN_SECRET: undefined });
    server.launch();
    expect(await server.program.ended()).toEqual({ code: 1, signal: null });
    expect(server.program.stderr).toMatch(
      /^The configuration has a fault:\n {2}TOKEN_SECRET is not set\. .*32 bytes.*\n$/,
    );
    expect(server.program.stdout + server.program.stderr).not.toContain('hunter2');
  });

  it('says so and exits with 1 when the port is taken', async () => {
    await using first = await spawnServer();
    await using second = await prepareServer({ PORT: new URL(first.url).port });
    second.launch();
    expect(await second.program.ended()).toEqual({ code: 1, signal: null });
    expect(second.program.stderr + second.program.stdout).toContain(new URL(first.url).port);
    await connect(first, { username: 'ada' });
  });

  it('refuses a second server on one database, and opens it again after a kill -9', async () => {
    await using first = await spawnServer();
    const ada = await connect(first, { username: 'ada' });
    await using second = new ServerProcess(first.folder, {});
    second.launch();
    expect(await second.program.ended()).toEqual({ code: 1, signal: null });
    expect(second.program.stderr + second.program.stdout).toContain(basename(first.folder));
    await ada.createRoom({ name: 'the first still works' });
    await first.kill('SIGKILL');
    await first.start();
    const back = await connect(first, { token: ada.me.token });
    expect(back.me.rooms).toMatchObject([{ name: 'the first still works' }]);
  });
});

it('serves on when nothing of what it logs can be written', async () => {
  const folder = await dataFolder();
  const port = await freePort();
  const main = join(import.meta.dirname, '../app/main.ts');
  const env = testEnv(folder, { PORT: String(port), LOG_LEVEL: 'info' });
  const server = new RunningProgram('/bin/sh', ['-c', 'exec "$0" "$1" > /dev/full', process.execPath, main], {
    cwd: folder,
    env,
  });
  const answers = () =>
    fetch(`http://127.0.0.1:${port}/health/live`).then(
      ({ status }) => status,
      () => 0,
    );
  await expect.poll(answers, { timeout: 20_000 }).toBe(200);
  server.kill('SIGTERM');
  expect(await server.ended()).toEqual({ code: 0, signal: null });
  expect(server.stderr).toBe('');
  await removeData(folder);
});
