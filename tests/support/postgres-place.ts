import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, chown, cp, mkdtemp, statfs, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findPostgres, type PostgresPrograms, postgresRunner, type Runner } from './postgres-programs.ts';

const run = promisify(execFile);

/** How a folder's name begins; the id of the process that made it follows. */
const PREFIX = 'sohbet-postgres-';

const KEEPER = join(import.meta.dirname, 'postgres-keeper.sh');

/** Where and as whom one PostgreSQL runs. */
export interface Place {
  readonly folder: string;
  /** Whether the folder was made here, and is to be removed. */
  readonly isOurs: boolean;
  /** The folder of its programs. */
  readonly bin: string;
  readonly port: number;
  readonly runner: Runner | null;
  /** Of the role `sohbet`. */
  readonly password: string;
}

/** Where Linux keeps files in memory. */
const MEMORY = '/dev/shm';

/** The room that the databases of a whole test run fit into, in bytes. */
const MEMORY_MIN = 1 << 30;

/** What is asked of a place: by default a new folder on the disk, and a new password. */
interface Asked {
  readonly folder?: string | undefined;
  readonly inMemory?: boolean | undefined;
  readonly password?: string;
}

/** Finds a place for a PostgreSQL. Throws where there is none that could run. */
export async function makePlace(asked: Asked): Promise<Place> {
  const programs = findPostgres();
  if (programs === undefined) throw new Error('There is no PostgreSQL here: neither on the PATH nor of npm.');
  const runner = postgresRunner();
  const folder = asked.folder ?? (await makeFolder(asked.inMemory === true && (await hasMemory())));
  await chmod(folder, 0o700);
  if (runner !== null) await chown(folder, runner.uid, runner.gid);
  const bin = await reachable(programs, folder, runner);
  const password = asked.password ?? randomBytes(12).toString('hex');
  return { folder, isOurs: asked.folder === undefined, bin, port: await freePort(), runner, password };
}

function makeFolder(inMemory: boolean): Promise<string> {
  return mkdtemp(join(inMemory ? MEMORY : tmpdir(), `${PREFIX}${process.pid}-`));
}

async function hasMemory(): Promise<boolean> {
  if (!existsSync(MEMORY)) return false;
  const { bavail, bsize } = await statfs(MEMORY);
  return bavail * bsize >= MEMORY_MIN;
}

/** The programs' folder, or a copy of it where the other user may not go to it, as in a home of root's. */
async function reachable({ bin, movable }: PostgresPrograms, folder: string, runner: Runner | null): Promise<string> {
  if (runner === null || movable === null) return bin;
  try {
    await run(join(bin, 'postgres'), ['--version'], { ...runner, cwd: folder });
    return bin;
  } catch {
    const copy = join(folder, 'programs');
    await cp(movable, copy, { recursive: true, verbatimSymlinks: true });
    await run('chown', ['-R', `${runner.uid}:${runner.gid}`, copy]);
    return join(copy, 'bin');
  }
}

/** Runs one of the programs to its end. Throws with what it wrote when it fails. */
export async function runAt({ bin, folder, runner }: Place, program: string, args: readonly string[]): Promise<void> {
  await run(join(bin, program), args, { ...runner, cwd: folder, env: {} });
}

/** Copies the data of one that does not run, so that the copy becomes its standby. */
export async function copyData(from: Place, to: Place): Promise<void> {
  await run('cp', ['-a', join(from.folder, 'data'), to.folder]);
  const signal = join(to.folder, 'data/standby.signal');
  await writeFile(signal, '');
  if (to.runner !== null) await chown(signal, to.runner.uid, to.runner.gid);
}

/** Has what runs in the folder ended and the folder removed when this process is gone, or at once. */
export function keep(folder: string, when: 'in the end' | 'now' = 'in the end'): ChildProcess {
  const stdin = when === 'now' ? 'ignore' : 'pipe';
  const keeper = spawn('/bin/sh', [KEEPER, folder], { detached: true, stdio: [stdin, 'ignore', 'ignore'] });
  keeper.unref();
  return keeper;
}

/** Removes what runs have left whose process is gone, and whose keeper was killed too. */
export function sweepPlaces(): void {
  for (const base of [tmpdir(), MEMORY].filter(existsSync)) {
    for (const name of readdirSync(base)) {
      const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
      if (pid !== undefined && !isAlive(Number(pid))) keep(join(base, name), 'now');
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
