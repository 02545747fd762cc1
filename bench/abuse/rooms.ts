import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, Connection } from '../load/connection.ts';
import { accepted, within } from '../load/fleet.ts';
import { Meter } from '../load/meter.ts';
import { makeFolder } from '../processes.ts';
import { median, short, type Table } from '../report.ts';
import { type Crowd, type CrowdOptions, fillDatabase, MEMBERSHIPS, NO_HIT } from './crowd.ts';
import { startTarget } from './server.ts';

const SAMPLES = 30;
const SEARCHERS = 3;
const SEARCHES_AT_ONCE = 60;
const SEARCHING_MS = 5_000;
const SIGN_INS = 10;
/** How long after its last connection a user is surely offline: the grace, and a little. */
const OFFLINE_MS = 300;
/** Who has no answer by then is counted as having waited so long. */
const LIMIT_MS = 60_000;

/** A client of its own, signed in unless said otherwise. */
class Stranger {
  readonly connection: Connection;
  /** The answer to its sign-in. */
  me: Answer = { ok: false };

  constructor(port: number) {
    this.connection = new Connection(port, new Meter(), Buffer.allocUnsafeSlow(262_144));
  }

  /** Sends a command that must succeed; a bounded wait. */
  async ask(name: string, payload: object): Promise<Answer> {
    return accepted(name, await within(LIMIT_MS, name, this.connection.command(name, payload)));
  }
}

let guests = 0;

async function enter(port: number, token?: string): Promise<Stranger> {
  const stranger = new Stranger(port);
  await stranger.connection.open();
  stranger.me = await stranger.ask('authenticate', token === undefined ? { username: `guest ${++guests}` } : { token });
  return stranger;
}

/** How long something takes, each of so many times, in milliseconds. */
async function times(count: number, run: (i: number) => Promise<unknown>): Promise<number[]> {
  const taken: number[] = [];
  for (let i = 0; i < count; i++) {
    const begin = performance.now();
    await run(i);
    taken.push(performance.now() - begin);
  }
  return taken;
}

/** How long the answer to a sign-in takes, on a connection that is open. */
async function signIns(port: number, count: number, payload: () => object): Promise<number[]> {
  const taken: number[] = [];
  for (let i = 0; i < count; i++) {
    const stranger = new Stranger(port);
    await stranger.connection.open();
    taken.push(...(await times(1, () => stranger.ask('authenticate', payload()))));
    stranger.connection.close();
  }
  return taken;
}

/** What each command that a stranger may call takes from its sending to its answer, alone on the server. */
async function* commands(port: number, crowd: Crowd): AsyncGenerator<readonly [string, number[]]> {
  const guest = () => ({ username: `guest ${++guests}` });
  yield ['authenticate, a guest', await signIns(port, SAMPLES, guest)];
  for (const [count, token] of crowd.tokens) {
    yield [`authenticate, a member of ${short(count)}`, await signIns(port, SAMPLES, () => ({ token }))];
  }
  const one = await enter(port);
  const crowded = await enter(port, crowd.tokens.get(MEMBERSHIPS[1]));
  const asked = async (what: string, name: string, payload: object, who = one) =>
    [what, await times(SAMPLES, () => who.ask(name, payload))] as const;
  yield await asked('get_rooms', 'get_rooms', {});
  yield await asked('get_rooms, a member of 1000', 'get_rooms', { limit: 100 }, crowded);
  yield await asked('get_rooms mine, a member of 1000', 'get_rooms', { mine: true }, crowded);
  let after: string | undefined;
  const turn = async () => {
    const page = await one.ask('get_rooms', { limit: 100, ...(after && { after }) });
    after = page['next'] as string;
  };
  yield ['get_rooms, page after page', await times(SAMPLES, turn)];
  yield await asked('get_rooms query, no hit', 'get_rooms', { query: NO_HIT });
  yield await asked('get_rooms query, hits', 'get_rooms', { query: 'aa' });
  yield await asked('get_rooms query, a member of 1000', 'get_rooms', { query: NO_HIT }, crowded);
  yield await asked('get_users, online', 'get_users', {});
  const name = 'a room';
  const made: string[] = [];
  const create = async () => made.push(((await one.ask('create_room', { name }))['room'] as { id: string }).id);
  yield ['create_room', await times(SAMPLES, create)];
  const id = (stranger: Stranger) => (stranger.me['user'] as { id: string }).id;
  const add = (i: number) => one.ask('add_member', { room_id: made[i] ?? '', user_id: id(crowded) });
  yield ['add_member', await times(SAMPLES, add)];
  const leave = (i: number) => crowded.ask('leave_room', { room_id: made[i] ?? '' });
  yield ['leave_room', await times(SAMPLES, leave)];
  for (const [what, room_id] of [['edited', crowd.edited] as const, ['long', crowd.long] as const]) {
    yield await asked(`join_room, ${what} messages`, 'join_room', { room_id });
    yield await asked(`get_messages, ${what}`, 'get_messages', { room_id, limit: 100 });
    const payload = { epoch: one.me['epoch'], rooms: [{ room_id, seq: 0 }] };
    yield await asked(`sync from 0, ${what} messages`, 'sync', payload);
  }
  yield await asked('get_users, of a room', 'get_users', { room_id: crowd.edited });
  yield await asked('send_message', 'send_message', { room_id: crowd.edited, content: 'hello' });
  yield await asked('typing_status', 'typing_status', { room_id: crowd.edited, is_typing: true });
}

/** How long sign-ins take while a few guests search as fast as they are let. */
async function besideSearches(port: number): Promise<number[]> {
  const searchers = await Promise.all(Array.from({ length: SEARCHERS }, () => enter(port)));
  const until = performance.now() + SEARCHING_MS;
  let isOver = false;
  const search = async ({ connection }: Stranger) => {
    while (!isOver) await connection.command('get_rooms', { query: NO_HIT });
  };
  for (const one of searchers) for (let i = 0; i < SEARCHES_AT_ONCE; i++) search(one).catch(() => {});
  const taken: number[] = [];
  const signIn = () => signIns(port, 1, () => ({ username: `guest ${++guests}` }));
  do taken.push(...(await signIn().catch(() => [LIMIT_MS])));
  while (performance.now() < until);
  isOver = true;
  // What they have asked and are not answered yet is nobody's any more.
  for (const { connection } of searchers) connection.close();
  return taken;
}

/** How long another's quickest command waits at the most while such a user signs in, its rooms are attached, and it goes. */
async function besideSignIn(port: number, token: string): Promise<number[]> {
  const witness = await enter(port);
  const waited: number[] = [];
  for (let i = 0; i < SIGN_INS; i++) {
    let isOver = false;
    const visit = async () => {
      const stranger = await enter(port, token);
      const { rooms } = stranger.me as unknown as { rooms: { id: string }[] };
      // Answered once its rooms are attached.
      await stranger.ask('join_room', { room_id: rooms[0]?.id });
      stranger.connection.close();
      await sleep(OFFLINE_MS);
      isOver = true;
    };
    const visiting = visit();
    const taken: number[] = [];
    while (!isOver) taken.push(...(await times(1, () => witness.ask('get_users', { limit: 1 }))));
    await visiting;
    waited.push(Math.max(...taken));
  }
  witness.connection.close();
  return waited;
}

/** What a database full of rooms costs those who ask, and those who wait meanwhile. */
export async function measureRooms(options: CrowdOptions): Promise<Table> {
  const folder = makeFolder();
  process.stderr.write(`filling a database with ${options.rooms} rooms\n`);
  const crowd = await fillDatabase(folder, options);
  const settings = { RATE_LIMITS: 'off', TOKEN_SECRET: crowd.secret, PRESENCE_GRACE: '0.1' };
  const target = await startTarget(settings, folder);
  const rows: string[][] = [];
  const add = (what: string, taken: number[]) => {
    const row = [what, String(taken.length), short(median(taken)), short(Math.max(...taken))];
    rows.push(row);
    process.stderr.write(`${row.join('  ')}\n`);
  };
  for await (const [what, taken] of commands(target.port, crowd)) add(what, taken);
  for (const [count, token] of crowd.tokens) {
    add(`another's command beside that of a member of ${short(count)}`, await besideSignIn(target.port, token));
  }
  // The last, since what is asked here may go on for long.
  add(`authenticate, beside ${SEARCHERS} guests who search`, await besideSearches(target.port));
  await target.stop();
  return {
    title: `${options.rooms} rooms, 80 % of them hidden, and a room of ${options.messages} edited messages`,
    columns: ['what', 'times', 'median ms', 'worst ms'],
    rows,
    notes: [
      'from the command to its answer on an idle server, limits off; the name of each listed room nearly holds the query',
      "another's command: get_users, which waits for nothing but the event loop, while such a user comes and goes",
    ],
    data: rows,
  };
}
