// Sums vitest's JSON reports into one line, after the names of what was skipped and in which run, and fails when anything
// failed: node tools/tally.ts RUN.json EXIT_CODE …
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

/** What of vitest's JSON report is counted. */
interface Report {
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/** What became of the tests of one run. */
interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly string[];
}

/** Counts one run. A file that broke before its first test, and a run that broke without a failed test, count as one. */
function count(path: string, exitCode: number): Count {
  const files = readReport(path)?.testResults ?? [];
  const tests = files.flatMap(({ assertionResults }) => assertionResults);
  const passed = tests.filter(({ status }) => status === 'passed').length;
  let failed = 0;
  for (const file of files) {
    const failures = file.assertionResults.filter(({ status }) => status === 'failed').length;
    failed += file.status === 'failed' ? Math.max(failures, 1) : failures;
  }
  const skipped = tests.filter(({ status }) => status !== 'passed' && status !== 'failed');
  const broken = exitCode !== 0 || tests.length === 0;
  const run = basename(path, '.json');
  const names = skipped.map(({ fullName }) => `${run}: ${fullName}`);
  return { passed, failed: broken ? Math.max(failed, 1) : failed, skipped: names };
}

function readReport(path: string): Report | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    console.error(`No report of this run: ${error}`);
    return null;
  }
}

const runs: Count[] = [];
for (let index = 2; index < process.argv.length; index += 2) {
  runs.push(count(process.argv[index] ?? '', Number(process.argv[index + 1])));
}
const passed = runs.reduce((sum, run) => sum + run.passed, 0);
const failed = runs.reduce((sum, run) => sum + run.failed, 0);
const skipped = runs.flatMap((run) => run.skipped);
for (const name of skipped) console.log(`Skipped: ${name}`);
console.log(`${passed} passed, ${failed} failed, ${skipped.length} skipped`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
