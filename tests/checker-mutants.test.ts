import { expect, it } from 'vitest';
import { MUTANTS, runMutant } from './checker/mutants.ts';
import { describeReport } from './checker/run.ts';

// Proof that the checker can fail: servers that break the promise on purpose, each of which it must catch.
it.each(MUTANTS)('a server that would $name is caught', { timeout: 120_000 }, async (mutant) => {
  const report = await runMutant(mutant, 1);
  const caught = report.findings.some(({ kind, text }) => kind === mutant.kind && mutant.says.test(text));
  expect(caught, describeReport(report)).toBe(true);
});
