// Keeps what clients may rely on, in tests/contract.json: npm run contract. Refuses what would break one of them.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { breakingChanges, type Contract, contract } from './compatibility.ts';

const file = join(import.meta.dirname, '../tests/contract.json');
const now = contract();
const broken = breakingChanges(JSON.parse(readFileSync(file, 'utf8')) as Contract, now);
for (const change of broken) console.error(`breaks clients: ${change}`);
// A line for each field.
const text = JSON.stringify(now, null, 2).replace(/\{[^{}]*\}/g, (inner) => inner.replace(/\n\s*/g, ' '));
if (broken.length === 0) writeFileSync(file, `${text}\n`);
process.exitCode = broken.length === 0 ? 0 : 1;
