import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { guest, message, newId, roomOf } from '../../../tests/support/records.ts';
import { createLogger } from '../../core/logger.ts';
import { createMetrics } from '../../core/metrics.ts';
import { backupDatabase } from './backup.ts';
import { claimDatabase } from './claim.ts';
import { restoreDatabase } from './restore.ts';
import { openSqliteStore } from './store.ts';

const folder = await mkdtemp(join(tmpdir(), 'sohbet-store-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const logger = createLogger({ level: 'silent', pretty: false });

/** A store that is closed with the test. */
async function open(path = join(folder, `${newId()}.db`)) {
  const store = await openSqliteStore({ path, queueMax: 10_000, logger, metrics: createMetrics() });
  return { store, path, [Symbol.asyncDispose]: () => store.close() };
}

describe('a database file', () => {
  it('is refused when a newer version made it', async () => {
    const path = join(folder, 'newer.db');
    const db = new DatabaseSync(path);
    db.exec('PRAGMA user_version = 999');
    db.close();
    await expect(open(path)).rejects.toThrow(/newer version/);
  });

  it('is locked by one server at a time', () => {
    const path = join(folder, 'locked.db');
    const lock = claimDatabase(path);
    expect(() => claimDatabase(path)).toThrow(/Another server/);
    lock.release();
    claimDatabase(path).release();
  });

  it('can be backed up while it is written, and restored as another history', async () => {
    const { store, path } = await open();
    const ada = await guest(store, 'ada');
    const room = await roomOf(store, ada.id);
    await Promise.all(
      Array.from({ length: 300 }, () => store.messages.send(message(room.id, ada.id, 'x'.repeat(2_000)))),
    );
    const writing = Array.from({ length: 300 }, () => store.messages.send(message(room.id, ada.id, 'later')));
    const file = `${path}.backup`;
    const backup = backupDatabase(path, file);
    await Promise.all(writing);
    expect(backup.messages).toBeGreaterThanOrEqual(301);
    expect(backup.epoch).toBe(store.epoch);
    expect(() => backupDatabase(path, file)).toThrow(/exists/);
    await store.close();
    const { summary, replaced } = restoreDatabase(path, file);
    expect(summary).toEqual({ ...backup, epoch: summary.epoch });
    expect(summary.epoch).not.toBe(backup.epoch);
    expect(replaced).not.toBeNull();
    await using restored = await open(path);
    expect(restored.store.epoch).toBe(summary.epoch);
    expect((await restored.store.rooms.heads({ room_ids: [room.id] }))[0]?.head).toBe(backup.messages);
  });

  it('is not replaced by what is no backup', async () => {
    const { store, path } = await open();
    await store.close();
    const file = join(folder, 'nonsense.db');
    const db = new DatabaseSync(file);
    db.exec('CREATE TABLE nonsense (a)');
    db.close();
    expect(() => restoreDatabase(path, file)).toThrow(/not a sound database/);
    await using again = await open(path);
    expect(again.store.epoch).toBe(store.epoch);
  });
});
