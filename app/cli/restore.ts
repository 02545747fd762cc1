import { restore } from '../app.ts';
import { runTool, UsageError } from './run.ts';

/** `npm run restore -- FILE`: puts a backup in the place of the database. Refused while a server runs. */
await runTool(async (config, args) => {
  const [file] = args;
  if (file === undefined || args.length !== 1) throw new UsageError('Usage: npm run restore -- FILE');
  const { summary, replaced } = restore(config, file);
  const { users, rooms, messages } = summary;
  console.log(`Restored and checked: ${users} users, ${rooms} rooms, ${messages} messages. Clients will start afresh.`);
  if (replaced !== null) console.log(`The database of before is kept as ${replaced}.`);
});
