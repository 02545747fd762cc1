/** `npm run bench`: starts Sohbet and what it is compared with in turn under the same load and prints how they compare. */
import { writeFileSync } from 'node:fs';
import { readOptions, USAGE } from './options.ts';
import { cleanUp, cleanUpAtExit } from './processes.ts';
import { machine, print, type Table } from './report.ts';
import { deaf } from './scenarios/deaf.ts';
import { durable } from './scenarios/durable.ts';
import { fanout } from './scenarios/fanout.ts';
import { half } from './scenarios/half.ts';
import { idle } from './scenarios/idle.ts';
import { lone } from './scenarios/lone.ts';
import { resume } from './scenarios/resume.ts';
import type { Scenario } from './scenarios/scenario.ts';
import { start } from './scenarios/start.ts';
import { storm } from './scenarios/storm.ts';
import { writer } from './scenarios/writer.ts';

const SCENARIOS: Record<string, Scenario> = { fanout, lone, durable, idle, half, resume, storm, deaf, start, writer };

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2), Object.keys(SCENARIOS));
  if (!options) return console.log(USAGE);
  const about = machine();
  for (const [key, value] of Object.entries(about)) console.log(`${key}: ${value}`);
  console.log(
    `rounds: ${options.rounds} of ${options.seconds} s, the servers in turn; medians, in parentheses the range`,
  );
  const tables: Table[] = [];
  const onTable = (table: Table) => {
    tables.push(table);
    print(table);
  };
  const findings = { stockTop: new Map<number, number>() };
  const begin = performance.now();
  for (const name of options.scenarios) await SCENARIOS[name]?.(options, findings, onTable);
  console.log(`\ntook ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  if (options.json) writeFileSync(options.json, `${JSON.stringify({ ...about, options, tables }, null, 2)}\n`);
  if (tables.some((table) => table.notes.some((note) => note.startsWith('FAULT')))) process.exitCode = 1;
}

cleanUpAtExit();
main()
  .catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    if (error instanceof RangeError || error instanceof TypeError) console.error(`\n${USAGE}`);
    process.exitCode = 1;
  })
  .finally(cleanUp);
