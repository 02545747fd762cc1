import type { Reporter, TestModule, Vitest } from 'vitest/node';

/** Names in the last lines what was skipped, since a number does not say what did not run; not what `-t` leaves out. */
export class SkippedReporter implements Reporter {
  #isPart = false;

  onInit({ config }: Vitest): void {
    this.#isPart = config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    if (this.#isPart) return;
    for (const { project, children } of modules) {
      for (const { fullName } of children.allTests('skipped'))
        process.stdout.write(`Skipped on ${project.name}: ${fullName}\n`);
    }
  }
}
