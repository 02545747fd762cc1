import { spawnSync } from 'node:child_process';
import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dataFolder } from './support/data.ts';
import { RunningProgram } from './support/process.ts';
import { testEnv } from './support/server.ts';

const ROOT = join(import.meta.dirname, '..');
const START = join(ROOT, 'app/start.js');

/** Another user where root runs the tests, who may write everywhere, or else nobody else. */
const stranger = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
const strangerCanRun =
  spawnSync(process.execPath, ['-e', `fs.readFileSync(${JSON.stringify(START)})`], stranger).status === 0;

/** Starts what `npm start` starts, waits until it serves, and stops it. Returns what it said on standard error. */
async function run(env: Record<string, string | undefined>, as: object = {}): Promise<string> {
  const options = { cwd: '/', env: { ...testEnv('/'), DATABASE_URL: 'sqlite::memory:', ...env }, ...as };
  await using program = new RunningProgram(process.execPath, [START], options);
  await program.output(/listening/);
  program.kill('SIGTERM');
  expect(await program.ended()).toEqual({ code: 0, signal: null });
  return program.stderr;
}

describe("Node's compile cache", () => {
  it('keeps what was made of the TypeScript, so that the next start makes nothing of it anew, in any thread', async () => {
    const folder = await dataFolder();
    const cache = join(folder, 'missing');
    const env = { NODE_COMPILE_CACHE: cache, NODE_DEBUG_NATIVE: 'COMPILE_CACHE' };
    expect(await run(env)).toContain('no transpile cache for');
    const said = await run(env);
    expect(said).not.toContain('no transpile cache for');
    for (const file of ['main', 'stores/sqlite/worker'])
      expect(said).toMatch(new RegExp(`retrieving transpile cache for .*/app/${file}\\.ts\\.\\.\\.success`));
    await rm(folder, { recursive: true });
  });

  it('is beside the packages where nothing else is said', async () => {
    const said = await run({ NODE_COMPILE_CACHE: undefined, NODE_DEBUG_NATIVE: 'COMPILE_CACHE' });
    expect(said).toMatch(/reading cache from .* for .*worker\.ts/);
    const folders = [...said.matchAll(/reading cache from (\S+) for/g)].map(([, path]) => path);
    const own = join(ROOT, 'node_modules/.cache/sohbet/');
    expect(folders.filter((path) => !path?.startsWith(own))).toEqual([]);
  });

  it('is done without, with no word, where its folder cannot be made', async () => {
    const folder = await dataFolder();
    const file = join(folder, 'file');
    await writeFile(file, '');
    expect(await run({ NODE_COMPILE_CACHE: file })).toBe('');
    expect(await run({ NODE_COMPILE_CACHE: join(file, 'below') })).toBe('');
    await rm(folder, { recursive: true });
  });

  it.runIf(strangerCanRun)(
    "is done without, with no word, where its folder is someone else's or read-only",
    async () => {
      const folder = await dataFolder();
      await chmod(folder, 0o555);
      expect(await run({ NODE_COMPILE_CACHE: folder }, stranger)).toBe('');
      await chmod(folder, 0o000);
      expect(await run({ NODE_COMPILE_CACHE: folder }, stranger)).toBe('');
      await rm(folder, { recursive: true });
    },
  );
});
