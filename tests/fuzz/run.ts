import { parseArgs } from 'node:util';
import { spawnServer } from '../support/process.ts';
import { FUZZ_ENV, Fuzz, type FuzzReport } from './fuzz.ts';

/* Malformed input at length: `npm run fuzz -- --minutes 10 --seed 1`. Ends with exit code 1 when it found something. */

const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(0);

function line({ hostile, acknowledged, memory, findings }: FuzzReport): string {
  const count = Object.values(hostile).reduce((sum, one) => sum + one, 0);
  return `${count} hostile clients, ${acknowledged} messages beside them, ${mebibytes(memory.most)} MiB at most, ${findings.length} findings`;
}

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    parallel: { type: 'string', default: '8' },
  },
});
const seed = Number(values.seed);
const begin = performance.now();
process.stdout.write(`seed ${seed}, ${values.minutes} minutes\n`);
await using server = await spawnServer(FUZZ_ENV);
const report = await new Fuzz({
  server,
  seed,
  ms: Number(values.minutes) * 60_000,
  parallel: Number(values.parallel),
  onProgress: (soFar) => {
    const seconds = Math.round((performance.now() - begin) / 1_000);
    if (seconds % 10 === 0) process.stdout.write(`${seconds} s: ${line(soFar)}\n`);
  },
}).run();
process.stdout.write(`${line(report)}\n${JSON.stringify(report.hostile)}\n`);
for (const finding of report.findings) process.stdout.write(`${finding}\n`);
process.exitCode = report.findings.length > 0 ? 1 : 0;
