// Breaks the code in one place after the other and runs the unit tests on it (docs/testing.md): `npm run mutants`, or
// with the names of groups or files. The exit code is 1 when a group has a score below 85 %.
import { mkdirSync } from 'node:fs';
import { join, matchesGlob } from 'node:path';
import { Stryker } from '@stryker-mutator/core';

const ROOT = join(import.meta.dirname, '..');

const CORE = ['address', 'id', 'secret'];

/** What is broken, and by which tests that must be noticed: those that are fast, in one process. Patterns of tests are parted by commas. */
const GROUPS: Readonly<Record<string, { readonly mutate: readonly string[]; readonly tests: string }>> = {
  protocol: { mutate: ['protocol/*.ts', '!protocol/story.ts'], tests: 'protocol/*.test.ts' },
  models: { mutate: ['app/models/*.ts'], tests: 'app/models/*.test.ts' },
  services: {
    mutate: ['pages', 'password', 'presence', 'token', 'typing'].map((name) => `app/services/${name}.ts`),
    tests: 'app/services/*.test.ts',
  },
  log: {
    mutate: ['app/services/log/*.ts', '!app/services/log/{tail,cut-over}.ts'],
    tests: 'app/services/log/*.test.ts',
  },
  streams: {
    mutate: ['app/services/log/{tail,cut-over}.ts'],
    tests: 'app/services/log/*.test.ts,tests/checker-tail.test.ts',
  },
  writes: {
    mutate: ['app/stores/writes/*.ts', 'app/stores/{activity,known-rows,tx}.ts'],
    tests: 'app/stores/writes/*.test.ts,app/stores/activity.test.ts,app/stores/tx.test.ts',
  },
  limits: {
    mutate: ['app/services/limits/*.ts', '!app/services/limits/limiting.ts'],
    tests: 'app/services/limits/*.test.ts',
  },
  core: {
    mutate: CORE.map((name) => `app/core/${name}.ts`),
    tests: CORE.map((name) => `app/core/${name}.test.ts`).join(','),
  },
};

/** The score below which a group has failed, in percent. */
const SCORE_MIN = 85;

const wanted = process.argv.slice(2);
const files = wanted.filter((one) => one.endsWith('.ts'));
for (const name of wanted.filter((one) => !files.includes(one)))
  if (!Object.hasOwn(GROUPS, name)) throw new Error(`There is no group ${name}.`);
for (const [name, { mutate, tests }] of Object.entries(GROUPS)) {
  const [broken, spared] = [mutate.filter((one) => !one.startsWith('!')), mutate.filter((one) => one.startsWith('!'))];
  const own = files.filter(
    (file) =>
      broken.some((pattern) => matchesGlob(file, pattern)) &&
      !spared.some((pattern) => matchesGlob(file, pattern.slice(1))),
  );
  if (wanted.length > 0 && !wanted.includes(name) && own.length === 0) continue;
  console.log(`== ${name}`);
  process.env['MUTANTS_TESTS'] = tests;
  const folder = join(ROOT, 'coverage/mutants');
  mkdirSync(folder, { recursive: true });
  await new Stryker({
    mutate: own.length > 0 ? own : [...mutate, '!**/*.test.ts'],
    testRunner: 'vitest',
    plugins: ['@stryker-mutator/vitest-runner', './tools/mutants-ignore.ts'],
    ignorers: ['documents'],
    vitest: { related: false },
    coverageAnalysis: 'perTest',
    concurrency: Number(process.env['MUTANTS_AT_ONCE'] ?? 1),
    tempDirName: 'coverage/mutants/sandbox',
    reporters: ['clear-text', 'json'],
    jsonReporter: { fileName: `coverage/mutants/${name}.json` },
    clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
    thresholds: { high: 95, low: SCORE_MIN, break: SCORE_MIN },
    // Stryker rewrites a tsconfig with TypeScript's API, which version 7 has no more; nothing here reads one.
    tsconfigFile: 'no-tsconfig.json',
    logLevel: 'warn',
  } as never).runMutationTest();
}
