import type { Reporter, TestModule } from 'vitest/node';

/** Names in the last lines what was skipped, since a number says nothing of what did not run. */
export class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    for (const { project, children } of modules) {
      for (const { fullName } of children.allTests('skipped'))
        process.stdout.write(`Skipped on ${project.name}: ${fullName}\n`);
    }
  }
}
