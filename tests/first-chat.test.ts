import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FIRST_CHAT_FILE, firstChat } from '../app/http/examples.ts';
import { freePort, RunningProgram, spawnServer } from './support/process.ts';
import { startServer } from './support/server.ts';

const ROOT = join(import.meta.dirname, '..');
let folder: string;
let programs: RunningProgram[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sohbet-chat-'));
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  programs = [];
});

afterEach(async () => {
  for (const program of programs) program.kill('SIGKILL');
  await Promise.all(programs.map((program) => program.ended()));
  await rm(folder, { recursive: true, force: true });
});

/** Starts the example as a reader would, in a terminal in the folder or in one below it. */
async function run(url: string, name: string, below = '.'): Promise<RunningProgram> {
  const cwd = join(folder, below);
  await mkdir(cwd, { recursive: true });
  await writeFile(join(cwd, FIRST_CHAT_FILE), firstChat(url));
  const program = new RunningProgram(process.execPath, [FIRST_CHAT_FILE, name], { cwd, env: {} });
  programs.push(program);
  return program;
}

it('is what the home page and both READMEs show', async () => {
  await using server = await startServer();
  const page = await (await fetch(`${server.url}/`)).text();
  const shown = page
    .replace(/<[^>]+>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
  expect(shown).toContain(firstChat(server.url).trim());
  for (const name of ['README.md', 'README.tr.md']) {
    const text = await readFile(join(ROOT, name), 'utf8');
    expect(/<!-- example: first-chat -->\s*```js\n(.*?)```/s.exec(text)?.[1]).toBe(firstChat('http://localhost:8000'));
  }
});

it('lets two people chat, and one of them go and come back under the same name', async () => {
  await using server = await startServer();
  const ada = await run(server.url, 'ada');
  await ada.output(/ada joined/);
  const can = await run(server.url, 'can');
  await ada.output(/can joined/);
  ada.write('Hello, Can!\n');
  await can.output(/ada: Hello, Can!/);
  can.write('Selam Ada, nasılsın?\n');
  await ada.output(/can: Selam Ada, nasılsın\?/);
  can.kill('SIGINT');
  await can.ended();
  ada.write('Are you there?\n');
  await ada.output(/ada: Are you there\?/);
  const back = await run(server.url, 'can');
  await back.output(/ada: Hello, Can!\ncan: Selam Ada, nasılsın\?\nada: Are you there\?\n/);
  back.write('Yes\n');
  await ada.output(/can: Yes/);
  ada.end();
  expect(await ada.ended()).toEqual({ code: 0, signal: null });
  expect(ada.stderr).toBe('');
});

it('misses nothing, and says nothing twice, when the server is killed and started again', async () => {
  await using server = await spawnServer({ PORT: await freePort() });
  const ada = await run(server.url, 'ada');
  await ada.output(/ada joined/);
  const can = await run(server.url, 'can');
  await can.output(/can joined/);
  const said = ['just before', 'meanwhile', 'after it'];
  ada.write('just before\n');
  await server.kill('SIGKILL');
  ada.write('meanwhile\n');
  await server.start();
  await can.output(/meanwhile/);
  ada.write('after it\n');
  await Promise.all([ada, can].map((program) => program.output(/after it/)));
  for (const program of [ada, can]) {
    const heard = [...program.stdout.matchAll(/ada: (.*)/g)].map(([, text]) => text);
    expect(heard).toEqual(said);
  }
});

it('says why it may not come in, and ends', async () => {
  await using server = await startServer();
  await (await run(server.url, 'ada')).output(/ada joined/);
  const other = await run(server.url, 'ada', 'elsewhere');
  expect(await other.ended()).toEqual({ code: 1, signal: null });
  expect(other.stderr).toMatch(/^This name is taken. “ada \d” is free.\n$/);

  await writeFile(join(folder, 'eve.token'), 'of a server that is no more');
  const lost = await run(server.url, 'eve');
  expect(await lost.ended()).toEqual({ code: 1, signal: null });
  expect(lost.stderr).toMatch(/^This session is not valid any more.*\n$/);
  expect(existsSync(join(folder, 'eve.token'))).toBe(false);
});
