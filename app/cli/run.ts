import { type Config, readConfig } from '../core/config.ts';
import { loadEnv } from '../core/env.ts';
import { explain } from '../core/system-error.ts';

/** A fault in how a tool was called: its message is printed as it is. */
export class UsageError extends Error {}

/** Runs a command-line tool with the server's configuration. Exit code 0, or 1 with one message on standard error. */
export async function runTool(tool: (config: Config, args: string[]) => Promise<void>): Promise<void> {
  process.umask(0o077);
  try {
    await tool(readConfig(loadEnv()), process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    process.exitCode = 1;
  }
}

const BAR_WIDTH = 30;

/** A progress bar on standard error; nothing where that is not a terminal. */
export function progressBar(label: string): { update(done: number, total: number): void; end(): void } {
  const shown = process.stderr.isTTY;
  return {
    update(done, total) {
      if (!shown || total === 0) return;
      const share = Math.min(1, done / total);
      const bar = '█'.repeat(Math.round(share * BAR_WIDTH)).padEnd(BAR_WIDTH, '░');
      process.stderr.write(`\r${label} ${bar} ${Math.floor(share * 100)} %`);
    },
    end() {
      if (shown) process.stderr.write('\n');
    },
  };
}
