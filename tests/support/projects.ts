import { findPostgres } from './postgres-programs.ts';

/** Every file with tests. */
export const EVERYTHING = ['{app,client,protocol}/**/*.test.ts', 'tests/**/*.test.ts'];

/** What is about PostgreSQL, and runs nowhere else. */
export const OF_POSTGRES = ['app/stores/{engines,postgres/**/*}.test.ts', 'tests/postgres*.test.ts'];

/** What has a store under it, and so runs on PostgreSQL too, when that is asked for or CI runs. */
const OVER_A_STORE = ['app/stores/*.test.ts', 'tests/**/*.test.ts'];

/** What of it every run tries on PostgreSQL: the store, its property test, and the checker for a short while. */
const AT_LEAST = ['app/stores/store.test.ts', 'tests/log.test.ts', 'tests/checker.test.ts'];

/** What does not run on PostgreSQL, and why not. */
const NOT_ON_POSTGRES: Readonly<Record<string, readonly string[]>> = {
  'about files of SQLite, their locks, their damages and their copies': [
    'tests/backup.test.ts',
    'tests/build.test.ts',
    'tests/compile-cache.test.ts',
    'tests/data-files.test.ts',
    'tests/erased-files.test.ts',
    'tests/faults.test.ts',
    'tests/killed-tools.test.ts',
    'tests/start-faults.test.ts',
  ],
  'no store runs in it': [
    'app/stores/{call-queue,steps,tables,tx}.test.ts',
    'tests/{bench-frames,checker-check,checker-tail,docs,loaded,sdk-docs,sdk-package,transport,verifier}.test.ts',
  ],
  'the store is not what it is about, and it takes long': [
    'tests/{abuse,below-path,fuzz,proxies,python}.test.ts',
    'tests/conformance/*.test.ts',
  ],
};

/** Called before the first of them. */
const SETUP = 'tests/support/postgres-setup.ts';

/** The place of a suite that did not run. */
const MISSING = 'tests/support/postgres-missing.ts';

/** Whether there is a PostgreSQL for the tests. */
const hasPostgres = Boolean(process.env['TEST_DATABASE_URL']) || findPostgres() !== undefined;

/** What runs on PostgreSQL: all that can, or a part of it; where there is none, what says so. */
export function onPostgres(extent: 'all' | 'part') {
  if (!hasPostgres) return { include: [MISSING] };
  return {
    include: [...OF_POSTGRES, ...(extent === 'all' ? OVER_A_STORE : AT_LEAST)],
    exclude: Object.values(NOT_ON_POSTGRES).flat(),
    globalSetup: SETUP,
  };
}
