import { execFile, execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What changes files. A file that is made is empty until one of these comes, so opening needs no place here. */
const CHANGING =
  /\b(rename\w*|unlink\w*|rmdir|mkdir\w*|ftruncate|fsync|fdatasync|pwrite64|copy_file_range|f?chmod\w*)\(/;

/** A system call of a program, by its name and how many of that name came before it. */
export interface CrashPoint {
  readonly call: string;
  readonly nth: number;
}

/** Whether programs can be run under strace here. */
export function canTrace(): boolean {
  try {
    execFileSync('strace', ['-o', '/dev/null', '-e', 'trace=none', 'true']);
    return true;
  } catch {
    return false;
  }
}

/** Runs a program to its end, and gives each of its system calls that changes a file. `log`: a file to write to. */
export async function crashPoints(program: readonly string[], log: string): Promise<CrashPoint[]> {
  await run('strace', ['-f', '-o', log, '-e', `trace=/${CHANGING.source.slice(2, -2)}`, ...program]);
  const counts = new Map<string, number>();
  const points: CrashPoint[] = [];
  for (const line of (await readFile(log, 'utf8')).split('\n')) {
    const call = CHANGING.exec(line)?.[1];
    if (call === undefined) continue;
    const nth = (counts.get(call) ?? 0) + 1;
    counts.set(call, nth);
    points.push({ call, nth });
  }
  return points;
}

/** Runs a program and kills it, as by `kill -9`, at one of its system calls. */
export async function runAndKill(program: readonly string[], { call, nth }: CrashPoint): Promise<void> {
  const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:signal=KILL:when=${nth}`];
  const ended = await run('strace', ['-f', '-qq', '-o', '/dev/null', ...inject, ...program]).then(
    () => 'by itself',
    (error: { signal?: string; code?: number }) => error.signal ?? error.code,
  );
  if (ended !== 'SIGKILL' && ended !== 137)
    throw new Error(`${call} ${nth} was to kill the program: it ended ${ended}`);
}
