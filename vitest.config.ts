import { defineConfig } from 'vitest/config';

/** What `npm run mutants` runs of the unit tests, group by group. */
const mutants = process.env['MUTANTS_TESTS']?.split(',');

export default defineConfig({
  test: {
    include: mutants ?? ['{app,client,protocol}/**/*.test.ts', 'tests/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
