import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FIRST_CHAT_FILE, firstChat } from '../app/http/examples.ts';
import { COMMAND_NAMES, COMMANDS, ERROR_CODES, EVENT_NAMES, LIMITS } from '../protocol/index.ts';
import { connect } from './support/client.ts';
import { RunningProgram } from './support/process.ts';
import { sharedServer } from './support/server.ts';

const ROOT = join(import.meta.dirname, '..');

/** Runs the code as two people would, in two terminals, against a server: each reads what the other says. */
async function chat(code: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sohbet-chat-'));
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(join(folder, FIRST_CHAT_FILE), code);
  const run = (name: string) => new RunningProgram(process.execPath, [FIRST_CHAT_FILE, name], { cwd: folder, env: {} });
  const ada = run('ada');
  const can: RunningProgram[] = [];
  try {
    await ada.output(/joined/);
    can.push(run('can'));
    await ada.output(/can joined/);
    ada.write('Hello, Can!\n');
    await can[0]?.output(/ada: Hello, Can!/);
    can[0]?.write('Selam Ada, nasılsın?\n');
    await ada.output(/can: Selam Ada, nasılsın\?/);
    ada.end();
    expect(await ada.ended()).toEqual({ code: 0, signal: null });
    expect(ada.stderr).toBe('');
  } finally {
    for (const program of [ada, ...can]) program.kill('SIGKILL');
    await Promise.all([ada, ...can].map((program) => program.ended()));
    await rm(folder, { recursive: true, force: true });
  }
}

describe('the example of the home page', () => {
  const server = sharedServer();

  it('is what the page shows, and lets two people chat', async () => {
    const page = await (await fetch(`${server.url}/`)).text();
    const shown = page
      .replace(/<[^>]+>/g, '')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&quot;', '"')
      .replaceAll('&#39;', "'")
      .replaceAll('&amp;', '&');
    expect(shown).toContain(firstChat(server.url).trim());
    await chat(firstChat(server.url));
    const witness = await connect(server, { username: 'witness' });
    const [room] = (await witness.ok('get_rooms', { query: 'lobby' })).rooms;
    expect(room).toMatchObject({ name: 'lobby', user_count: 2 });
  });
});

describe.each(['README.md', 'README.tr.md'])('the first chat of %s', (name) => {
  const server = sharedServer();

  it('lets two people chat', async () => {
    const text = await readFile(join(ROOT, name), 'utf8');
    const code = /<!-- example: first-chat -->\s*```js\n(.*?)```/s.exec(text)?.[1];
    const address = /http:\/\/localhost:8000/g;
    expect(code).toMatch(address);
    await chat((code ?? '').replace(address, server.url));
  });
});

describe('docs/protocol.md', () => {
  const read = () => readFile(join(ROOT, 'docs/protocol.md'), 'utf8');

  /** The names in backquotes in the first column of the tables, below the heading. */
  function namesBelow(text: string, heading: RegExp): string[] {
    const section = text.split(/^## /m).find((part) => heading.test(part)) ?? '';
    return [...section.matchAll(/^\| ?([^|]*)\|/gm)].flatMap(([, cell]) =>
      [...(cell ?? '').matchAll(/`([A-Za-z_]+)`/g)].map(([, name]) => name ?? ''),
    );
  }

  it.each([
    ['command', /^Commands/, COMMAND_NAMES],
    ['event', /^Events/, EVENT_NAMES],
    ['error code', /^Error codes/, ERROR_CODES],
    ['limit', /^Limits/, Object.keys(LIMITS)],
  ] as const)('has every %s and no other', async (_, heading, names) => {
    expect(namesBelow(await read(), heading).sort()).toEqual([...names].sort());
  });

  it('has the value of every limit', async () => {
    const text = await read();
    for (const [name, value] of Object.entries(LIMITS)) {
      const row = new RegExp(`^\\| ?\`${name}\` ?\\|(.*)$`, 'm').exec(text)?.[1] ?? '';
      const said = [...row.matchAll(/\d[\d,]*/g)].map(([number]) => Number(number.replaceAll(',', '')));
      expect(said, name).toContain(value);
    }
  });

  it('lists for each command the refusals that it may give', async () => {
    const text = await read();
    for (const name of COMMAND_NAMES) for (const code of COMMANDS[name].errors) expect(text).toContain(`\`${code}\``);
  });
});

describe('the ways to deploy', () => {
  it('start the program as `npm start` does', async () => {
    const read = (file: string) => readFile(join(ROOT, file), 'utf8');
    const { scripts } = JSON.parse(await read('package.json')) as { scripts: { start: string } };
    expect(await read('render.yaml')).toContain(`startCommand: ${scripts.start}\n`);
    const words = scripts.start.split(' ').map((word) => `"${word}"`);
    expect(await read('Dockerfile')).toContain(`CMD [${words.join(', ')}]\n`);
  });
});
