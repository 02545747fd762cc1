import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { TEXTS } from '../app/http/texts.ts';
import {
  CAPS,
  COMMAND_NAMES,
  COMMANDS,
  COMMON_ERRORS,
  ERROR_CODES,
  ERRORS,
  EVENT_NAMES,
  LIMITS,
  optionalFields,
  RATES,
} from '../protocol/index.ts';

const ROOT = join(import.meta.dirname, '..');

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

  /** The row of a table that tells of this name, as it stands. */
  const rowOf = (text: string, name: string) => new RegExp(`^\\| ?\`${name}\` ?\\|(.*)$`, 'm').exec(text)?.[1] ?? '';
  const numbersIn = (text: string) =>
    [...text.matchAll(/\d[\d,]*/g)].map(([number]) => Number(number.replaceAll(',', '')));

  it('has the value of every limit', async () => {
    const text = await read();
    for (const [name, value] of Object.entries(LIMITS)) expect(numbersIn(rowOf(text, name)), name).toContain(value);
  });

  /** The cells of the row of each command, by the command's name. */
  async function commandRows(): Promise<Map<string, string[]>> {
    const section = (await read()).split(/^## /m).find((part) => part.startsWith('Commands')) ?? '';
    const rows = [...section.matchAll(/^\| `.*$/gm)].map(([row]) => row.split(/(?<!\\)\|/).slice(1, -1));
    return new Map(rows.map(([name = '', ...cells]) => [name.replace(/[` ]/g, ''), cells]));
  }

  const quoted = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? '');

  /** The fields of the objects in backquotes, in the outermost braces alone, sorted; `?` marks what may be absent. */
  function fieldsIn(cell: string): string[] {
    const objects = quoted(cell).filter((code) => code.startsWith('{'));
    const outer = objects.map((code) => code.slice(1, -1).replace(/[[{].*[\]}]|: *('[^']*'|[\w.]+)/g, ''));
    return outer.flatMap((code) => code.match(/\w+\??/g) ?? []).sort();
  }

  /** The fields of a schema as {@link fieldsIn} gives them. */
  function fieldsOf(schema: z.ZodObject): string[] {
    const optional = optionalFields(schema);
    return Object.keys(schema.shape)
      .map((name) => (optional.includes(name) ? `${name}?` : name))
      .sort();
  }

  it('has the numbers of every rate and cap, and no other', async () => {
    const text = await read();
    expect(namesBelow(text, /^Rates/).sort()).toEqual([...Object.keys(RATES), ...Object.keys(CAPS)].sort());
    for (const [name, { count, period, burst, per }] of Object.entries(RATES)) {
      const [inTheLongRun, atOnce, of] = rowOf(text, name)
        .split('|')
        .map((cell) => cell.trim());
      expect(inTheLongRun, name).toMatch(new RegExp(` an? ${period}$`));
      expect(numbersIn(inTheLongRun ?? ''), name).toContain(count);
      expect([numbersIn(atOnce ?? ''), of], name).toEqual([[burst], per]);
    }
    for (const [name, { value }] of Object.entries(CAPS)) expect(numbersIn(rowOf(text, name)), name).toContain(value);
  });

  it('says of every error code whether the same is worth repeating', async () => {
    const text = (await read()).split(/^## /m).find((part) => part.startsWith('Error codes')) ?? '';
    for (const code of ERROR_CODES) {
      expect(rowOf(text, code).split('|').at(-2)?.trim(), code).toBe(ERRORS[code].retryable ? 'yes' : 'no');
    }
  });

  it.each(COMMAND_NAMES)('says of %s what it takes, what it answers and how it may be refused', async (name) => {
    const [payload = '', result = '', refusals = '', then = ''] = (await commandRows()).get(name) ?? [];
    const command = COMMANDS[name];
    const taken = fieldsOf(command.payload).map((field) =>
      name === 'authenticate' ? field.replace(/^(username|token)\?$/, '$1') : field,
    );
    expect(fieldsIn(payload)).toEqual(taken);
    expect(fieldsIn(result)).toEqual(fieldsOf(command.result));
    const codes: readonly string[] = ERROR_CODES;
    const common: readonly string[] = COMMON_ERRORS;
    const named = quoted(refusals).filter((word) => /^[A-Z_]+$/.test(word));
    expect(named.filter((code) => !codes.includes(code))).toEqual([]);
    expect(named.filter((code) => !common.includes(code)).sort()).toEqual([...command.errors].sort());
    const events: readonly string[] = EVENT_NAMES;
    const causes: readonly string[] = command.causes;
    expect(quoted(then).filter((event) => !events.includes(event) || !causes.includes(event))).toEqual([]);
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
    expect(await read('render.yaml')).toContain(`startCommand: ${command}\n`);
    const words = command.split(' ').map((word) => `"${word}"`);
    expect(await read('Dockerfile')).toContain(`CMD [${words.join(', ')}]\n`);
    expect(await read('docs/deploying.md')).toContain(`ExecStart=/opt/sohbet/node_modules/.bin/${command}\n`);
  });
});
