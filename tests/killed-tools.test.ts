import { existsSync } from 'node:fs';
import { cp, lstat, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backupDatabase } from '../app/stores/sqlite/backup.ts';
import { claimDatabase, findDatabase, refuseLostDatabase } from '../app/stores/sqlite/claim.ts';
import { Database } from '../app/stores/sqlite/database.ts';
import { migrate } from '../app/stores/sqlite/migrations.ts';
import { restoreDatabase } from '../app/stores/sqlite/restore.ts';
import { type CrashPoint, canTrace, crashPoints, runAndKill } from './support/strace.ts';

const CORE = join(import.meta.dirname, 'support/tool-core.ts');
/** So many programs run at once. */
const AT_ONCE = 4;

let folder: string;
/** A database as a killed server leaves it: the newest commits are in its log alone. */
let template: string;
/** A backup that holds something else. */
let other: string;
let made = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sohbet-killed-'));
  template = join(folder, 'template');
  other = join(folder, 'other.db');
  const open = await makeDatabase('old');
  await cp(join(folder, 'old'), template, { recursive: true });
  open.close();
  (await makeDatabase('new')).close();
  backupDatabase(join(folder, 'new/sohbet.db'), other);
  // Node keeps compiled code when a program ends: then the next ones do not.
  process.env['NODE_COMPILE_CACHE'] = join(folder, 'compile-cache');
  await using data = await dataOf(template);
  await crashPoints(core('restore', data.path, other), join(folder, 'warm.log'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A database that says which one it is, twice: with a word in the file and one in its log. */
async function makeDatabase(word: string): Promise<Database> {
  await mkdir(join(folder, word));
  const db = new Database(join(folder, word, 'sohbet.db'));
  migrate(db);
  db.run("INSERT INTO meta VALUES ('first', ?)", word);
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  db.run("INSERT INTO meta VALUES ('last', ?)", word);
  return db;
}

interface Held {
  first: string;
  last: string;
  epoch: string;
}

/** What a database says it is. */
function held(path: string): Held {
  const db = new DatabaseSync(path);
  try {
    expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    const rows = db.prepare('SELECT key, value FROM meta').all();
    return Object.fromEntries(rows.map(({ key, value }) => [key, value])) as unknown as Held;
  } finally {
    db.close();
  }
}

/** The data of a server: `path` is a symbolic link to the database in a volume. */
async function dataOf(source: string) {
  const place = join(folder, `place-${++made}`);
  const volume = join(place, 'volume');
  await cp(source, volume, { recursive: true });
  await mkdir(join(place, 'data'));
  const path = join(place, 'data/sohbet.db');
  await symlink(join(volume, 'sohbet.db'), path);
  return {
    place,
    volume,
    path,
    file: join(volume, 'sohbet.db'),
    [Symbol.asyncDispose]: () => rm(place, { recursive: true }),
  };
}

/** Lets a program be killed at each of these system calls, some at once. */
async function atEach(points: readonly CrashPoint[], test: (point: CrashPoint) => Promise<void>): Promise<void> {
  const left = [...points];
  const worker = async () => {
    for (let point = left.shift(); point !== undefined; point = left.shift()) {
      const { call, nth } = point;
      await test(point).catch((error: unknown) => {
        throw new Error(`killed at ${call} ${nth}: ${String(error)}`, { cause: error });
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

const core = (tool: string, path: string, file: string) => [process.execPath, CORE, tool, path, file];

/** All calls but most of the many writes that are alike. */
const sample = (points: readonly CrashPoint[]) =>
  points.filter(({ call, nth }) => call !== 'pwrite64' || nth % 4 === 0);

/**
 * Looks at data after a restore of `other` was killed: it is the database of before (none, where `before` is null) or the
 * restored one, and nothing else, for the tools that work beside a server and for the next server.
 */
async function judgeRestore(
  { path, file, volume }: { path: string; file: string; volume: string },
  before: Held | null,
) {
  const whole = (now: Held) => {
    if (before !== null && now.epoch === before.epoch) return expect(now).toMatchObject(before);
    expect(now).toMatchObject({ first: 'new', last: 'new' });
    expect(now.epoch).not.toBe(held(other).epoch);
  };
  try {
    whole(held(findDatabase(path)));
  } catch (error) {
    expect(String(error)).toMatch(before === null ? /was interrupted|no database/ : /was interrupted/);
  }
  const claim = claimDatabase(path);
  expect(claim.path).toBe(file);
  if (before === null && !existsSync(file)) expect(() => refuseLostDatabase(file)).toThrow(/its log .* is/);
  else whole(held(file));
  for (const name of await readdir(volume)) {
    expect(name).not.toMatch(/restoring|restored/);
    if (/replaced-[\w-]+Z$/.test(name)) expect(held(join(volume, name))).toMatchObject(before ?? {});
  }
  expect((await lstat(path)).isSymbolicLink()).toBe(true);
  // What was left does not get into the next restore.
  restoreDatabase(claim.path, other);
  expect(held(file)).toMatchObject({ first: 'new', last: 'new' });
  claim.release();
}

describe.skipIf(!canTrace())('a tool that is killed at any system call', () => {
  it('restore leaves the database of before or the restored one, whole, and no leftovers', async () => {
    await using calm = await dataOf(template);
    const points = await crashPoints(core('restore', calm.path, other), join(folder, 'restore.log'));
    expect(points.filter(({ call }) => call.startsWith('rename'))).toHaveLength(3);
    const before = held(join(folder, 'old/sohbet.db'));
    await atEach(sample(points), async (point) => {
      await using data = await dataOf(template);
      await runAndKill(core('restore', data.path, other), point);
      await judgeRestore(data, before);
    });
  }, 60_000);

  it('restore does so where only the log of a database is left, and nothing ever starts empty', async () => {
    const lost = join(folder, 'lost');
    await cp(template, lost, { recursive: true });
    await rm(join(lost, 'sohbet.db'));
    await using calm = await dataOf(lost);
    const points = await crashPoints(core('restore', calm.path, other), join(folder, 'lost.log'));
    const moves = points.filter(({ call }) => /rename|unlink|rmdir|mkdir/.test(call));
    expect(moves.filter(({ call }) => call.startsWith('rename'))).toHaveLength(3);
    await atEach(moves, async (point) => {
      await using data = await dataOf(lost);
      await runAndKill(core('restore', data.path, other), point);
      await judgeRestore(data, null);
    });
  }, 60_000);

  it('backup leaves a whole copy or none, and the next backup removes what it began', async () => {
    await using calm = await dataOf(template);
    const points = await crashPoints(
      core('backup', calm.path, join(calm.place, 'copy.db')),
      join(folder, 'backup.log'),
    );
    await atEach(sample(points), async (point) => {
      await using data = await dataOf(template);
      const copy = join(data.place, 'copy.db');
      await runAndKill(core('backup', data.path, copy), point);
      if (existsSync(copy)) expect(held(copy)).toMatchObject({ first: 'old', last: 'old' });
      backupDatabase(findDatabase(data.path), join(data.place, 'next.db'));
      expect(held(data.path)).toMatchObject({ first: 'old', last: 'old' });
      expect((await readdir(data.place)).filter((name) => name !== 'copy.db')).toEqual(['data', 'next.db', 'volume']);
    });
  }, 60_000);
});
