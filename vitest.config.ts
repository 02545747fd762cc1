import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

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

export default defineConfig({
  test: {
    include: mutants ?? ['{app,client,protocol}/**/*.test.ts', 'tests/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // One more than there are cores, since most tests wait most of the time.
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: LongestFirst },
  },
});
