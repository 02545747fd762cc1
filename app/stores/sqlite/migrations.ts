import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { foldCase } from '../../models/text.ts';
import { readSteps, refuseNewer } from '../steps.ts';
import type { Database } from './database.ts';
import { giveNames } from './migrations/0009-give-names.ts';

/** Steps that statements alone cannot do. */
const CODE: ReadonlyMap<string, (db: Database) => void> = new Map([['0009-give-names', giveNames]]);

/**
 * Brings the database to the newest schema, or to the one of a program that knows only so many steps; a new one gets its
 * epoch. `PRAGMA user_version` holds how many steps are done. Times are milliseconds since 1970.
 * @returns the epoch
 * @throws Error when a newer version of this program made the file so that this one cannot use it
 */
export function migrate(db: Database, known = Number.POSITIVE_INFINITY): string {
  const steps = readSteps(join(import.meta.dirname, 'migrations')).slice(0, known);
  const done = db.get<{ user_version: number }>('PRAGMA user_version')?.user_version ?? 0;
  if (done > steps.length) refuseNewer({ done, known: steps.length, compatibleFrom: compatibleFrom(db) });
  db.addFunction('fold_case', foldCase);
  for (const [i, step] of steps.entries()) {
    if (i < done) continue;
    db.transaction('IMMEDIATE', () => {
      if (step.sql === null) CODE.get(step.name)?.(db);
      else db.exec(step.sql);
      const compatible = Math.max(step.compatibleFrom, compatibleFrom(db) ?? 0);
      db.run("INSERT OR REPLACE INTO meta (key, value) VALUES ('compatible_from', ?)", String(compatible));
      db.exec(`PRAGMA user_version = ${i + 1}`);
    });
  }
  const epoch = meta(db, 'epoch');
  // Nothing is written where nothing has to be: a full disk can still be read.
  return epoch ?? newEpoch(db);
}

function meta(db: Database, key: string): string | undefined {
  return db.get<{ value: string }>('SELECT value FROM meta WHERE key = ?', key)?.value;
}

/** The oldest schema whose program may run on this database: null where no step has said so. */
function compatibleFrom(db: Database): number | null {
  const isOurs = db.get("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'meta'") !== undefined;
  const value = isOurs ? meta(db, 'compatible_from') : undefined;
  return value === undefined ? null : Number(value);
}

function newEpoch(db: Database): string {
  const epoch = randomBytes(16).toString('hex');
  db.run("INSERT INTO meta (key, value) VALUES ('epoch', ?)", epoch);
  return epoch;
}
