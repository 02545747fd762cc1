import { parseArgs } from 'node:util';
import { startPostgres } from '../support/postgres.ts';
import { tally } from './findings.ts';
import { Random } from './random.ts';
import { describeReport, type Report } from './run.ts';
import type { Scenario } from './scenario.ts';
import { scenarios } from './scenarios.ts';

const USAGE = `Usage: npm run torture -- [--minutes N] [--rounds N] [--seed S] [--only NAME] [--harder N] [--store postgres]
  --minutes  how long to go on, 10 by default
  --rounds   ends after so many scenarios, if that is sooner
  --seed     what decides everything that is random; the time by default
  --only     a scenario: docs/testing.md has their names
  --store    sqlite, or postgres: the PostgreSQL that TEST_DATABASE_URL names, or one that is started for it
  --program  the folder whose app/main.ts is tortured, this one by default
  --harder   how many times more often faults strike than in the quick form, 7 by default
`;

/** What the command line asks for. Throws with the usage when it makes no sense. */
function readOptions() {
  const text = { type: 'string' } as const;
  const options = { minutes: text, rounds: text, seed: text, only: text, harder: text, program: text, store: text };
  const { values } = parseArgs({ options });
  const read = (given: string | undefined, otherwise: number) => {
    const value = given === undefined ? otherwise : Number(given);
    if (!(value >= 0)) throw new Error(USAGE);
    return value;
  };
  const { store = 'sqlite' } = values;
  if (store !== 'sqlite' && store !== 'postgres') throw new Error(USAGE);
  process.env['TEST_ENGINE'] = store;
  const chosen = scenarios().filter(({ name }) => values.only === undefined || values.only === name);
  if (chosen.length === 0) throw new Error(USAGE);
  return {
    chosen,
    minutes: read(values.minutes, 10),
    rounds: read(values.rounds, Number.POSITIVE_INFINITY),
    seed: read(values.seed, Date.now() % 1_000_000),
    harder: read(values.harder, 7),
    program: values.program,
    store,
  };
}

type Options = ReturnType<typeof readOptions>;

const print = (text: string) => process.stdout.write(`${text}\n`);

async function run(scenario: Scenario, seed: number, { harder, program }: Options): Promise<Report> {
  const size = { strikes: Math.ceil(scenario.strikes * harder), load: scenario.load };
  try {
    return await scenario.run({ seed, size, ...(program !== undefined && { program }) });
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { name: scenario.name, seed, findings: [{ kind: 'fault', text }], counts: {} };
  }
}

/** Runs scenario after scenario, prints what each did and found, and the sum. */
async function main(): Promise<void> {
  const options = readOptions();
  const needsPostgres = options.store === 'postgres' && !process.env['TEST_DATABASE_URL'];
  await using postgres = needsPostgres ? await startPostgres() : null;
  if (postgres !== null) process.env['TEST_DATABASE_URL'] = postgres.url();
  const { chosen, minutes, rounds, seed } = options;
  const random = new Random(seed);
  const end = performance.now() + minutes * 60_000;
  const reports: Report[] = [];
  print(`Seed ${seed}, ${minutes} minutes.`);
  for (let round = 0; round < rounds && performance.now() < end; round++) {
    const scenario = chosen[round % chosen.length];
    if (scenario === undefined) break;
    // The first round has the seed itself, so that a scenario can be repeated alone.
    const own = round === 0 ? seed : random.whole(1, 999_999_999);
    const begun = performance.now();
    const report = await run(scenario, own, options);
    reports.push(report);
    print(
      `${describeReport(report, `--harder ${options.harder} --store ${options.store}`)}\n  ${Math.round((performance.now() - begun) / 100) / 10} s`,
    );
  }
  const findings = reports.flatMap((report) => report.findings);
  const sum = (what: string) => reports.reduce((total, { counts }) => total + (counts[what] ?? 0), 0);
  print(
    `${reports.length} scenarios, ${sum('starts')} starts, ${sum('connections')} connections, ` +
      `${sum('acknowledged')} commands acknowledged, ${sum('unknown')} unknown, ${sum('deliveries')} deliveries.`,
  );
  print(tally(findings));
  process.exitCode = findings.length > 0 ? 1 : 0;
}

// Servers and mounts are undone when the process exits, which a signal alone does not let it do.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
});
