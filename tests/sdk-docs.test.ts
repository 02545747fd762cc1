import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { guest } from './support/client.ts';
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
};

function asModule(code: string): string {
  const known = Object.entries(CONTEXT).filter(([name]) => !new RegExp(`^(const|let) ${name}\\b`, 'm').test(code));
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
      ...{ target: 'es2022', lib: ['ES2024', 'DOM'], types: [], module: 'esnext', moduleResolution: 'bundler' },
      ...{ strict: true, noEmit: true, skipLibCheck: true, allowImportingTsExtensions: true, jsx: 'react-jsx', paths },
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
    const run = promisify(execFile)(join(ROOT, 'node_modules/.bin/tsc'), ['-p', folder]);
    const { stdout } = await run.catch((error: { stdout: string }) => error);
    await rm(folder, { recursive: true });
    expect(stdout).toBe('');
    expect(BLOCKS.length).toBeGreaterThan(15);
  }, 60_000);

  it('begins with a chat of fifteen lines', () => {
    const lines = BLOCKS[0]?.code.split('\n').filter((line) => line.trim() !== '') ?? [];
    expect(lines.length).toBeLessThanOrEqual(15);
  });

  it('begins with a chat that works in a browser as it stands', async ({ skip }) => {
    if (CHROMIUM === undefined) return skip('there is no Chromium here');
    await using server = await startServer();
    const contents = (BLOCKS[0]?.code ?? '').replace('http://localhost:8000', server.url);
    const { outputFiles } = await build({
      stdin: { contents, loader: 'tsx', resolveDir: ROOT },
      ...{ bundle: true, format: 'esm', write: false, jsx: 'automatic' },
      alias: Object.fromEntries(Object.entries(SOURCES).map(([name, path]) => [name, join(ROOT, path)])),
      define: { 'process.env.NODE_ENV': '"production"' },
    });
    const pages = createServer(({ url }, response) => {
      response.setHeader('Content-Type', url === '/app.js' ? 'text/javascript' : 'text/html');
      response.end(url === '/app.js' ? outputFiles[0]?.text : '<body><script type="module" src="/app.js"></script>');
    }).listen(0, '127.0.0.1');
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    try {
      const tab = await browser.newPage();
      tab.on('dialog', (dialog) => dialog.accept('ada'));
      await tab.goto(`http://localhost:${(pages.address() as AddressInfo).port}/`);
      await tab.fill('input', 'hello from the guide');
      await tab.press('input', 'Enter');
      await tab.locator('p', { hasText: 'ada: hello from the guide' }).waitFor();
      const can = await guest(server, 'can');
      const [lobby] = (await can.ok('get_rooms', {})).rooms;
      if (lobby === undefined) throw new Error('there is no lobby');
      await can.ok('join_room', { room_id: lobby.id });
      await can.say(lobby, 'hello ada');
      await tab.locator('p', { hasText: 'hello ada' }).waitFor();
      await tab.reload();
      await tab.locator('p', { hasText: 'ada: hello from the guide' }).waitFor();
      expect(await tab.locator('p', { hasText: 'hello ada' }).count()).toBe(1);
    } finally {
      await browser.close();
      pages.close();
    }
  }, 60_000);
});
