import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { EVERYTHING, OF_POSTGRES, onPostgres } from './tests/support/projects.ts';
import { SkippedReporter } from './tests/support/skipped-reporter.ts';

/** What `npm run mutants` runs of the unit tests, group by group. */
const mutants = process.env['MUTANTS_TESTS']?.split(',');

/** The files that take longest. They begin first, or the end waits for one of them. */
const LONGEST = ['tests/checker', 'tests/fuzz', 'tests/sdk-checker', 'tests/sdk-reconnect', 'app/stores/store'].map(
  (name) => `/${name}.test.ts`,
);

/** Begins with the longest files, and keeps vitest's order for the rest. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => LONGEST.some((end) => moduleId.endsWith(end));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

/** `--project postgres` asks for all that can run on it; beside SQLite a part does. */
const extent = process.argv.some((argument) => /^(--project=)?postgres$/.test(argument)) ? 'all' : 'part';

/** The engines, each a project, so that its name stands before each test. */
const PROJECTS = [
  { test: { name: 'sqlite', include: EVERYTHING, exclude: OF_POSTGRES, env: { TEST_ENGINE: 'sqlite' } } },
  { test: { name: 'postgres', ...onPostgres(extent), env: { TEST_ENGINE: 'postgres', TEST_EXTENT: extent } } },
];

export default defineConfig({
  test: {
    ...(mutants === undefined ? { projects: PROJECTS } : { include: mutants }),
    reporters: ['default', new SkippedReporter()],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // One more than there are cores, since most tests wait most of the time.
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: LongestFirst },
  },
});
