import { execFile, execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { undoAtExit } from './cleanup.ts';

const run = promisify(execFile);

/** A process that may be limited. */
interface Writer {
  readonly pid: number | undefined;
}

/** A disk that can be made full and given room again. */
export interface SmallDisk extends AsyncDisposable {
  /** Where the data has to be. */
  readonly folder: string;
  readonly kind: 'tmpfs' | 'limit';
  fill(server: Writer): Promise<void>;
  free(server: Writer): Promise<void>;
}

const TMPFS_SIZE = '32m';

/** A memory file system of its own, which root may mount; undefined for others. */
export async function mountSmallDisk(size = TMPFS_SIZE): Promise<SmallDisk | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'sohbet-disk-'));
  const filler = join(folder, 'filler');
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder]);
  } catch {
    await rm(folder, { recursive: true, force: true });
    return undefined;
  }
  const forget = undoAtExit(() => {
    execFileSync('umount', ['--lazy', folder]);
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    folder,
    kind: 'tmpfs',
    fill: () => fillUp(filler),
    free: () => rm(filler, { force: true }),
    async [Symbol.asyncDispose]() {
      await run('umount', ['--lazy', folder]);
      forget();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Writes a file until there is no room for one byte more. */
async function fillUp(path: string): Promise<void> {
  await using file = await open(path, 'w');
  for (let size = 1 << 20; size >= 1; ) {
    try {
      const { bytesWritten } = await file.write(Buffer.alloc(size));
      if (bytesWritten < size) size >>= 1;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
      size >>= 1;
    }
  }
}

/** Any disk, with a limit on how large files the server may write (RLIMIT_FSIZE), set from outside by util-linux. */
async function limitFileSizes(): Promise<SmallDisk | undefined> {
  try {
    await run('prlimit', ['--version']);
  } catch {
    return undefined;
  }
  const folder = await mkdtemp(join(tmpdir(), 'sohbet-disk-'));
  const limit = async ({ pid }: Writer, size: string) => {
    await run('prlimit', ['--pid', String(pid), `--fsize=${size}:unlimited`]);
  };
  return {
    folder,
    kind: 'limit',
    fill: (server) => limit(server, '1'),
    free: (server) => limit(server, 'unlimited'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A disk of the preferred kind, or of the other. Throws where neither can be made. */
export async function smallDisk(preferred: SmallDisk['kind']): Promise<SmallDisk> {
  const makers = preferred === 'tmpfs' ? [mountSmallDisk, limitFileSizes] : [limitFileSizes, mountSmallDisk];
  for (const make of makers) {
    const disk = await make();
    if (disk !== undefined) return disk;
  }
  throw new Error('neither can a small tmpfs be mounted here, nor is there prlimit of util-linux');
}
