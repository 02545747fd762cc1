import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readSteps } from './steps.ts';

it('takes the files of a folder in order, and from each the oldest program that may run on what it makes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sohbet-steps-'));
  const tables = 'CREATE TABLE a (b);\n';
  const column = '-- compatible from 1\nALTER TABLE a ADD COLUMN c;\n';
  const files = { '0003-column.sql': column, '0001-tables.sql': tables, '0002-code.ts': '', '0002-code.test.ts': '' };
  for (const [name, text] of Object.entries({ ...files, 'notes.md': '' })) await writeFile(join(folder, name), text);
  expect(readSteps(folder)).toEqual([
    { name: '0001-tables', sql: tables, compatibleFrom: 1 },
    { name: '0002-code', sql: null, compatibleFrom: 2 },
    { name: '0003-column', sql: column, compatibleFrom: 1 },
  ]);
  await rm(folder, { recursive: true });
});
