import { createHash, randomBytes } from 'node:crypto';
import { type AnyRow, type Cell, sql, type Value } from './query.ts';
import { columnsOf, keyOf, TABLES, type TableName } from './tables.ts';
import type { WholeDatabase } from './whole.ts';

/** What was copied. */
export interface Copied {
  /** How many rows, by table. */
  readonly rows: Readonly<Record<TableName, number>>;
  /** How many rooms have another number than their newest entry, in both databases. */
  readonly oddRooms: number;
}

/** Rows in the order of a key, whose columns are among them: a table, or what is computed of some. */
interface Listing {
  readonly select: string;
  readonly columns: readonly string[];
  readonly key: readonly string[];
}

/** What a listing was found to hold: how many rows, and a hash over all of them in their order. */
interface Found {
  readonly rows: number;
  readonly hash: string;
}

const NAMES = Object.keys(TABLES) as TableName[];

/** A new database has rows in it, and one that was only started has counted. */
const MAY_HOLD_ROWS: ReadonlySet<TableName> = new Set(['counters']);

/** So many rows are in memory at once. */
const PAGE = 500;

/** What tells of each room's log whether it is whole, by other ways than its rows. */
const LOGS: Listing = {
  select: `SELECT id, seq, (SELECT count(*) FROM messages m WHERE m.room_id = r.id) AS messages,
    (SELECT max(m.rev) FROM messages m WHERE m.room_id = r.id) AS newest FROM rooms r`,
  columns: ['id', 'seq', 'messages', 'newest'],
  key: ['id'],
};

/**
 * Copies all of a database into an empty one, and compares the two. The copy goes on with the history of the source, which
 * begins one of its own, so that no client ever takes one for the other. Nothing is in the copy until all of it is, and
 * the source only gets another epoch, before that.
 * @param onProgress told how much is done, of how much
 * @throws Error when the target is in use or not empty, or not what the source is; then the target is as before
 */
export async function copyStore(
  from: WholeDatabase,
  to: WholeDatabase,
  onProgress: (done: number, total: number) => void,
): Promise<Copied> {
  await refuseUsed(to);
  await from.begin();
  await to.begin();
  await refuseUsed(to);
  for (const table of MAY_HOLD_ROWS) await to.change({ kind: 'run', query: sql(`DELETE FROM ${table}`) });

  const counts = await countRows(from);
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  let done = 0;
  const step = (rows: readonly AnyRow[]) => {
    done += rows.length;
    onProgress(done, 2 * (all + counts.rooms));
  };
  const copied = new Map<TableName, Found>();
  for (const table of NAMES) {
    const found = await walk(from, listingOf(table), async (rows) => {
      await to.change({ kind: 'insert', table, rows });
      step(rows);
    });
    copied.set(table, found);
  }
  await compareRows(to, copied, step);
  await compareCounts({ from: counts, to: await countRows(to) });
  const oddRooms = await compareLogs(from, to, step);

  await to.setEpoch(await from.epoch());
  await from.setEpoch(randomBytes(16).toString('hex'));
  await from.commit();
  await to.commit();
  return { rows: counts, oddRooms };
}

/** Looks at what is to be copied, before anything is made to copy it to. @throws Error when it is not ours */
export async function refuseForeign(from: WholeDatabase): Promise<void> {
  if (!(await from.tables()).has('meta')) throw new Error(`There is no database of this program in ${from.name}.`);
}

/** @throws Error when somebody uses the database, or has used it */
async function refuseUsed(db: WholeDatabase): Promise<void> {
  const tables = await db.tables();
  for (const table of NAMES.filter((name) => tables.has(name) && !MAY_HOLD_ROWS.has(name))) {
    if ((await db.ask(sql(`SELECT 1 AS found FROM ${table} LIMIT 1`))).length > 0)
      throw new Error(`${db.name} is not empty (its table ${table} has rows): give a new database.`);
  }
}

async function countRows(db: WholeDatabase): Promise<Record<TableName, number>> {
  const counts: [string, number][] = [];
  for (const table of NAMES) {
    const [row] = await db.ask<{ count: number }>(sql(`SELECT count(*) AS count FROM ${table}`));
    counts.push([table, row?.count ?? 0]);
  }
  return Object.fromEntries(counts) as Record<TableName, number>;
}

/** Reads the copy through. @throws Error when it is not what was copied */
async function compareRows(
  to: WholeDatabase,
  copied: ReadonlyMap<TableName, Found>,
  step: (rows: readonly AnyRow[]) => void,
): Promise<void> {
  for (const [table, { rows, hash }] of copied) {
    const found = await walk(to, listingOf(table), step);
    if (found.rows !== rows) unlike(table, `${found.rows} rows instead of ${rows}`);
    if (found.hash !== hash) unlike(table, 'as many rows, but other ones');
  }
}

/** What the databases count themselves. @throws Error when that is not the same */
function compareCounts({ from, to }: Record<'from' | 'to', Record<TableName, number>>): void {
  for (const table of NAMES)
    if (from[table] !== to[table]) unlike(table, `${to[table]} rows instead of ${from[table]}`);
}

/** How many rooms have another number than their newest entry. @throws Error when the logs are not the same */
async function compareLogs(
  from: WholeDatabase,
  to: WholeDatabase,
  step: (rows: readonly AnyRow[]) => void,
): Promise<number> {
  let odd = 0;
  const found = await walk(from, LOGS, (rows) => {
    odd += rows.filter(({ seq, newest }) => seq !== newest).length;
    step(rows);
  });
  const copied = await walk(to, LOGS, step);
  if (copied.hash !== found.hash) unlike('rooms', 'logs that are not as long, or end elsewhere');
  return odd;
}

function unlike(table: string, how: string): never {
  throw new Error(`The copy is not what it was copied from, and was not kept: its table ${table} has ${how}.`);
}

function listingOf(table: TableName): Listing {
  const columns = columnsOf(table);
  return { select: `SELECT ${columns.join(', ')} FROM ${table}`, columns, key: keyOf(table) };
}

/** Reads a listing through, page by page, and lets each page be looked at before the next is read. */
async function walk(
  db: WholeDatabase,
  { select, columns, key }: Listing,
  look: (rows: AnyRow[]) => Promise<void> | void,
): Promise<Found> {
  const hash = createHash('sha256');
  const order = `ORDER BY ${key.join(', ')} LIMIT ${PAGE}`;
  const after = `WHERE (${key.join(', ')}) > (${key.map(() => '?').join(', ')})`;
  let count = 0;
  let rows = await db.ask<AnyRow>(sql(`${select} ${order}`));
  for (;;) {
    const last = rows.at(-1);
    if (last === undefined) return { rows: count, hash: hash.digest('hex') };
    count += rows.length;
    for (const row of rows) hash.update(`${JSON.stringify(columns.map((column): Cell => row[column] ?? null))}\n`);
    await look(rows);
    // No key has a null in it.
    const place = key.map((column) => last[column] as Value);
    rows = await db.ask<AnyRow>(sql(`${select} ${after} ${order}`, ...place));
  }
}
