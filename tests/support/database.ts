import type { SQLInputValue } from 'node:sqlite';
import { readCalls, writeCalls } from '../../app/stores/sqlite/calls.ts';
import { Database } from '../../app/stores/sqlite/database.ts';
import { migrate } from '../../app/stores/sqlite/migrations.ts';
import { RoomCache } from '../../app/stores/sqlite/room-cache.ts';

/** A database that notes each statement that is run. */
class Watched extends Database {
  readonly statements = new Set<string>();

  override get<Row>(sql: string, ...parameters: SQLInputValue[]): Row | undefined {
    this.statements.add(sql);
    return super.get<Row>(sql, ...parameters);
  }

  override all<Row>(sql: string, ...parameters: SQLInputValue[]): Row[] {
    this.statements.add(sql);
    return super.all<Row>(sql, ...parameters);
  }

  override allNamed<Row>(sql: string, parameters: Record<string, SQLInputValue>): Row[] {
    this.statements.add(sql);
    return super.allNamed<Row>(sql, parameters);
  }

  override run(sql: string, ...parameters: SQLInputValue[]): number {
    this.statements.add(sql);
    return super.run(sql, ...parameters);
  }
}

/** A database with what workers do with it, in the test's own thread. `close` it in the end. */
export function testDatabase(path: string) {
  const db = new Watched(path);
  migrate(db);
  const rooms = new RoomCache(db);

  /** Runs writes in a transaction, as the writer does. */
  function transact<T>(run: () => T): T {
    db.exec('BEGIN');
    rooms.begin();
    const value = run();
    rooms.flush();
    db.exec('COMMIT');
    return value;
  }

  /** The plans of all statements that something runs, a line a step. */
  function plansOf(run: () => void): string[] {
    db.statements.clear();
    run();
    const statements = [...db.statements].filter((sql) => !sql.startsWith('PRAGMA'));
    return statements.flatMap((sql) =>
      db.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).map(({ detail }) => detail),
    );
  }

  return { db, reads: readCalls(db), writes: writeCalls(db, rooms), transact, plansOf, close: () => db.close() };
}
