import { expect, it } from 'vitest';
import { spawnServer } from './support/process.ts';

const COLLECTIONS = new URL('./support/collections.ts', import.meta.url).href;
/** What V8 calls a collection that gives memory back to the system, and one that keeps it for later. */
const REDUCING = /Mark-Compact \(reduce\)/;
const ORDINARY = /Mark-Compact \d/;

it('gives memory back in calm times, and keeps it for speed in busy ones', async () => {
  await using server = await spawnServer({ NODE_OPTIONS: `--import ${COLLECTIONS}` });
  const { program } = server;
  expect(await program.output(REDUCING)).toBeTruthy();
  program.stdout = '';
  program.kill('SIGUSR2');
  expect(await program.output(ORDINARY)).toBeTruthy();
  program.stdout = '';
  program.kill('SIGUSR2');
  expect(await program.output(REDUCING)).toBeTruthy();
});
