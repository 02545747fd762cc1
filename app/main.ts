import { once } from 'node:events';
import { explain } from './core/system-error.ts';

/** What asks for an end; SIGBREAK is Ctrl-Break on Windows. */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGBREAK'] as const;

/** Starts the server, and runs until it is asked to stop. Exit code 0 after that, 1 after a fault. */
async function main(): Promise<void> {
  const stop = new AbortController();
  const { signal } = stop;
  // First of all, and for good: process 1 of a container does not get a signal that it does not listen to, and Ctrl-C
  // comes twice under npm, from the terminal and from npm. What takes long to load is imported after that.
  for (const name of SIGNALS) process.on(name, () => stop.abort(0));
  const { createApp } = await import('./app.ts');
  const { readConfig } = await import('./core/config.ts');
  const { loadEnv } = await import('./core/env.ts');
  const { createLogger } = await import('./core/logger.ts');
  const { Output } = await import('./core/output.ts');

  // What is written to the data folder is for this user alone.
  process.umask(0o077);
  const config = readConfig(loadEnv(), process.stdout.isTTY);
  if (signal.aborted) return;
  const asked = once(signal, 'abort').then(() => {
    process.exitCode = signal.reason;
    // What does not end by itself in time is ended here.
    setTimeout(() => process.exit(), config.shutdownTimeoutMs - 500).unref();
  });
  const output = new Output();
  const logger = createLogger({ level: config.logLevel, pretty: config.logPretty, destination: output });
  const app = await createApp(config, { logger });
  app.onFailure((error) => {
    process.stderr.write(`${error.message}\n`);
    stop.abort(1);
  });
  if (!signal.aborted) {
    // Loading the program has left much, which V8 by itself keeps for good. Only with `--expose-gc`, as in `npm start`.
    globalThis.gc?.({ execution: 'sync', flavor: 'last-resort' });
    const { url } = await app.listen();
    output.write(`Sohbet is listening on ${url}\n`);
  }
  await asked;
  await app.close();
  process.exit();
}

main().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(1);
});
