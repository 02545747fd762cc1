import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { build } from 'esbuild';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const run = promisify(execFile);

/** What an app has beside the packages; taken from this repository, so that nothing is fetched. */
const LIBRARIES = ['socket.io-client', 'zod', 'react', '@types/react'];

/** An app that uses most of the SDK. */
const APP = `
import { ChatError, type ChatMessage, createClient, memoryStorage, type Message } from 'sohbet-client';
import { ChatProvider, useChat, useMessages, useRoom } from 'sohbet-client/react';
import { createElement } from 'react';
import { COMMANDS } from 'sohbet-protocol';

const chat = createClient('http://localhost:8000', { storage: memoryStorage(), locale: 'tr' });
chat.on('message', (message: Message) => message.seq.toFixed());
// @ts-expect-error: there is no such event
chat.on('mesage', () => {});
export async function talk(): Promise<readonly ChatMessage[]> {
  await chat.signIn({ username: 'ada' });
  const room = await chat.createRoom({ name: 'garden', type: 'public' });
  // @ts-expect-error: a room needs a name
  await chat.createRoom({});
  try {
    const sent = await room.send('Hello!');
    sent.timestamp satisfies string;
  } catch (error) {
    if (error instanceof ChatError && error.code === 'RATE_LIMITED') error.retryAfterMs?.toFixed();
    // @ts-expect-error: there is no such code
    if (error instanceof ChatError && error.code === 'RATE_LIMTED') throw error;
  }
  return room.messages;
}
export function Room({ id }: { id: string }) {
  const { state, user } = useChat();
  const { members, info } = useRoom(id);
  const texts = useMessages(id).map(({ key, content }) => createElement('p', { key }, content));
  return createElement('main', null, state, user?.username, members.length, info?.name, texts);
}
export const page = createElement(ChatProvider, { chat }, createElement(Room, { id: 'x' }));
export const names = Object.keys(COMMANDS);
`;

let folder = '';
let tarballs: Record<'client' | 'protocol', string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sohbet-package-'));
  await run(process.execPath, ['tools/build-packages.ts'], { cwd: ROOT });
  const packed = await pack(['./client', './protocol', ...(await closure(LIBRARIES))]);
  const named = (name: string) => packed.find((file) => file.startsWith(name)) ?? '';
  tarballs = { client: named('sohbet-client-'), protocol: named('sohbet-protocol-') };
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module', overrides: { ws: '$ws' } }));
  const offline = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund'];
  await run('npm', ['install', ...offline, ...packed.map((file) => `./${file}`)], { cwd: folder });
  await writeFile(join(folder, 'app.ts'), APP);
}, 120_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Packs folders as they would be published, without running anything of theirs. */
async function pack(paths: readonly string[]): Promise<string[]> {
  await run('npm', ['pack', ...paths, '--ignore-scripts', '--pack-destination', folder], { cwd: ROOT });
  return (await readdir(folder)).filter((file) => file.endsWith('.tgz'));
}

/** The installed folders of these packages and of all that they depend on. */
async function closure(names: readonly string[]): Promise<string[]> {
  const found = new Map<string, string>();
  const visit = async (name: string, from: string) => {
    const path = packageFolder(name, from);
    if (found.has(name)) return;
    found.set(name, path);
    const { dependencies = {} } = JSON.parse(await readFile(join(path, 'package.json'), 'utf8'));
    for (const dependency of Object.keys(dependencies)) await visit(dependency, path);
  };
  for (const name of names) await visit(name, ROOT);
  return [...found.values()];
}

function packageFolder(name: string, from: string): string {
  const paths = createRequire(join(from, 'x.js')).resolve.paths(name) ?? [];
  const found = paths.find((path) => existsSync(join(path, name)));
  if (found === undefined) throw new Error(`${name} is not installed`);
  return join(found, name);
}

/** Bundles code of the app's folder for a browser. */
async function bundle(contents: string, external: string[]) {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: folder },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    external,
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  const [output] = outputFiles;
  if (output === undefined) throw new Error('nothing was bundled');
  return { gzipped: gzipSync(output.contents).length, inputs: Object.keys(metafile.inputs), text: output.text };
}

describe('the packages as a user installs them', () => {
  it.each([
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ])(
    'type-check in a strict app, declarations included, with module %s and resolution %s',
    async (module, moduleResolution) => {
      const config = join(folder, `tsconfig.${moduleResolution}.json`);
      const compilerOptions = {
        ...{ target: 'es2022', lib: ['ES2022', 'DOM'], types: [], strict: true, noEmit: true, skipLibCheck: false },
        ...{ module, moduleResolution },
      };
      await writeFile(config, JSON.stringify({ compilerOptions, files: ['app.ts'] }));
      const compiler = join(ROOT, 'node_modules/.bin/tsc');
      const { stdout } = await run(compiler, ['-p', config]).catch((error: { stdout: string }) => error);
      expect(stdout).toBe('');
    },
  );

  it('hold no Zod and less than 10 kB gzipped, all of it, without socket.io-client', async () => {
    const { gzipped, inputs, text } = await bundle(`export * from 'sohbet-client'`, ['socket.io-client']);
    expect(inputs.filter((path) => path.includes('zod'))).toEqual([]);
    expect(text).not.toMatch(/\bzod\b/i);
    expect(gzipped).toBeLessThan(10_000);
  });

  it('add little for React', async () => {
    const everything = `export * from 'sohbet-client'; export * from 'sohbet-client/react'`;
    const { gzipped, inputs } = await bundle(everything, ['socket.io-client', 'react']);
    expect(inputs.filter((path) => path.includes('zod'))).toEqual([]);
    expect(gzipped).toBeLessThan(11_000);
  });

  it('are tree-shakeable: what is not used is not in the bundle', async () => {
    const { gzipped, inputs } = await bundle(`export { ChatError } from 'sohbet-client'`, ['socket.io-client']);
    expect(gzipped).toBeLessThan(700);
    expect((await bundle(`import 'sohbet-client'; import 'sohbet-client/react'`, [])).text.trim()).toBe('');
    expect(inputs.length).toBeGreaterThan(0);
  });

  it('need nothing of Node: a bundle for browsers holds it all', async () => {
    const { inputs } = await bundle(`export * from 'sohbet-client'`, []);
    expect(inputs.some((path) => path.includes('socket.io-client'))).toBe(true);
    for (const file of await readdir(join(folder, 'node_modules/sohbet-client/dist'))) {
      const code = await readFile(join(folder, 'node_modules/sohbet-client/dist', file), 'utf8');
      expect(code).not.toMatch(/['"]node:|\bNodeJS\.|\.\.\/protocol|\.ts['"]/);
    }
  });

  it('run in Node', async () => {
    const code = `import { createClient, memoryStorage } from 'sohbet-client';
      const chat = createClient('http://127.0.0.1:9', { storage: memoryStorage() });
      chat.getRooms().catch((error) => { console.log(error.code); return chat.close(); });`;
    await mkdir(join(folder, 'run'), { recursive: true });
    await writeFile(join(folder, 'run/main.js'), code);
    const { stdout } = await run(process.execPath, ['run/main.js'], { cwd: folder, timeout: 10_000 });
    expect(stdout.trim()).toBe('UNAUTHENTICATED');
  });

  it.each(['client', 'protocol'] as const)('pass publint: %s', async (name) => {
    const pkgDir = join(folder, 'node_modules', `sohbet-${name}`);
    const { messages } = await publint({ pkgDir, strict: true });
    expect(messages).toEqual([]);
  });

  it.each(['client', 'protocol'] as const)('pass attw, as ESM: %s', async (name) => {
    const data = await readFile(join(folder, tarballs[name]));
    const result = await checkPackage(createPackageFromTarballData(data));
    if (result.types === false) throw new Error('there are no types');
    // A package of ES modules alone cannot be required by the oldest resolvers; that is meant.
    const problems = result.problems.filter(
      (problem) => !('resolutionKind' in problem) || !['node10', 'node16-cjs'].includes(problem.resolutionKind),
    );
    expect(problems).toEqual([]);
  });

  it('leave nothing behind that git would ask about', async ({ skip }) => {
    const left = ['client', 'protocol'].flatMap((name) => [
      `${name}/dist/index.js`,
      `${name}/sohbet-${name}-0.1.0.tgz`,
    ]);
    const inside = await run('git', ['rev-parse', '--is-inside-work-tree'], { cwd: ROOT }).catch(() => undefined);
    if (inside === undefined) return skip('this is no checkout of git');
    const { stdout } = await run('git', ['check-ignore', ...left], { cwd: ROOT });
    expect(stdout.trim().split('\n')).toEqual(left);
  });

  it('hold the built files, a manifest and a README, and no source', async () => {
    for (const name of ['client', 'protocol']) {
      const files = await readdir(join(folder, 'node_modules', `sohbet-${name}`));
      expect(files.toSorted()).toEqual(['README.md', 'dist', 'package.json']);
    }
  });
});
