import { existsSync } from 'node:fs';
import { glob, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { headingId, headingsOf } from '../app/http/markdown.ts';
import { TEXTS } from '../app/http/texts.ts';
import { COMMAND_NAMES, ERROR_CODES, EVENT_NAMES, LIMITS, RATES } from '../protocol/index.ts';
import { withTables } from '../tools/protocol-tables.ts';

const ROOT = join(import.meta.dirname, '..');

describe('docs/protocol.md', () => {
  const read = () => readFile(join(ROOT, 'docs/protocol.md'), 'utf8');

  it('has the tables that follow from the declarations, or "npm run tables" makes them', async () => {
    const text = await read();
    expect(text).toBe(withTables(text));
    expect(() => withTables(text.replace('<!-- rates -->', ''))).toThrow('"rates"');
  });

  it('has a row for every command, event, error code, limit and rate', async () => {
    const text = await read();
    const names = [COMMAND_NAMES, EVENT_NAMES, ERROR_CODES, Object.keys(LIMITS), Object.keys(RATES)].flat();
    for (const name of names) expect(text).toContain(`\n| \`${name}\` | `);
  });
});

describe('the links of the documents', () => {
  const withoutCode = async (file: string) => (await readFile(file, 'utf8')).replace(/^```[\s\S]*?^```$/gm, '');

  it('lead to files and headings that there are', async () => {
    const broken: string[] = [];
    let links = 0;
    for await (const name of glob(['*.md', '{client,docs,protocol}/*.md', 'examples/*/*.md'], { cwd: ROOT })) {
      const file = join(ROOT, name);
      for (const [, link = ''] of (await withoutCode(file)).matchAll(/\]\((?!\w+:)([^)\s]+)\)/g)) {
        const [path = '', heading] = link.split('#');
        const target = path === '' ? file : join(dirname(file), path);
        links += 1;
        const found =
          existsSync(target) &&
          (heading === undefined ||
            headingsOf(await withoutCode(target))
              .map(headingId)
              .includes(heading));
        if (!found) broken.push(`${name}: ${link}`);
      }
    }
    expect(broken).toEqual([]);
    expect(links).toBeGreaterThan(100);
  });
});

/** The files that the pages show. */
const shown = Object.values(TEXTS).flatMap((text) => (typeof text === 'string' ? [text] : Object.values(text)));

describe('what a client does', () => {
  /** The parts of a text: for each heading how many rules stand below it, and what code. */
  const outline = async (file: string) =>
    (await readFile(join(ROOT, file), 'utf8'))
      .split(/^## .*$/m)
      .map((part) => [part.match(/^\d+\. /gm)?.length ?? 0, part.match(/^```[\s\S]*?^```$/gm) ?? []]);

  it('is told rule by rule in every language', async () => {
    const [english, ...others] = await Promise.all(Object.values(TEXTS.rules).map(outline));
    expect(english?.length).toBeGreaterThan(4);
    for (const other of others) expect(other).toEqual(english);
  });
});

describe('the ways to deploy', () => {
  it('bring every text that the pages show into the image', async () => {
    const dockerfile = await readFile(join(ROOT, 'Dockerfile'), 'utf8');
    const ignored = await readFile(join(ROOT, '.dockerignore'), 'utf8');
    const copied = [...dockerfile.matchAll(/^COPY (.*)$/gm)].flatMap(([, files = '']) => files.split(' ').slice(0, -1));
    for (const file of shown) {
      const parts = [file, dirname(file)];
      expect(
        copied.filter((name) => parts.includes(name)),
        file,
      ).toHaveLength(1);
      expect(
        ignored.split('\n').filter((line) => parts.includes(line.slice(1))),
        file,
      ).toHaveLength(1);
    }
  });

  it('start what is built with the flags of `npm start`', async () => {
    const read = (file: string) => readFile(join(ROOT, file), 'utf8');
    const { scripts } = JSON.parse(await read('package.json')) as { scripts: { start: string } };
    const command = scripts.start.replace(/^exec /, '').replace(/ app\/start\.js$/, ' dist/app/main.js');
    expect(command).toMatch(/ dist\/app\/main\.js$/);
    for (const file of ['render.yaml', 'render.postgres.yaml'])
      expect(await read(file), file).toContain(`startCommand: ${command}\n`);
    const words = command.split(' ').map((word) => `"${word}"`);
    expect(await read('Dockerfile')).toContain(`CMD [${words.join(', ')}]\n`);
    expect(await read('docs/deploying.md')).toContain(`ExecStart=/opt/sohbet/node_modules/.bin/${command}\n`);
  });
});
