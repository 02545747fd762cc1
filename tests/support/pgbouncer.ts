import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { until } from './deadline.ts';
import { postgresRunner } from './postgres-programs.ts';
import { freePort, RunningProgram } from './process.ts';

/** Whether there is a PgBouncer on the PATH. */
export const hasPgBouncer = spawnSync('pgbouncer', ['--version']).status === 0;

/** A PgBouncer before one database. */
export interface PgBouncer extends AsyncDisposable {
  /** How to connect to the database through it. */
  readonly url: string;
}

/** Starts one, in a mode, with so many connections to the database. */
export async function startPgBouncer(database: string, mode: string, size: number): Promise<PgBouncer> {
  const url = new URL(database);
  const { username, password, port } = url;
  const folder = await mkdtemp(join(tmpdir(), 'sohbet-pgbouncer-'));
  await chmod(folder, 0o755);
  const own = await freePort();
  const settings = {
    listen_addr: '127.0.0.1',
    listen_port: own,
    unix_socket_dir: '',
    auth_type: 'scram-sha-256',
    auth_file: `${folder}/users`,
    pool_mode: mode,
    default_pool_size: size,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  const file = `[databases]\n* = host=127.0.0.1 port=${port}\n[pgbouncer]\n${lines.join('\n')}\n`;
  await writeFile(join(folder, 'ini'), file);
  await writeFile(join(folder, 'users'), `"${username}" "${password}"\n`);
  const program = new RunningProgram('pgbouncer', [join(folder, 'ini')], { cwd: folder, env: {}, ...postgresRunner() });
  url.port = own;
  await until('PgBouncer to let connections in', () => canConnect(url.href));
  return {
    url: url.href,
    async [Symbol.asyncDispose]() {
      await program.kill('SIGKILL');
      await rm(folder, { recursive: true });
    },
  };
}

async function canConnect(url: string): Promise<boolean> {
  const client = new Client(url);
  client.on('error', () => {});
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
}
