import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { migrateStore } from '../app.ts';
import type { Config } from '../core/config.ts';
import { type DatabaseConfig, parseDatabase } from '../core/config-kinds.ts';
import { secretFile } from '../core/secret.ts';
import { progressBar, runTool, UsageError } from './run.ts';

const USAGE = `Usage: npm run migrate-store -- --from DATABASE --to DATABASE
Copies a database into an empty one, and compares the two. No server may run on either meanwhile.
DATABASE is as in DATABASE_URL: sqlite:./data/sohbet.db, or postgres://USER@HOST/NAME with no pooler between and the
password in PGPASSWORD, since others may see the arguments of a program.`;

/** `npm run migrate-store`: goes over to another database, with all numbers, ids and tokens. */
await runTool(async (config, args) => {
  const { from, to } = readArguments(args);
  const bar = progressBar('Copying and comparing');
  const { rows, oddRooms } = await migrateStore({ from, to }, bar.update).finally(bar.end);
  const { users, rooms, members, messages } = rows;
  console.log(
    `Copied and compared, row by row: ${users} users, ${rooms} rooms, ${members} memberships, ${messages} messages.`,
  );
  if (oddRooms > 0) console.log(`${oddRooms} rooms have another number than their newest entry, in both databases.`);
  console.log(nextSteps(config, from));
});

function readArguments(args: string[]): Record<'from' | 'to', DatabaseConfig> {
  let values: { from?: string; to?: string };
  try {
    ({ values } = parseArgs({ args, options: { from: { type: 'string' }, to: { type: 'string' } } }));
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  }
  const from = parseDatabase(values.from ?? '');
  const to = parseDatabase(values.to ?? '');
  if (from === undefined || to === undefined) throw new UsageError(USAGE);
  return { from, to };
}

function nextSteps({ tokenSecret }: Config, from: DatabaseConfig): string {
  return `What is left to do:
1. Set DATABASE_URL to the new database.
2. ${secretStep(tokenSecret !== null, from)}
3. Start the server. Clients go on where they were.
The old database is as it was, but no longer the same history: with a server started on it, clients start afresh.`;
}

/** What to do so that tokens stay valid. The secret itself is shown to nobody. */
function secretStep(isSet: boolean, from: DatabaseConfig): string {
  if (isSet) return 'Keep TOKEN_SECRET as it is.';
  const file = from.engine === 'sqlite' ? secretFile(dirname(from.path)) : null;
  if (file === null || !existsSync(file))
    return 'Set TOKEN_SECRET to that of the old server, or everybody is signed out.';
  return `Set TOKEN_SECRET to what the file ${file} holds, or everybody is signed out: TOKEN_SECRET="$(cat ${file})"`;
}
