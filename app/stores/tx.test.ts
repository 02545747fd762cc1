import { describe, expect, it } from 'vitest';
import { Activity } from './activity.ts';
import type { Wanted } from './known-rows.ts';
import type { AnyRow } from './query.ts';
import type { Row } from './tables.ts';
import { type Change, Tx } from './tx.ts';

const room = (id: string): Row<'rooms'> => ({
  id,
  name: id,
  name_key: id,
  type: 'public',
  password_hash: null,
  created_by: 'ada',
  owner_id: 'ada',
  created_at: 1,
  active_at: 1,
  seq: 1,
  user_count: 1,
  client_id: null,
  listed_at: 1,
});

const user = (id: string, name_key: string | null = id): Row<'users'> => ({
  id,
  username: id,
  name_key,
  generation: 0,
  created_at: 1,
  connected_at: 1,
  last_activity: 1,
  retired_at: null,
  seen_at: 1,
});

const ALL = { rooms: ['garden', 'attic'], users: ['ada', 'can', 'eve'], counters: ['notices'] };

/** A unit of work over rows, which notes what is read. */
function open(...rows: [table: string, row: object][]) {
  const read: string[] = [];
  const find = ([table, key, ...values]: Wanted) =>
    rows.find(([name, row]) => {
      const columns = key === 'name' ? ['name_key'] : key === 'client_id' ? ['created_by', 'client_id'] : ['id'];
      return name === table && columns.every((column, i) => (row as AnyRow)[column] === values[i]);
    })?.[1];
  const tx = new Tx(
    {
      row(wanted) {
        read.push(wanted.join(' '));
        return find(wanted) && ({ ...find(wanted) } as AnyRow);
      },
      rows({ text }) {
        read.push(text);
        return [];
      },
    },
    new Activity(),
  );
  const attempt = (run: () => void) => tx.attempt(ALL, run);
  return { tx, read, attempt };
}

const told = (seq: number) => ({ message: { seq } }) as never;
const shape = (changes: readonly Change[]) =>
  changes.map((change) => (change.kind === 'run' ? change.query.text : `${change.kind} ${change.table}`));

describe('a unit of work', () => {
  it('gives one object for a row, whichever key finds it, and reads it once for each', () => {
    const { tx, read } = open(['users', user('ada')]);
    const row = tx.get('users', 'id', 'ada');
    expect(tx.get('users', 'name', 'ada')).toBe(row);
    expect(tx.get('users', 'id', 'ada')).toBe(row);
    expect(tx.get('users', 'id', 'nobody')).toBeUndefined();
    expect(tx.get('users', 'id', 'nobody')).toBeUndefined();
    expect(read).toEqual(['users id ada', 'users id nobody']);
  });

  it('shows each change to what comes behind, and writes deletions, then updates, then inserts', () => {
    const { tx, attempt } = open(['users', user('ada')], ['users', user('can')], ['rooms', room('garden')]);
    attempt(() => {
      const ada = tx.get('users', 'id', 'ada');
      const can = tx.get('users', 'id', 'can');
      if (ada === undefined || can === undefined) throw new Error('they are there');
      tx.insert('users', user('eve', 'free'));
      tx.update('users', ada, { name_key: null });
      tx.delete('users', can);
      expect(tx.get('users', 'name', 'ada')).toBeUndefined();
      expect(tx.get('users', 'name', 'free')?.id).toBe('eve');
      expect(tx.get('users', 'id', 'can')).toBeUndefined();
    });
    expect(shape(tx.takeChanges())).toEqual(['delete users', 'update users', 'insert users']);
    expect(tx.takeChanges()).toEqual([]);
  });

  it('writes only the columns that changed, and rows that changed alike together', () => {
    const { tx, attempt } = open(['rooms', room('garden')], ['rooms', room('attic')]);
    attempt(() => {
      for (const id of ['garden', 'attic']) {
        const row = tx.get('rooms', 'id', id);
        if (row !== undefined) tx.update('rooms', row, { seq: 2, name: id });
      }
    });
    const [change, ...more] = tx.takeChanges();
    expect(more).toEqual([]);
    expect(change).toMatchObject({ kind: 'update', table: 'rooms', columns: ['seq'] });
    expect(change?.kind === 'update' && change.rows.map(({ id, seq }) => [id, seq])).toEqual([
      ['garden', 2],
      ['attic', 2],
    ]);
  });

  it('writes a row that was added and changed as it is in the end, and one that was added and removed not at all', () => {
    const { tx, attempt } = open();
    attempt(() => {
      const ada = tx.insert('users', user('ada'));
      tx.update('users', ada, { generation: 3 });
      tx.delete('users', tx.insert('users', user('can')));
    });
    expect(tx.takeChanges()).toEqual([{ kind: 'insert', table: 'users', rows: [{ ...user('ada'), generation: 3 }] }]);
  });

  it('adds again what was removed in the same transaction', () => {
    const { tx, attempt } = open(['users', user('ada')]);
    attempt(() => {
      const ada = tx.get('users', 'id', 'ada');
      if (ada !== undefined) tx.delete('users', ada);
      tx.insert('users', user('ada'));
    });
    expect(shape(tx.takeChanges())).toEqual(['delete users', 'insert users']);
    expect(tx.get('users', 'name', 'ada')?.generation).toBe(0);
  });

  it('takes back what a call that throws has changed, and nothing of the others', () => {
    const { tx, attempt } = open(['users', user('ada')], ['users', user('can')], ['rooms', room('garden')]);
    const garden = () => tx.get('rooms', 'id', 'garden') ?? room('none');
    attempt(() => {
      tx.update('rooms', garden(), { seq: 2 });
      tx.tell(told(2));
    });
    expect(() =>
      attempt(() => {
        const [ada, can] = [tx.get('users', 'id', 'ada'), tx.get('users', 'id', 'can')];
        tx.update('rooms', garden(), { seq: 3, name: 'taken back' });
        if (ada !== undefined) tx.update('users', ada, { name_key: null, generation: 1 });
        if (can !== undefined) tx.delete('users', can);
        tx.insert('users', user('eve'));
        tx.tell(told(3));
        throw new Error('refused');
      }),
    ).toThrow('refused');
    expect(garden()).toMatchObject({ seq: 2, name: 'garden' });
    expect(tx.get('users', 'name', 'ada')).toEqual(user('ada'));
    expect(tx.get('users', 'id', 'can')).toEqual(user('can'));
    expect(tx.get('users', 'id', 'eve')).toBeUndefined();
    expect(tx.entries).toEqual([told(2)]);
    const changes = tx.takeChanges();
    expect(shape(changes)).toEqual(['update rooms']);
    expect(changes[0]).toMatchObject({ rows: [{ id: 'garden', seq: 2, name: 'garden' }] });
  });

  it('takes back the removal of a row that an earlier call has changed or added', () => {
    const { tx, attempt } = open(['users', user('ada')]);
    const ada = () => tx.get('users', 'id', 'ada') ?? user('none');
    attempt(() => {
      tx.update('users', ada(), { generation: 1 });
      tx.insert('users', user('eve'));
    });
    expect(() =>
      attempt(() => {
        tx.delete('users', ada());
        tx.delete('users', tx.get('users', 'id', 'eve') ?? user('none'));
        throw new Error('refused');
      }),
    ).toThrow('refused');
    const changes = tx.takeChanges();
    expect(shape(changes)).toEqual(['update users', 'insert users']);
    expect(changes[0]).toMatchObject({ columns: ['generation'], rows: [{ id: 'ada', generation: 1 }] });
  });

  it('changes a row only under the lock that guards it', () => {
    const { tx } = open(['rooms', room('garden')]);
    const garden = tx.get('rooms', 'id', 'garden') ?? room('none');
    const held = { rooms: ['attic'], users: [], counters: [] };
    const member = { room_id: 'garden', user_id: 'ada', joined_seq: 1 };
    for (const change of [
      () => tx.update('rooms', garden, { seq: 2 }),
      () => tx.delete('rooms', garden),
      () => tx.insert('members', member),
      () => tx.insert('revoked_tokens', { token_id: 'token', expires_at: 1 }),
    ])
      expect(() => tx.attempt(held, change)).toThrow(/only under its lock/);
    expect(() => tx.update('rooms', garden, { seq: 2 })).toThrow(/only under its lock/);
    expect(tx.takeChanges()).toEqual([]);
    tx.attempt({ ...held, rooms: ['garden'] }, () => tx.insert('members', member));
    tx.attempt({ ...held, users: ['ada'] }, () => tx.insert('revoked_tokens', { token_id: 'token', expires_at: 1 }));
    expect(shape(tx.takeChanges())).toEqual(['insert members', 'insert revoked_tokens']);
  });

  it('finds what is held, in whatever order it is asked for', () => {
    const { tx } = open();
    const users = ['ada', 'can', 'eve'];
    const departure = (user_id: string) => () => tx.insert('departures', { user_id });
    for (const order of [users, users.toReversed(), ['can', 'ada', 'eve']])
      tx.attempt({ rooms: [], users, counters: [] }, () => order.map((id) => departure(id)()));
    tx.attempt({ rooms: [], users: ['ada'], counters: [] }, departure('ada'));
    expect(() => tx.attempt({ rooms: [], users: ['can'], counters: [] }, departure('ada'))).toThrow(
      /only under its lock/,
    );
  });

  it('reads what no key finds only before a call changes anything', () => {
    const { tx, read, attempt } = open(['rooms', room('garden')]);
    const garden = tx.get('rooms', 'id', 'garden') ?? room('none');
    attempt(() => {
      tx.all('SELECT 1');
      tx.update('rooms', garden, { seq: 2 });
      expect(() => tx.all('SELECT 2')).toThrow(/before it changes/);
    });
    attempt(() => tx.all('SELECT 3'));
    expect(read.filter((text) => text.startsWith('SELECT'))).toEqual(['SELECT 1', 'SELECT 3']);
  });

  it('runs a statement over many rows in its place, knows nothing of them then, and lets nothing fail behind it', () => {
    const { tx, read, attempt } = open(['users', user('ada')], ['rooms', room('garden')]);
    const ada = () => tx.get('users', 'id', 'ada') ?? user('none');
    attempt(() => {
      tx.update('users', ada(), { generation: 1 });
      tx.run('users', 'UPDATE users SET seen_at = ?', 5);
      tx.update('users', ada(), { generation: 2 });
    });
    expect(shape(tx.takeChanges())).toEqual(['update users', 'UPDATE users SET seen_at = ?', 'update users']);
    expect(read).toEqual(['users id ada', 'users id ada']);
    expect(() =>
      attempt(() => {
        tx.run('users', 'DELETE FROM users');
        throw new Error('too late');
      }),
    ).toThrow(/cannot be taken back/);
  });
});
