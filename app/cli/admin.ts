import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { compact, withAdmin } from '../app.ts';
import { progressBar, runTool, UsageError } from './run.ts';

const USAGE = `Usage: npm run admin -- COMMAND
  rooms [TEXT]            list the rooms whose name contains TEXT
  users [TEXT]            list the users whose name contains TEXT
  set-owner ROOM_ID USER_ID
                          give a room to one of its members
  delete-room ROOM_ID     remove a room and its history
  export-user USER_ID     print all data of a user as JSON (--out FILE: write it there)
  erase-user USER_ID      make all messages of a user tombstones, and end its memberships and sessions
  delete-user USER_ID     the same as erase-user
  revoke-tokens USER_ID   sign a user out everywhere; a guest is gone for good
  prune --days N [--dry-run]
                          retire guests who were not seen for N days, remove those of them who said nothing,
                          and rooms without members in which nothing happened for as long
  compact                 give the room of what was deleted back to the disk; while no server runs
--json prints lists as one JSON object a line.`;

const DAY_MS = 24 * 60 * 60 * 1_000;

type Tools = Parameters<Parameters<typeof withAdmin>[1]>[0];

/** `npm run admin -- COMMAND`: looks after rooms and users, beside a running server or without one. */
await runTool(async (config, args) => {
  const options = {
    json: { type: 'boolean', default: false },
    out: { type: 'string' },
    days: { type: 'string' },
    'dry-run': { type: 'boolean', default: false },
  } as const;
  const { values, positionals } = parse(() => parseArgs({ args, options, allowPositionals: true }));
  const [command, argument, second] = positionals;
  const most = command === 'set-owner' ? 3 : 2;
  if (command === undefined || positionals.length > most) throw new UsageError(USAGE);
  if (command === 'compact' && argument === undefined) {
    const { before, after } = compact(config);
    return console.log(`The database has ${megabytes(after)} now, ${megabytes(before)} before.`);
  }
  await withAdmin(config, async (tools) => {
    if (command === 'rooms' || command === 'users') return await list(tools, command, argument, values.json);
    if (command === 'prune' && argument === undefined) return await prune(tools, values.days, values['dry-run']);
    if (argument === undefined) throw new UsageError(USAGE);
    if (command === 'set-owner') return await setOwner(tools, argument, second);
    await change(tools, command, argument, values.out);
  });
});

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function parse<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  }
}

async function list(
  { admin }: Tools,
  what: 'rooms' | 'users',
  query: string | undefined,
  json: boolean,
): Promise<void> {
  if (what === 'rooms') {
    for await (const room of admin.rooms(query)) {
      const { id, name, type, is_password_protected, user_count, seq } = room;
      const lock = is_password_protected ? ', password' : '';
      console.log(
        json ? JSON.stringify(room) : `${id}  ${name}  (${type}${lock}, ${user_count} members, ${seq} entries)`,
      );
    }
    return;
  }
  for await (const user of admin.users(query)) {
    console.log(json ? JSON.stringify(user) : `${user.id}  ${user.username}  (last seen ${user.last_activity})`);
  }
}

async function prune({ admin }: Tools, days: string | undefined, dryRun: boolean): Promise<void> {
  if (!/^[1-9]\d{0,5}$/.test(days ?? '')) throw new UsageError(`--days takes a whole number, 1 or more\n${USAGE}`);
  const { retired, deleted, rooms } = await admin.prune({
    before: Date.now() - Number(days) * DAY_MS,
    dryRun,
    onUser: ({ id, username, last_seen }, what) =>
      console.log(`${what} user ${id}  ${username}  (last seen ${last_seen})`),
    onRoom: ({ id, name }) => console.log(`remove room ${id}  ${name}`),
    onRest: (id) => console.log(`remove room ${id}  (the rest of it)`),
  });
  const would = dryRun ? 'Would be done: ' : '';
  console.log(`${would}${retired} guests retired, ${deleted} users removed, ${rooms} rooms removed.`);
}

async function setOwner({ admin }: Tools, room_id: string, user_id: string | undefined): Promise<void> {
  if (user_id === undefined) throw new UsageError(USAGE);
  await admin.setOwner(room_id, user_id);
  console.log(`User ${user_id} owns room ${room_id} now.`);
}

async function change({ admin }: Tools, command: string, id: string, out: string | undefined): Promise<void> {
  const bar = progressBar('Working');
  switch (command) {
    case 'delete-room': {
      await admin.deleteRoom(id, bar.update);
      bar.end();
      return console.log(`Room ${id} is deleted, with its messages.`);
    }
    case 'erase-user':
    case 'delete-user': {
      await admin.eraseUser(id, bar.update);
      bar.end();
      return console.log(`User ${id} is erased.`);
    }
    case 'export-user': {
      const json = `${JSON.stringify(await admin.exportUser(id, bar.update), null, 2)}\n`;
      bar.end();
      if (out === undefined) process.stdout.write(json);
      else await writeFile(out, json, { flag: 'wx' });
      return;
    }
    case 'revoke-tokens':
      await admin.revokeTokens(id);
      return console.log(`All tokens of user ${id} are revoked.`);
    default:
      throw new UsageError(USAGE);
  }
}
