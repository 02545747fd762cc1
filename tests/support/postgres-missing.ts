import { describe, it } from 'vitest';

// Stands for what would run on PostgreSQL, where there is none: so that it is told as skipped, and is not forgotten.
describe.skip('PostgreSQL: it is neither on the PATH, nor of npm, nor named by TEST_DATABASE_URL', () => {
  it('the tests of the store, and all others that have a store under them', () => {});
});
