import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { Database } from './database.ts';

const folder = await mkdtemp(join(tmpdir(), 'sohbet-database-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const FULL = 4_000 * 4_120;

/** Stores numbers, each in a commit, and says so, in a process that is then killed in the midst of it. */
async function killed(path: string, after: number): Promise<number> {
  const script = `
    const { Database } = await import(${JSON.stringify(new URL('./database.ts', import.meta.url))});
    const db = new Database(${JSON.stringify(path)});
    db.exec('CREATE TABLE IF NOT EXISTS numbers (number INTEGER PRIMARY KEY, text TEXT)');
    db.emptyLog();
    for (let i = 1; ; i++) {
      db.run('INSERT INTO numbers (text) VALUES (?)', 'x'.repeat(2_000));
      if (i % 40 === 0) db.emptyLog();
      process.stdout.write(i + '\\n');
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  let said = 0;
  for await (const line of createInterface(child.stdout)) {
    said = Number(line);
    if (said === after) child.kill('SIGKILL');
  }
  expect(await exit).toEqual([null, 'SIGKILL']);
  return said;
}

function numbersIn(path: string): number {
  const db = new DatabaseSync(path);
  expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
  const row = db.prepare('SELECT count(*) AS count, max(number) AS newest FROM numbers').get();
  db.close();
  expect(row?.['newest']).toBe(row?.['count']);
  return Number(row?.['count']);
}

describe('the log', () => {
  it('has its length from the start, and what is stored makes it no longer', async () => {
    const path = join(folder, 'length.db');
    const db = new Database(path);
    const length = async () => (await stat(`${path}-wal`)).size;
    db.exec('CREATE TABLE texts (text TEXT)');
    db.emptyLog();
    expect(await length()).toBe(FULL);
    expect((await readFile(`${path}-wal`)).every((byte) => byte === 0)).toBe(true);
    for (let i = 0; i < 50; i++) db.run('INSERT INTO texts VALUES (?)', 'secret');
    expect(await length()).toBe(FULL);
    // Others read what is there.
    const beside = new DatabaseSync(path, { readOnly: true });
    expect(beside.prepare('SELECT count(*) AS count FROM texts').get()).toEqual({ count: 50 });
    beside.close();
    db.emptyLog();
    const then = await length();
    expect(then).toBeLessThan(FULL / 10);
    expect(await readFile(`${path}-wal`, 'latin1')).not.toContain('secret');
    for (let i = 0; i < 50; i++) db.run('INSERT INTO texts VALUES (?)', 'secret');
    expect(await length()).toBe(then);
    db.close();
  });

  it('holds traces of what is changed or gone, not of what is counted up', () => {
    const db = new Database(join(folder, 'traces.db'));
    db.exec("CREATE TABLE counters (name TEXT, value INTEGER); INSERT INTO counters VALUES ('probe', 1)");
    const holdsAfter = (text: string) => {
      db.emptyLog();
      db.run(text, 'probe');
      return db.holdsTraces;
    };
    expect(holdsAfter('UPDATE counters SET value = 2 WHERE name = ?')).toBe(false);
    expect(holdsAfter('UPDATE counters SET value = 3, name = ? WHERE value = 2')).toBe(true);
    expect(holdsAfter('DELETE FROM counters WHERE name = ?')).toBe(true);
    db.close();
  });

  it('stays short while another process writes, and is emptied all the same', async () => {
    const path = join(folder, 'locked.db');
    const db = new Database(path);
    db.exec('CREATE TABLE texts (text TEXT)');
    const beside = new DatabaseSync(path);
    beside.exec('BEGIN IMMEDIATE');
    db.emptyLog();
    expect(db.holdsTraces).toBe(true);
    beside.exec('COMMIT');
    beside.close();
    db.emptyLog();
    expect(db.holdsTraces).toBe(false);
    expect((await stat(`${path}-wal`)).size).toBe(FULL);
    db.close();
  });

  it('loses no commit to a kill, whatever length it has', async () => {
    const path = join(folder, 'killed.db');
    let stored = 0;
    for (const after of [1, 25, 90]) {
      stored += await killed(path, after);
      const found = numbersIn(path);
      expect(found).toBeGreaterThanOrEqual(stored);
      stored = found;
    }
  });

  it('is good up to where its end is torn, with zeros behind it', async () => {
    const path = join(folder, 'torn.db');
    const db = new Database(path);
    db.exec('CREATE TABLE numbers (number INTEGER PRIMARY KEY, text TEXT)');
    db.emptyLog();
    for (let i = 0; i < 30; i++) db.run('INSERT INTO numbers (text) VALUES (?)', 'x'.repeat(2_000));
    const log = await readFile(`${path}-wal`);
    const end = log.findLastIndex((byte) => byte !== 0) + 1;
    expect(end).toBeLessThan(FULL / 2);
    for (const [torn, found] of [
      [0, 30],
      [500, 29],
    ] as const) {
      const copy = join(folder, `torn-${torn}.db`);
      await copyFile(path, copy);
      await writeFile(`${copy}-wal`, log.fill(0, end - torn));
      expect(numbersIn(copy)).toBe(found);
    }
    db.close();
  });
});
