import type { SQLInputValue } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { EVERY_READ, EVERY_WRITE, FIRST_WRITES, isAnyones, namesOf } from '../../../tests/support/every-call.ts';
import { readOf } from '../engine.ts';
import { READS } from '../reads/index.ts';
import { WRITES } from '../writes/index.ts';
import { Database } from './database.ts';
import { migrate } from './migrations.ts';
import { runRead } from './read.ts';
import { Writer } from './transact.ts';

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

  override run(sql: string, ...parameters: SQLInputValue[]): number {
    this.statements.add(sql);
    return super.run(sql, ...parameters);
  }
}

/** A database with a few rows, and its writer. */
function open() {
  const db = new Watched(':memory:');
  migrate(db);
  const writer = new Writer(db);
  for (const [name, input] of FIRST_WRITES) writer.write([{ name, input }]);
  afterAll(() => db.close());
  return { db, writer };
}

/** The plans of all statements that something runs, a line a step. */
function plansOf(db: Watched, run: () => void): string[] {
  db.statements.clear();
  run();
  const statements = [...db.statements].filter((sql) => !sql.startsWith('PRAGMA'));
  return statements.flatMap((sql) =>
    db.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).map(({ detail }) => detail),
  );
}

const { db } = open();

/** The plans of a read, in all of its shapes. */
function plansOfRead(name: (typeof EVERY_READ)[number][0], isShape: (input: never) => boolean = () => true): string {
  const shapes = EVERY_READ.filter((call) => call[0] === name && isShape(call[1] as never));
  return shapes.flatMap(([, input]) => plansOf(db, () => runRead(db, readOf(name), input))).join('\n');
}

const TABLE_SCAN = /^SCAN (rooms|members|messages|users|notices|revoked_tokens|[rmu])\b/;

// Plans go by the schema alone, whatever the tables hold: nothing here runs ANALYZE.
describe('no statement that a stranger may cause walks over a whole table', () => {
  it.each(EVERY_READ)('read %s', (name, input) => {
    const plans = plansOf(db, () => runRead(db, readOf(name), input));
    expect(plans.length).toBeGreaterThan(0);
    if (isAnyones(name)) expect(plans.filter((step) => TABLE_SCAN.test(step))).toEqual([]);
  });

  const writing = open();
  const written = new Set<string>();
  it.each(EVERY_WRITE)('write %s', (name, input) => {
    const plans = plansOf(writing.db, () => {
      expect(writing.writer.write([{ name, input }]).replies).toMatchObject([{ ok: true }]);
    });
    for (const statement of writing.db.statements) written.add(statement);
    if (isAnyones(name)) expect(plans.filter((step) => TABLE_SCAN.test(step))).toEqual([]);
  });

  it('leaves out none', () => {
    expect([...written].filter((statement) => statement.startsWith('DELETE FROM notices'))).toHaveLength(1);
    expect(new Set(EVERY_READ.map(([name]) => name))).toEqual(namesOf(READS));
    expect(new Set(EVERY_WRITE.map(([name]) => name))).toEqual(namesOf(WRITES));
  });
});

it('reads messages from indexes that hold nothing else in the order that is wanted', () => {
  for (const name of ['messages.sync', 'messages.log', 'messages.page', 'rooms.snapshot'] as const) {
    const plans = plansOfRead(name);
    expect(plans).toContain('SEARCH messages USING');
    expect(
      plans
        .match(/SEARCH messages .*/g)
        ?.filter((step) => !/\(room_id=\? AND (changed=\? AND rev|seq)[<>]\?\)/.test(step)),
    ).toEqual([]);
    expect(plans).not.toContain('TEMP B-TREE');
  }
});

it('lists and searches rooms in the order of the index of those that are listed, and sorts the own alone', () => {
  const list = (query: string | undefined) =>
    plansOfRead(
      'rooms.list',
      (input: { query: string | undefined; mine: boolean }) => input.query === query && !input.mine,
    );
  expect(list(undefined)).toContain('SEARCH r USING INDEX rooms_listed');
  expect(list('a')).toContain('USING COVERING INDEX rooms_listed');
  for (const query of [undefined, 'a']) expect(list(query).match(/TEMP B-TREE/g)).toHaveLength(1);
});

it('reads at a sign-in none of the rooms that are listed to all, where only the own are wanted', () => {
  const plans = (mine: boolean) => plansOfRead('users.session', (input: { mine: boolean }) => input.mine === mine);
  expect(plans(false)).toContain('rooms_listed');
  expect(plans(true)).toContain('members_by_user');
  expect(plans(true)).not.toContain('rooms_listed');
});
