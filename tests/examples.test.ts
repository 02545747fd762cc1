import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { guest } from './support/client.ts';
import { freePort, RunningProgram, type ServerProcess, spawnServer } from './support/process.ts';
import { findPython } from './support/python.ts';

const EXAMPLES = join(import.meta.dirname, '../examples');
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));

const folder = mkdtempSync(join(tmpdir(), 'sohbet-examples-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Starts a program of the examples in a folder of its own or of the test; it is killed when the test is over. */
function start(
  file: string,
  args: readonly string[],
  cwd = mkdtempSync(join(folder, 'x')),
): RunningProgram & Disposable {
  const { PYTHONPATH } = process.env;
  const program = new RunningProgram(file, args, { cwd, env: { PYTHONPATH } });
  return Object.assign(program, { [Symbol.dispose]: () => program.kill('SIGKILL') });
}

const terminal = (name: string, url: string, cwd?: string) =>
  start(process.execPath, [join(EXAMPLES, 'terminal/chat.ts'), name, 'lobby', url], cwd);

/** Starts a chat as ada twice in one folder, and then in another, where it may not come in. Gives the first folder. */
async function comeBack(server: ServerProcess, run: (cwd?: string) => RunningProgram & Disposable): Promise<string> {
  const cwd = mkdtempSync(join(folder, 'x'));
  const witness = await guest(server, 'witness');
  for (let start = 0; start < 2; start++) {
    using ada = run(cwd);
    await ada.output(/You are ada in lobby/);
    const [lobby] = (await witness.ok('get_rooms', {})).rooms;
    await witness.ok('join_room', { room_id: lobby?.id ?? '' });
    ada.kill('SIGKILL');
    await ada.ended();
  }
  using other = run();
  expect(await other.ended()).toEqual({ code: 1, signal: null });
  expect(other.stderr).toMatch(/^This name is taken. “ada \d” is free.\n$/);
  return cwd;
}

/** Kills the server and starts it again at the same address. */
async function restart(server: ServerProcess, whileAway: () => void): Promise<void> {
  await server.kill('SIGKILL');
  whileAway();
  await server.start();
}

describe('the terminal chat', () => {
  it('talks, also to a server that was away meanwhile', async () => {
    await using server = await spawnServer({ PORT: await freePort() });
    using ada = terminal('ada', server.url);
    await ada.output(/You are ada in lobby/);
    using can = terminal('can', server.url);
    await can.output(/You are can in lobby/);
    ada.write('hello\n');
    await can.output(/ada: hello/);
    await restart(server, () => can.write('written while the server was away\n'));
    await ada.output(/can: written while the server was away/);
    can.write('/who\n');
    await can.output(/ada {2}● can/);
    can.write('/quit\n');
    expect(await can.ended()).toMatchObject({ code: 0 });
    const count = can.stdout.split('ada: hello').length - 1;
    expect(count).toBe(1);
  });

  it('is the same user when it is started again, and says why another may not come in', async () => {
    await using server = await spawnServer();
    await comeBack(server, (cwd) => terminal('ada', server.url, cwd));
  });
});

describe('the Python client', () => {
  const python = findPython('socketio, websocket');
  const snake = (url: string, cwd?: string) =>
    start(python ?? '', [join(EXAMPLES, 'python/chat.py'), 'ada', 'lobby', url], cwd);

  it('talks, resumes and sends each message once', async ({ skip }) => {
    if (python === undefined) return skip('no Python here has python-socketio and websocket-client');
    await using server = await spawnServer({ PORT: await freePort() });
    using program = snake(server.url);
    await program.output(/You are ada in lobby/);
    const can = await guest(server, 'can');
    const [room] = (await can.ok('get_rooms', {})).rooms;
    if (room === undefined) throw new Error('the room was not made');
    await can.ok('join_room', { room_id: room.id });
    await can.say(room, 'hello from a test');
    await program.output(/hello from a test/);
    program.write('hello from Python\n');
    await can.waitFor('message', ({ content }) => content === 'hello from Python');
    await restart(server, () => program.write('sent while the server was away\n'));
    const back = await guest(server, 'eve');
    await back.ok('join_room', { room_id: room.id });
    await back.say(room, 'said after the restart');
    await program.output(
      /sent while the server was away[\s\S]*said after|said after[\s\S]*sent while the server was away/,
    );
    program.end();
    expect(await program.ended()).toMatchObject({ code: 0 });
    const { messages } = await back.ok('get_messages', { room_id: room.id });
    const said = messages.filter((message) => !message.is_system_message).map(({ content }) => content);
    const wanted = [
      'hello from a test',
      'hello from Python',
      'sent while the server was away',
      'said after the restart',
    ];
    expect(said.toSorted()).toEqual(wanted.toSorted());
    for (const text of wanted) expect(program.stdout.split(text)).toHaveLength(2);
  }, 60_000);

  it('is the same user when it is started again, and says why another may not come in', async ({ skip }) => {
    if (python === undefined) return skip('no Python here has python-socketio and websocket-client');
    await using server = await spawnServer();
    const cwd = await comeBack(server, (cwd) => snake(server.url, cwd));
    writeFileSync(join(cwd, 'ada.token'), 'nonsense');
    using lost = snake(server.url, cwd);
    expect(await lost.ended()).toEqual({ code: 1, signal: null });
    expect(lost.stderr).toMatch(/^This session is not valid any more/);
    expect(existsSync(join(cwd, 'ada.token'))).toBe(false);
  });
});

describe('the browser page', () => {
  it('signs in, talks, and comes back as the same user after a reload', async ({ skip }) => {
    if (CHROMIUM === undefined) return skip('there is no Chromium here');
    await using server = await spawnServer();
    using page = start(process.execPath, [join(EXAMPLES, 'browser/serve.ts'), '0']);
    const [address] = await page.output(/http:\/\/localhost:\d+/);
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    try {
      const tab = await browser.newPage();
      await tab.goto(`${address}/?server=${encodeURIComponent(server.url)}`);
      await tab.fill('[name=username]', 'ada');
      await tab.press('[name=username]', 'Enter');
      await tab.fill('[name=content]', 'hello from a page');
      await tab.press('[name=content]', 'Enter');
      const message = tab.locator('#messages li.sent', { hasText: 'ada: hello from a page' });
      await message.waitFor();
      await tab.reload();
      await tab.locator('#state', { hasText: 'ada: live' }).waitFor();
      await message.waitFor();
      expect(await message.count()).toBe(1);
    } finally {
      await browser.close();
    }
  }, 60_000);
});
