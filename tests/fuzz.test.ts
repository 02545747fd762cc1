import { expect, it } from 'vitest';
import { FUZZ_ENV, Fuzz } from './fuzz/fuzz.ts';
import { spawnServer } from './support/process.ts';

/** At length: `npm run fuzz`. */
const SECONDS = Number(process.env['FUZZ_SECONDS'] ?? 20);
const SEED = Number(process.env['FUZZ_SEED'] ?? 1);
const MEMORY_MAX = 350 * 2 ** 20;

it(
  'goes on for well-behaved clients, whatever others send',
  async () => {
    await using server = await spawnServer(FUZZ_ENV);
    const report = await new Fuzz({ server, seed: SEED, ms: SECONDS * 1_000, parallel: 8 }).run();
    expect(report.findings).toEqual([]);
    expect(report.acknowledged).toBeGreaterThan(SECONDS);
    expect(Math.min(...Object.values(report.hostile))).toBeGreaterThan(10);
    expect(report.memory.most).toBeLessThan(MEMORY_MAX);
  },
  SECONDS * 1_000 + 30_000,
);
