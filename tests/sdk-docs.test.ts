import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { chromium, type Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { connect } from './support/client.ts';
import { RunningProgram } from './support/process.ts';
import { startServer } from './support/server.ts';

const ROOT = join(import.meta.dirname, '..');
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));
const GUIDE = readFileSync(join(ROOT, 'docs/sdk.md'), 'utf8');
const BLOCKS = [...GUIDE.matchAll(/```(tsx?)\n([\s\S]*?)```/g)].map(([, language = '', code = '']) => ({
  language,
  code,
}));
const SOURCES = { 'sohbet-client': 'client/index.ts', 'sohbet-client/react': 'client/react.ts' };

/** What the text around a block has introduced. */
const CONTEXT = {
  chat: `declare const chat: import('sohbet-client').Chat;`,
  room: `declare const room: import('sohbet-client').ChatRoom;`,
  fileStorage: `declare const fileStorage: (path: string) => import('sohbet-client').ChatStorage;`,
};

function asModule(code: string): string {
  const known = Object.entries(CONTEXT).filter(
    ([name]) => !new RegExp(`^(const|let|function) ${name}\\b`, 'm').test(code),
  );
  return `${known.map(([, declaration]) => declaration).join('\n')}\n${code}\nexport {};\n`;
}

describe('docs/sdk.md', () => {
  it('has code blocks that type-check in a strict project', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sohbet-docs-'));
    const files = BLOCKS.map(({ language }, i) => `block-${i}.${language}`);
    await Promise.all(BLOCKS.map(({ code }, i) => writeFile(join(folder, files[i] ?? ''), asModule(code))));
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const paths = Object.fromEntries(Object.entries(SOURCES).map(([name, path]) => [name, [join(ROOT, path)]]));
    const compilerOptions = {
      ...{ target: 'es2022', lib: ['ES2024', 'DOM'], types: ['node'], module: 'esnext', moduleResolution: 'bundler' },
      ...{ strict: true, noEmit: true, skipLibCheck: true, allowImportingTsExtensions: true, jsx: 'react-jsx', paths },
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
    const run = promisify(execFile)(join(ROOT, 'node_modules/.bin/tsc'), ['-p', folder]);
    const { stdout } = await run.catch((error: { stdout: string }) => error);
    await rm(folder, { recursive: true });
    expect(stdout).toBe('');
    expect(BLOCKS.length).toBeGreaterThan(15);
  }, 60_000);

  it('begins with a chat that asks for another name, works in a browser, and comes back after a reload', async ({
    skip,
  }) => {
    if (CHROMIUM === undefined) return skip('there is no Chromium here');
    await using server = await startServer();
    const taken = await connect(server, { username: 'ada' });
    const lobby = await taken.createRoom({ name: 'lobby' });
    await using tab = await openTab((BLOCKS[0]?.code ?? '').replace('http://localhost:8000', server.url));
    await say(tab.page, 'name', 'ada');
    await tab.page.getByText('This name is taken').waitFor();
    await say(tab.page, 'name', 'can');
    await say(tab.page, 'text', 'hello from the guide');
    await tab.page.locator('p', { hasText: 'can: hello from the guide' }).waitFor();
    await taken.say(lobby, 'hello can');
    await tab.page.locator('p', { hasText: 'ada: hello can' }).waitFor();
    await tab.page.reload();
    await tab.page.locator('p', { hasText: 'can: hello from the guide' }).waitFor();
    expect(await tab.page.locator('p', { hasText: 'hello can' }).count()).toBe(1);
    expect(tab.faults).toEqual([]);
  });

  it('shows React components that also bear a room that cannot be opened', async ({ skip }) => {
    if (CHROMIUM === undefined) return skip('there is no Chromium here');
    await using server = await startServer();
    const owner = await connect(server, { username: 'owner' });
    const { id } = await owner.createRoom({ name: 'locked', type: 'private', password: 'correct horse' });
    const code = `
      import { createRoot } from 'react-dom/client';
      import { createClient } from 'sohbet-client';
      ${BLOCKS.find(({ code }) => code.includes('export const App'))?.code}
      const chat = createClient('${server.url}');
      const page = document.body.appendChild(document.createElement('main'));
      chat.signIn({ username: 'ada' }).then(() => chat.createRoom({ name: 'garden' })).then((room) => {
        room.send('hello from the garden');
        createRoot(page).render(<><App /><ChatProvider chat={chat}><Room id="${id}" /></ChatProvider></>);
      });`;
    await using tab = await openTab(code);
    await tab.page.getByText('The password is wrong').waitFor();
    await tab.page.getByRole('button', { name: 'garden' }).click();
    await tab.page.getByText('hello from the garden').waitFor();
    await tab.page.getByRole('heading', { name: 'garden, 1 members, 0 unread' }).waitFor();
    expect(tab.faults).toEqual([]);
  });

  it('shows a bot that is the same user after it was killed', async () => {
    await using server = await startServer();
    const folder = await mkdtemp(join(tmpdir(), 'sohbet-docs-'));
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const storage = /function fileStorage.*?\n}\n/s.exec(GUIDE)?.[0];
    const bot = BLOCKS.find(({ code }) => code.includes('const bot'))?.code.replace(
      'http://localhost:8000',
      server.url,
    );
    const fs = `import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';`;
    const contents = `${fs}\n${storage?.replace(': ChatStorage', '')}\n${bot}\nconsole.log('here');`;
    await writeFile(join(folder, 'bot.mjs'), await bundle(contents, 'node'));
    const ada = await connect(server, { username: 'ada' });
    const lobby = await ada.createRoom({ name: 'lobby' });
    for (const text of ['one', 'two']) {
      const program = new RunningProgram(process.execPath, ['bot.mjs'], { cwd: folder, env: {} });
      await program.output(/here/);
      await ada.say(lobby, text);
      await ada.waitFor('message', ({ content, username }) => content === `You said: ${text}` && username === 'echo');
      program.kill('SIGKILL');
      await program.ended();
    }
    await rm(folder, { recursive: true });
  });
});

/** The code as one file, the packages of this repository included. */
async function bundle(contents: string, platform: 'browser' | 'node'): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, loader: 'tsx', resolveDir: ROOT },
    external: platform === 'node' ? ['socket.io-client'] : [],
    ...{ bundle: true, format: 'esm', platform, write: false, jsx: 'automatic' },
    alias: Object.fromEntries(Object.entries(SOURCES).map(([name, path]) => [name, join(ROOT, path)])),
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  return outputFiles[0]?.text ?? '';
}

/** A page of a browser that runs the code, and what went wrong on it. */
async function openTab(contents: string) {
  const script = await bundle(contents, 'browser');
  const pages = createServer(({ url }, response) => {
    response.setHeader('Content-Type', url === '/app.js' ? 'text/javascript' : 'text/html');
    response.end(url === '/app.js' ? script : '<body><script type="module" src="/app.js"></script>');
  }).listen(0, '127.0.0.1');
  const browser = await chromium.launch({ executablePath: CHROMIUM ?? '', args: ['--no-sandbox'] });
  const page = await browser.newPage();
  const faults: string[] = [];
  page.on('pageerror', ({ message }) => faults.push(message));
  await page.goto(`http://localhost:${(pages.address() as AddressInfo).port}/`);
  const close = async () => {
    await browser.close();
    pages.close();
  };
  return { page, faults, [Symbol.asyncDispose]: close };
}

async function say(page: Page, field: string, text: string): Promise<void> {
  await page.fill(`[name=${field}]`, text);
  await page.press(`[name=${field}]`, 'Enter');
}
