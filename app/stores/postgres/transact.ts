import type { Activity } from '../activity.ts';
import { type Call, failed, type Reply, refused, type Written, writeOf } from '../engine.ts';
import { EngineFault } from '../fault.ts';
import { isAmong, type Wanted } from '../known-rows.ts';
import type { AnyRow, Query } from '../query.ts';
import { LOCKS } from '../tables.ts';
import { type Held, Tx } from '../tx.ts';
import { heldBy, type Write } from '../write.ts';
import type { Connection } from './connection.ts';
import { CHANNEL, RAISE_LANE } from './lanes.ts';
import { type Asked, numbered, type Statements } from './statements.ts';

/** How writes are carried out. */
export interface TransactOptions {
  readonly statements: Statements;
  /** The process's row in `lanes`, and the number that this transaction raises it to. */
  readonly lane: { readonly id: string; readonly batch: number };
  /** Whether calls fail that need what another has locked, instead of all waiting for it. */
  readonly skipsLocked: boolean;
  /** Whether to tell a server of it, as what runs beside one does. */
  readonly notifies: boolean;
  /** The one of all writes of this process. */
  readonly activity: Activity;
  /** Told of a row that `reads` of a write left out, which has cost a round trip. */
  readonly onLeftOut: (write: string, wanted: Wanted) => void;
}

/** COMMIT was sent, and no answer came: the transaction may be stored, and this is what it answers then. */
export class Unheard extends Error {
  readonly written: Written;

  constructor(written: Written, cause: unknown) {
    super('The connection was lost in COMMIT.', { cause });
    this.written = written;
  }
}

/** What a call needs and is not here yet: it is read, and the call is run again. */
class Missing extends Error {
  readonly wanted: Wanted | Query<AnyRow[]>;

  constructor(wanted: Wanted | Query<AnyRow[]>) {
    super('not read yet');
    this.wanted = wanted;
  }
}

/** A call with what it declares. */
interface Declared {
  readonly name: string;
  readonly write: Write<unknown, unknown>;
  readonly input: unknown;
  readonly held: Held;
  readonly reads: readonly Wanted[];
}

const NO_ROOMS: readonly string[] = [];

/** The reply to a call that would have to wait for another's lock. */
const TAKEN = failed(new EngineFault({ kind: 'locked', text: 'Another connection holds the lock of a row.' }));

/**
 * Carries out calls in one transaction, in two round trips; three when they name messages, whose rooms are not known yet.
 * Locks come first, then what is read: a row read before its lock may be gone.
 * @throws Unheard, or what the database or a call throws: then nothing was stored
 */
export async function transact(
  connection: Connection,
  calls: readonly Call[],
  options: TransactOptions,
): Promise<Written> {
  const roomOf = await roomsOf(connection, calls, options.statements);
  const batch = new Transaction(connection, options);
  try {
    return await batch.carryOut(calls.map((call) => declared(call, roomOf)));
  } catch (error) {
    // Nobody waits for it, and it is met again if it fails: what comes next on this connection comes behind it.
    if (connection.lost === null) connection.run('ROLLBACK').catch(() => {});
    throw error;
  }
}

/** The rooms of the messages that calls name. A message never moves to another. */
async function roomsOf(
  connection: Connection,
  calls: readonly Call[],
  statements: Statements,
): Promise<ReadonlyMap<string, string>> {
  const ids = calls.flatMap(({ name, input }) => writeOf(name).messages?.(input) ?? NO_ROOMS);
  if (ids.length === 0) return new Map();
  const rows = await connection.rows<{ id: string; room_id: string }>(
    statements.own('SELECT id, room_id FROM messages WHERE id = ANY($1::text[])'),
    [ids],
  );
  return new Map(rows.map(({ id, room_id }) => [id, room_id]));
}

function declared({ name, input }: Call, roomOf: ReadonlyMap<string, string>): Declared {
  const write = writeOf(name);
  const rooms = write.messages?.(input).flatMap((id) => roomOf.get(id) ?? []) ?? NO_ROOMS;
  return { name, write, input, held: heldBy(write, input, rooms), reads: write.reads(input, rooms) };
}

/** One transaction while it is under way. */
class Transaction {
  readonly #connection: Connection;
  readonly #options: TransactOptions;
  readonly #tx: Tx;
  /** Rows that no key finds, as they are before the call that asks for them has changed anything. */
  #answers = new Map<string, AnyRow[]>();
  /** What another has locked. */
  readonly #taken = new Set<string>();
  #hasWritten = false;

  constructor(connection: Connection, options: TransactOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#tx = new Tx(
      {
        row(wanted) {
          throw new Missing(wanted);
        },
        rows: (query) => {
          const known = this.#answers.get(placeOf(query));
          if (known === undefined) throw new Missing(query);
          return known;
        },
      },
      options.activity,
    );
  }

  async carryOut(calls: readonly Declared[]): Promise<Written> {
    await this.#connection.together(() => Promise.all([this.#begin(), ...this.#lock(calls), ...this.#load(calls)]));
    const replies: Reply[] = [];
    for (const call of calls) replies.push(await this.#reply(call));
    return await this.#commit({ replies, entries: this.#tx.entries });
  }

  async #begin(): Promise<void> {
    const { statements, lane } = this.#options;
    await Promise.all([
      this.#connection.run('BEGIN ISOLATION LEVEL READ COMMITTED'),
      this.#connection.rows(statements.own(RAISE_LANE), [lane.id, lane.batch]),
    ]);
  }

  /** Locks all that the calls change, in one order, and takes note of it as it is then. */
  #lock(calls: readonly Declared[]): Promise<void>[] {
    const { statements, skipsLocked } = this.#options;
    return LOCKS.flatMap((table) => {
      const wanted = distinct(calls.flatMap(({ held }) => held[table].map((id): Wanted => [table, 'id', id])));
      if (wanted.length === 0) return [];
      const ids = wanted.map(([, , id]) => String(id));
      const { statement, values } = statements.lock(table, ids, skipsLocked);
      const locking = this.#connection.rows<AnyRow>(statement, values);
      // Only what is not there either is free of others.
      const reading = skipsLocked ? this.#find(wanted) : null;
      return [this.#note(wanted, locking, reading)];
    });
  }

  async #note(
    wanted: readonly Wanted[],
    locking: Promise<AnyRow[]>,
    reading: Promise<(AnyRow | undefined)[]> | null,
  ): Promise<void> {
    const [rows, there] = await Promise.all([locking, reading]);
    const key = wanted[0]?.[0] === 'counters' ? 'name' : 'id';
    const locked = new Map(rows.map((row) => [row[key], row]));
    for (const [i, one] of wanted.entries()) {
      const row = locked.get(one[2] ?? '');
      if (row === undefined && there?.[i] !== undefined) this.#taken.add(`${one[0]} ${one[2]}`);
      else this.#tx.add(one, row);
    }
  }

  /** Reads what the calls declare, and their locks have not read. */
  #load(calls: readonly Declared[]): Promise<void>[] {
    const locked: Readonly<Record<string, ReadonlySet<string>>> = Object.fromEntries(
      LOCKS.map((table) => [table, new Set(calls.flatMap(({ held }) => held[table]))]),
    );
    const wanted = calls.flatMap(({ reads }) =>
      reads.filter(([table, key, id]) => !(key === 'id' && locked[table]?.has(String(id)) === true)),
    );
    return this.#read(wanted);
  }

  /** Reads rows, by one statement for each key of a table. */
  #read(wanted: readonly Wanted[]): Promise<void>[] {
    const groups = Map.groupBy(wanted, ([table, key]) => `${table} ${key}`);
    return [...groups.values()].map(async (all) => {
      const group = distinct(all);
      const rows = await this.#find(group);
      for (const [i, one] of group.entries()) this.#tx.add(one, rows[i]);
    });
  }

  /** The rows of one key of a table. */
  async #find(group: readonly Wanted[]): Promise<(AnyRow | undefined)[]> {
    const [table, key] = group[0] as Wanted;
    const { statement, values } = this.#options.statements.load(table, key, group);
    return numbered(group.length, await this.#connection.arrays(statement, values)).map(([row]) => row);
  }

  async #reply(call: Declared): Promise<Reply> {
    const { write, input, held } = call;
    if (LOCKS.some((table) => held[table].some((id) => this.#taken.has(`${table} ${id}`)))) return TAKEN;
    this.#answers = new Map();
    for (;;) {
      try {
        return { ok: true, value: this.#tx.attempt(held, () => write.run(this.#tx, input)) };
      } catch (error) {
        if (!(error instanceof Missing)) return refused(error);
        await this.#fetch(error.wanted, call);
      }
    }
  }

  /** Reads what a call has asked for, as the calls before it have left it. */
  async #fetch(wanted: Wanted | Query<AnyRow[]>, { name, reads }: Declared): Promise<void> {
    const writing = this.#write();
    if ('text' in wanted) {
      const [rows] = await Promise.all([this.#ask(wanted), ...writing]);
      this.#answers.set(placeOf(wanted), rows);
    } else {
      // A row that was forgotten by a statement over many is declared all the same.
      if (!isAmong(reads, wanted)) this.#options.onLeftOut(name, wanted);
      await Promise.all([...this.#read([wanted]), ...writing]);
    }
  }

  #ask(query: Query): Promise<AnyRow[]> {
    const { statement, values } = this.#options.statements.query(query);
    return this.#connection.rows<AnyRow>(statement, values);
  }

  /** Writes what the calls have changed so far. */
  #write(): Promise<unknown>[] {
    const changes = this.#tx.takeChanges();
    if (changes.length > 0) this.#hasWritten = true;
    return changes.map((change) => this.#send(this.#options.statements.write(change)));
  }

  #send({ statement, values }: Asked): Promise<unknown> {
    return this.#connection.rows(statement, values);
  }

  async #commit(written: Written): Promise<Written> {
    const { notifies, statements } = this.#options;
    const [committed, ...writing] = await this.#connection.together(() => {
      const sent = this.#write();
      const end = this.#hasWritten ? 'COMMIT' : 'ROLLBACK';
      if (notifies && this.#hasWritten)
        sent.push(this.#connection.rows(statements.own("SELECT pg_notify($1, '')"), [CHANNEL]));
      // Not `all`: when a statement fails, COMMIT still says what became of the transaction.
      return Promise.allSettled([this.#connection.run(end), ...sent]);
    });
    if (!this.#hasWritten) return written;
    if (committed.status === 'rejected') throw new Unheard(written, committed.reason);
    // `pg` resolves the COMMIT of a transaction that had failed before, which the database answers with ROLLBACK.
    if (committed.value === 'COMMIT') return written;
    throw writing.find((one) => one.status === 'rejected')?.reason ?? new Error('The transaction was rolled back.');
  }
}

/** What a query is known by within one call. */
const placeOf = ({ text, tuples }: Query): string => JSON.stringify([text, ...tuples]);

function distinct(wanted: readonly Wanted[]): Wanted[] {
  return [...new Map(wanted.map((one) => [one.join(' '), one])).values()];
}
