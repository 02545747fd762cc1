import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { LIMITS } from '../../../protocol/limits.ts';
import { EVERY_READ, EVERY_WRITE, FIRST_WRITES, isAnyones } from '../../../tests/support/every-call.ts';
import { type Postgres, startPostgres } from '../../../tests/support/postgres.ts';
import { createDatabase } from '../../../tests/support/postgres-databases.ts';
import { findPostgres } from '../../../tests/support/postgres-programs.ts';
import { openPostgres } from './engine.ts';

/** A statement that the engine has sent. */
interface Sent {
  readonly text: string;
  /** Values that came with it. */
  readonly values: readonly unknown[];
  /** The calls that it served. */
  readonly calls: Set<string>;
}

/** All that the engine has sent, by the name of the statement, and the settings of its sessions. */
interface Traffic {
  readonly statements: ReadonlyMap<string, Sent>;
  readonly settings: string;
}

/** A step of a plan, as EXPLAIN shows it. */
interface Step {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly 'Actual Rows'?: number;
  readonly 'Actual Loops'?: number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly Step[];
}

/** The tables that grow with what people do. */
const LARGE = /^(users|revoked_tokens|notices|rooms|members|messages)$/;

const FILL = await readFile(join(import.meta.dirname, '../../../tests/support/postgres-fill.sql'), 'utf8');

/** Carries out every call on a database, and takes note of what the engine sends. */
async function trafficOf(url: string): Promise<Traffic> {
  const statements = new Map<string, Sent>();
  let settings = '';
  let call = '';
  const query = vi.spyOn(pg.Client.prototype, 'query');
  const onLeftOut = (write: string, wanted: readonly unknown[]) => {
    throw new Error(`${write} does not declare that it reads ${wanted.join(' ')}`);
  };
  const engine = await openPostgres({ url, role: 'server', onLeftOut, onFault: () => {} });
  const note = () => {
    for (const [sent] of query.mock.calls as unknown as readonly [pg.QueryConfig][]) {
      if (sent.text.startsWith('SET ')) settings = sent.text;
      if (sent.name === undefined || sent.name === '') continue;
      const found = statements.get(sent.name) ?? { text: sent.text, values: sent.values ?? [], calls: new Set() };
      statements.set(sent.name, found);
      found.calls.add(call);
    }
    query.mockClear();
  };
  try {
    note();
    for (const [calls, carryOut] of [
      [FIRST_WRITES, async (name: string, input: unknown) => (await engine.write([{ name, input }])).replies],
      [EVERY_READ, (name: string, input: unknown) => engine.read([{ name, input }])],
      [EVERY_WRITE, async (name: string, input: unknown) => (await engine.write([{ name, input }])).replies],
    ] as const) {
      for (const [name, input] of calls) {
        call = name;
        expect(await carryOut(name, input), name).toMatchObject([{ ok: true }]);
        note();
      }
    }
  } finally {
    await engine.close();
    query.mockRestore();
  }
  return { statements, settings };
}

/** A session with the settings of the engine's, in which its statements are prepared. */
async function openSession(url: string, { statements, settings }: Traffic): Promise<pg.Client> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(settings);
  for (const [name, { text }] of statements) await client.query(`PREPARE ${name} AS ${text}`);
  return client;
}

/** A value as EXECUTE takes it. */
function literal(value: unknown): string {
  if (value === null) return 'NULL';
  if (!Array.isArray(value)) return pg.escapeLiteral(String(value));
  const items = value.map((item) => (item === null ? 'NULL' : JSON.stringify(String(item))));
  return pg.escapeLiteral(`{${items.join()}}`);
}

/** The plan that a session has of a statement; with `ANALYZE` it is carried out. */
async function planOf(client: pg.Client, name: string, { values }: Sent, options = ''): Promise<Step> {
  const given = values.length === 0 ? '' : `(${values.map(literal).join(', ')})`;
  const text = `EXPLAIN (FORMAT JSON${options}) EXECUTE ${name}${given}`;
  const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: Step }] }>(text);
  const [row] = rows;
  if (row === undefined) throw new Error('no plan');
  return row['QUERY PLAN'][0].Plan;
}

const inner = (step: Step): Step[] => [step, ...(step.Plans ?? []).flatMap(inner)];

/** What of a plan looks through a whole table, or sorts messages, which all stand in an index in the order that is wanted. */
function faultsOf(step: Step, parent?: Step): string[] {
  const kind = step['Node Type'];
  const table = step['Relation Name'] ?? parent?.['Relation Name'] ?? '';
  const faults = (step.Plans ?? []).flatMap((under) => faultsOf(under, step));
  const isWalk = /Seq Scan/.test(kind) || (/Index/.test(kind) && step['Index Cond'] === undefined);
  // An index that is walked from its beginning until enough was found.
  if (LARGE.test(table) && isWalk && parent?.['Node Type'] !== 'Limit') faults.push(`${kind} of ${table}`);
  if (/Sort/.test(kind) && inner(step).some((under) => under['Relation Name'] === 'messages'))
    faults.push('Sort of messages');
  return faults;
}

/** How many rows the busiest step has looked at. */
function touched(step: Step): number {
  const rows = (step['Actual Rows'] ?? 0) + (step['Rows Removed by Filter'] ?? 0);
  return Math.max(rows * (step['Actual Loops'] ?? 0), ...(step.Plans ?? []).map(touched));
}

describe.skipIf(findPostgres() === undefined)(
  'on PostgreSQL no statement that a stranger may cause walks over a table',
  () => {
    let server: Postgres;
    let traffic: Traffic;
    let url: string;
    /** Its plans are made while all tables are empty. */
    let old: pg.Client;

    beforeAll(async () => {
      server = await startPostgres({ inMemory: true });
      await using used = await createDatabase(server.url());
      traffic = await trafficOf(used.url);
      ({ url } = await createDatabase(server.url()));
      await (await openPostgres({ url, role: 'server', onLeftOut: () => {}, onFault: () => {} })).close();
      old = await openSession(url, traffic);
    });
    afterAll(async () => {
      await old.end();
      await server[Symbol.asyncDispose]();
    });

    /** What is wrong with the plans of a session. */
    async function faultsIn(client: pg.Client): Promise<string[]> {
      const faults: string[] = [];
      for (const [name, sent] of traffic.statements) {
        const anyones = [...sent.calls].filter(isAnyones);
        if (anyones.length === 0) continue;
        for (const fault of faultsOf(await planOf(client, name, sent)))
          faults.push(`${anyones}: ${fault}: ${sent.text}`);
      }
      return faults;
    }

    /** Reads of a session that look at more rows than any should. */
    async function busyIn(client: pg.Client): Promise<string[]> {
      const faults: string[] = [];
      for (const [name, sent] of traffic.statements) {
        const reads = [...sent.calls].filter((call) => isAnyones(call) && EVERY_READ.some(([read]) => read === call));
        if (reads.length === 0 || !/^SELECT/.test(sent.text.trim())) continue;
        const rows = touched(await planOf(client, name, sent, ', ANALYZE, TIMING off'));
        if (rows > LIMITS.search_rooms + 1) faults.push(`${reads}: ${rows} rows: ${sent.text}`);
      }
      return faults;
    }

    it('when tables are empty', async () => {
      expect(await faultsIn(old)).toEqual([]);
    });

    it('when a plan was made while they were empty, when nothing is known of them, and when it is', async () => {
      await old.query(FILL);
      expect(await busyIn(old)).toEqual([]);
      for (const first of ['SELECT 1', 'ANALYZE']) {
        await old.query(first);
        const client = await openSession(url, traffic);
        expect(await faultsIn(client)).toEqual([]);
        expect(await busyIn(client)).toEqual([]);
        await client.end();
      }
    });
  },
);
