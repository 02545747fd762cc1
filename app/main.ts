import { createApp } from './app.ts';
import { ConfigError, loadEnv, readConfig } from './core/config.ts';
import { print } from './core/logger.ts';
import { saveMemoryWhileCalm } from './core/memory.ts';

/** Starts the server, and runs until SIGTERM or SIGINT. Exit code 0 after a stop that was asked for, 1 after a fault. */
async function main(): Promise<void> {
  // What is written to the data folder is for this user alone.
  process.umask(0o077);
  const config = readConfig(loadEnv(), process.stdout.isTTY);
  const app = await createApp(config);

  let stopping = false;
  const stop = (code: number) => {
    if (stopping) return;
    stopping = true;
    process.exitCode = code;
    // What does not end by itself in time is ended here.
    setTimeout(() => process.exit(code), config.shutdownTimeoutMs - 500).unref();
    app.close().then(
      () => process.exit(code),
      (error: unknown) => fail(error),
    );
  };
  process.once('SIGTERM', () => stop(0));
  process.once('SIGINT', () => stop(0));
  app.onFailure((error) => {
    process.stderr.write(`${error.message}\n`);
    stop(1);
  });

  const { url } = await app.listen();
  saveMemoryWhileCalm();
  print(`Sohbet is listening on ${url}\n`);
}

function fail(error: unknown): void {
  process.stderr.write(
    `${error instanceof ConfigError ? error.message : String(error instanceof Error ? error.message : error)}\n`,
  );
  process.exit(1);
}

main().catch(fail);
