import { expect, it } from 'vitest';
import { Connection } from './checker/connection.ts';
import { Recorder } from './checker/records.ts';
import { describeReport } from './checker/run.ts';
import { scenarios } from './checker/scenarios.ts';
import { startServer } from './checker/server.ts';
import { testEngine } from './support/data.ts';

/** What must have happened for a scenario to have proved anything. */
const MUST_HAPPEN: Readonly<Record<string, readonly string[]>> = {
  kill: ['unknown', 'duplicates'],
  stop: ['unknown'],
  network: ['proxy delayed', 'proxy sliced', 'proxy cut', 'proxy answer_dropped', 'proxy silent', 'duplicates'],
  undelivered: ['deaths after COMMIT', 'unknown'],
  'full-disk': ['UNAVAILABLE'],
  absence: ['missed changes', 'syncs'],
  clock: ['acknowledged'],
  connections: ['duplicates', 'NOT_A_MEMBER'],
  removals: ['NOT_A_MEMBER'],
  beside: ['written beside'],
  slow: ['duplicates', 'NOT_A_MEMBER'],
  limits: ['RATE_LIMITED'],
  'database-crash': ['strikes', 'UNAVAILABLE'],
  'database-cut': ['connections ended'],
  'database-hang': ['UNAVAILABLE'],
};

// The quick form of `npm run torture`. Seeds are fixed here, so that a failure is not a matter of luck.
// What `schedules` does is done by checker-tail.test.ts.
const served = scenarios().filter(({ name }) => name !== 'schedules');
/** One of them, where PostgreSQL is tried beside SQLite. */
const chosen = process.env['TEST_EXTENT'] === 'part' ? served.filter(({ name }) => name === 'kill') : served;

it.each(chosen)('nothing is lost, doubled or out of order: $name', { timeout: 150_000 }, async (scenario) => {
  const { strikes, load } = scenario;
  const report = await scenario.run({ seed: 1, size: { strikes, load } });
  expect(report.findings.length, describeReport(report)).toBe(0);
  for (const what of MUST_HAPPEN[scenario.name] ?? []) expect(report.counts[what] ?? 0, what).toBeGreaterThan(0);
});

it.runIf(testEngine() === 'sqlite')('returns from COMMIT only when the log is on disk', async () => {
  await using server = await startServer({ preload: [new URL('./checker/preload/commit-mode.ts', import.meta.url)] });
  const recorder = new Recorder();
  const connection = new Connection('ada', { url: server.url, way: 'websocket', client: 'ada', recorder });
  await connection.opened;
  await connection.call('authenticate', { username: 'ada' });
  const made = await connection.call('create_room', { name: 'room' });
  connection.close();
  expect(made?.ok).toBe(true);
  await server.kill('SIGTERM');
  const modes = new Set(server.output.match(/^COMMIT .*$/gm));
  expect(modes).toEqual(new Set(['COMMIT synchronous=2 journal_mode=wal']));
});
