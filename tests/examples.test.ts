import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { guest } from './support/client.ts';
import { freePort, RunningProgram, type ServerProcess, spawnServer } from './support/process.ts';
import { findPython } from './support/python.ts';

const EXAMPLES = join(import.meta.dirname, '../examples');
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));

/** Starts a program of the examples; it is killed when the test is over. */
function start(file: string, args: readonly string[]): RunningProgram & Disposable {
  const { PYTHONPATH } = process.env;
  const program = new RunningProgram(file, args, { cwd: EXAMPLES, env: { PYTHONPATH } });
  return Object.assign(program, { [Symbol.dispose]: () => program.kill('SIGKILL') });
}

const terminal = (name: string, url: string) =>
  start(process.execPath, [join(EXAMPLES, 'terminal/chat.ts'), name, 'lobby', url]);

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
});

describe('the Python client', () => {
  const python = findPython('socketio, websocket');

  it('talks, resumes and sends each message once', async ({ skip }) => {
    if (python === undefined) return skip('no Python here has python-socketio and websocket-client');
    await using server = await spawnServer({ PORT: await freePort() });
    using program = start(python, [join(EXAMPLES, 'python/chat.py'), 'ada', 'lobby', server.url]);
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
