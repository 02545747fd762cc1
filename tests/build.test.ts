import { execFile } from 'node:child_process';
import { readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type TestClient } from './support/client.ts';
import { dataFolder } from './support/data.ts';
import { RunningProgram } from './support/process.ts';
import { settle, testEnv } from './support/server.ts';

const ROOT = join(import.meta.dirname, '..');
const run = promisify(execFile);

describe('what `npm run build` makes', () => {
  let folder: string;

  // Away from the source, of which nothing may be missing.
  beforeAll(async () => {
    folder = await dataFolder();
    await run(process.execPath, [join(ROOT, 'tools/build.ts'), join(folder, 'dist')]);
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** Runs a tool of it on the server's data. Returns what it said. */
  async function tool(name: string, ...args: string[]): Promise<string> {
    const options = { cwd: folder, env: { ...process.env, ...testEnv(folder) } };
    const { stdout } = await run(process.execPath, [join(folder, `dist/app/cli/${name}.js`), ...args], options);
    return stdout;
  }

  /** Starts the server, lets `use` talk to it, and stops it, which says nothing on standard error. */
  async function serve(use: (server: { url: string; track(client: TestClient): void }) => Promise<void>) {
    const args = ['--max-semi-space-size=8', '--expose-gc', join(folder, 'dist/app/main.js')];
    await using program = new RunningProgram(process.execPath, args, { cwd: folder, env: testEnv(folder) });
    const [url] = await program.output(/https?:\/\/[\w.:[\]-]+:\d+/);
    const clients = new Set<TestClient>();
    await use({ url, track: (client) => clients.add(client) });
    settle(clients);
    program.kill('SIGTERM');
    expect(await program.ended()).toEqual({ code: 0, signal: null });
    expect(program.stderr).toBe('');
  }

  it('serves, shows its pages, and brings its tools', async () => {
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    let token = '';
    await serve(async (server) => {
      const ada = await connect(server, { username: 'ada' });
      token = ada.me.token;
      const room = await ada.createRoom({ name: 'garden', type: 'private', password: 'open sesame' });
      expect((await ada.say(room, 'hello')).seq).toBe(2);
      const page = await (await fetch(`${server.url}/docs`)).text();
      expect(page).toContain(version);
      for (const [, path = ''] of page.matchAll(/(?:href|src)="(assets\/[^"]+)"/g))
        expect((await fetch(`${server.url}/${path}`)).status, path).toBe(200);
      expect(await tool('backup', join(folder, 'copy.db'))).toContain('1 rooms, 2 messages');
      expect(await tool('admin', 'users')).toContain('ada');
      await ada.say(room, 'after the backup');
    });
    await tool('restore', join(folder, 'copy.db'));
    await serve(async (server) => {
      const ada = await connect(server, { token });
      const { messages } = await ada.ok('get_messages', { room_id: ada.me.rooms[0]?.id ?? '' });
      expect(messages.at(-1)?.content).toBe('hello');
    });
  });
});
