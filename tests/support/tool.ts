import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { testEnv } from './server.ts';

const run = promisify(execFile);

/** Runs a command-line tool on the server's data, and gives what it printed. Rejects with `stderr` when it fails. */
export async function tool(
  server: { readonly folder: string },
  name: 'admin' | 'backup' | 'migrate-store' | 'restore',
  ...args: string[]
): Promise<string> {
  const file = join(import.meta.dirname, `../../app/cli/${name}.ts`);
  const env = { PATH: process.env['PATH'], ...testEnv(server.folder) };
  const { stdout } = await run(process.execPath, [file, ...args], { env, cwd: server.folder, timeout: 25_000 });
  return stdout;
}
