import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';

const TMPFS_MAGIC = 0x01021994;
/** Clock ticks a second of /proc: 100 on every Linux that Node runs on (`getconf CLK_TCK`). */
const TICKS = 100;

const children = new Set<ChildProcess>();
const folders = new Set<string>();

/** The core that a process of the bench is kept on: servers on one, the load client on the other, others anywhere. */
export type Role = 'server' | 'client' | 'neither';

let pinned: boolean | undefined;

/** Whether the processes are pinned: there is a `taskset`, and cores 0 and 1 may be used. */
export function pinning(): boolean {
  if (pinned === undefined) {
    try {
      for (const core of ['0', '1']) execFileSync('taskset', ['-c', core, 'true'], { stdio: 'ignore' });
      pinned = availableParallelism() > 1;
    } catch {
      pinned = false;
    }
  }
  return pinned;
}

/** Starts Node with `args` as a child that does not outlive the bench, pinned by its role when that can be done. */
export function startNode(role: Role, args: string[], options: SpawnOptions): ChildProcess {
  const command = [process.execPath, ...args];
  if (role !== 'neither' && pinning()) command.unshift('taskset', '-c', role === 'server' ? '0' : '1');
  const child = spawn(command[0] as string, command.slice(1), options);
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/** Ends a child: `SIGTERM` and `graceMs` to obey it, then `SIGKILL`; at once when `graceMs` is 0. */
export async function stopChild(child: ChildProcess, graceMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(graceMs > 0 ? 'SIGTERM' : 'SIGKILL');
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await ended;
  clearTimeout(timer);
}

/** A new folder on a real disk where there is one, removed when the bench ends. */
export function makeFolder(): string {
  const parent = isMemory(tmpdir()) ? '/var/tmp' : tmpdir();
  const folder = mkdtempSync(join(parent, 'sohbet-bench-'));
  folders.add(folder);
  return folder;
}

/** Removes a folder of {@link makeFolder}. */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}

/** Whether a path lies in a file system that is kept in memory, where `fdatasync` costs nothing. */
export function isMemory(path: string): boolean {
  return process.platform === 'linux' && statfsSync(path).type === TMPFS_MAGIC;
}

/** Kills all children and removes all folders, at once. */
export function cleanUp(): void {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
  for (const folder of folders) removeFolder(folder);
}

/** Sees to it that nothing is left over, however the bench ends. */
export function cleanUpAtExit(): void {
  process.on('exit', cleanUp);
  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
    ['SIGHUP', 1],
  ] as const) {
    process.on(signal, () => process.exit(128 + number));
  }
}

/** The resident memory of a process in bytes; NaN where there is no /proc. */
export function residentBytes(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB/m.exec(readProc(pid, 'status'));
  return found ? Number(found[1]) * 1024 : Number.NaN;
}

/** How many files and connections a process has open; NaN where there is no /proc. */
export function openFiles(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return Number.NaN;
  }
}

/** The processor time of a process, all its threads together, in seconds; NaN where there is no /proc. */
export function cpuSeconds(pid: number): number {
  const [own = Number.NaN] = cpuTimes(pid);
  return own;
}

/** The same with all its children, those that have ended too. */
export function treeCpuSeconds(pid: number): number {
  const [own = Number.NaN, ended = Number.NaN] = cpuTimes(pid);
  const children = readProc(pid, `task/${pid}/children`).split(' ').map(Number).filter(Boolean);
  // One that has ended since the list was read counts with its parent the next time.
  return children.reduce((sum, child) => sum + (cpuTimes(child)[0] ?? 0), own + ended);
}

/** Processor seconds of a process, and of its children that have ended; nothing where there is no such process or /proc. */
function cpuTimes(pid: number): [] | [number, number] {
  const stat = readProc(pid, 'stat');
  // The name, in parentheses, may hold anything; utime, stime, cutime and cstime are the 12th field after it and on.
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15)
    .map(Number);
  if (fields.length < 4) return [];
  const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields;
  return [(user + system) / TICKS, (childUser + childSystem) / TICKS];
}

/** The processor time that the whole machine spent on work since it started, in seconds; NaN where there is no /proc. */
export function busySeconds(): number {
  const line = /^cpu +([\d ]+)/.exec(readProc('', 'stat'))?.[1];
  if (!line) return Number.NaN;
  // user, nice, system, idle, iowait, irq, softirq, steal: all but the two that mean waiting.
  const fields = line.split(' ').map(Number);
  const [idle = 0, iowait = 0] = fields.slice(3, 5);
  return (fields.slice(0, 8).reduce((sum, ticks) => sum + ticks, 0) - idle - iowait) / TICKS;
}

function readProc(pid: number | '', file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
