// Sums vitest's JSON reports into one line and fails when anything failed: node tools/tally.ts REPORT EXIT_CODE …
import { readFileSync } from 'node:fs';

/** What of vitest's JSON report is counted. */
interface Report {
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

/** Counts one run. A file that broke before its first test, and a run that broke without a failed test, count as one. */
function count(path: string, exitCode: number): { readonly passed: number; readonly failed: number } {
  const files = readReport(path)?.testResults ?? [];
  let passed = 0;
  let failed = 0;
  for (const file of files) {
    const failures = file.assertionResults.filter(({ status }) => status === 'failed').length;
    passed += file.assertionResults.filter(({ status }) => status === 'passed').length;
    failed += file.status === 'failed' ? Math.max(failures, 1) : failures;
  }
  const broken = exitCode !== 0 || passed === 0;
  return { passed, failed: broken ? Math.max(failed, 1) : failed };
}

function readReport(path: string): Report | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    console.error(`No report of this run: ${error}`);
    return null;
  }
}

const runs: { readonly passed: number; readonly failed: number }[] = [];
for (let index = 2; index < process.argv.length; index += 2) {
  runs.push(count(process.argv[index] ?? '', Number(process.argv[index + 1])));
}
const passed = runs.reduce((sum, run) => sum + run.passed, 0);
const failed = runs.reduce((sum, run) => sum + run.failed, 0);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
