import { backup } from '../app.ts';
import { runTool, UsageError } from './run.ts';

/** `npm run backup -- FILE`: copies the database to a new file, beside a running server. */
await runTool(async (config, args) => {
  const [file] = args;
  if (file === undefined || args.length !== 1) throw new UsageError('Usage: npm run backup -- FILE');
  const { users, rooms, messages } = backup(config, file);
  console.log(`${file}: checked, ${users} users, ${rooms} rooms, ${messages} messages.`);
});
