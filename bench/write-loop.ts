/**
 * The store alone, without sockets: a child of the `writer` scenario, which says by {@link WriteLoop} what is to be done and
 * gets a {@link WriteRound} for each round. So many sends are handed over at once and awaited, again and again: they go
 * into one commit.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createIds } from '../app/core/id.ts';
import { createLogger } from '../app/core/logger.ts';
import { createMetrics } from '../app/core/metrics.ts';
import { openPostgresStore } from '../app/stores/postgres/store.ts';
import { openSqliteStore } from '../app/stores/sqlite/store.ts';
import type { Store } from '../app/stores/store.ts';

/** What is to be written, and for how long. */
export interface WriteLoop {
  /** The file of an SQLite database, or the URL of a PostgreSQL one. */
  database: string;
  rooms: number;
  /** Sends a commit. */
  batch: number;
  /** Bytes of content a message. */
  body: number;
  rounds: number;
  seconds: number;
}

/** What one round came to. Processor times are in microseconds a send. */
export interface WriteRound {
  sends: number;
  seconds: number;
  /**
   * Of the busiest thread, which is the one that writes: on SQLite one of its own, on PostgreSQL the main one. NaN where
   * there is no /proc.
   */
  writer: number;
  /** Of the process, all its threads together. */
  node: number;
}

const QUEUE_MAX = 10_000;
const NS_PER_US = 1_000;

const newId = createIds();
const USER = { id: newId(), username: 'bench' };

/** Processor time of each thread so far, in microseconds, by its id. */
function threadTimes(): Map<string, number> {
  const times = new Map<string, number>();
  try {
    for (const thread of readdirSync('/proc/self/task')) {
      const spent = readFileSync(`/proc/self/task/${thread}/schedstat`, 'latin1').split(' ')[0];
      times.set(thread, Number(spent) / NS_PER_US);
    }
  } catch {
    // No such system, or a thread that has just ended.
  }
  return times;
}

function busiest(before: Map<string, number>, after: Map<string, number>): number {
  const grown = [...after].map(([thread, time]) => time - (before.get(thread) ?? 0));
  return grown.length > 0 ? Math.max(...grown) : Number.NaN;
}

async function makeRooms(store: Store, count: number): Promise<string[]> {
  await store.users.create({ ...USER, at: Date.now() });
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    const { room } = await store.rooms.create({
      room_id: newId(),
      message_id: newId(),
      name: `bench ${i}`,
      type: 'public',
      password_hash: null,
      client_id: null,
      user_id: USER.id,
      rooms_max: count,
      at: Date.now(),
    });
    ids.push(room.id);
  }
  return ids;
}

function open(database: string): Promise<Store> {
  const logger = createLogger({ level: 'error', pretty: false });
  const options = { queueMax: QUEUE_MAX, logger, metrics: createMetrics() };
  if (database.startsWith('postgres:')) return openPostgresStore({ ...options, url: database, role: 'server' });
  return openSqliteStore({ ...options, path: database });
}

async function run({ database, rooms: count, batch, body, rounds, seconds }: WriteLoop): Promise<void> {
  const store = await open(database);
  const rooms = await makeRooms(store, count);
  const content = 'x'.repeat(body);
  let turn = 0;
  const send = () => {
    const room_id = rooms[turn++ % count] ?? '';
    const message = { id: newId(), room_id, user_id: USER.id, username: USER.username, content };
    return store.messages.send({ ...message, client_id: null, at: Date.now() });
  };
  const round = async (): Promise<WriteRound> => {
    const threads = threadTimes();
    const cpu = process.cpuUsage();
    const begin = performance.now();
    let sends = 0;
    for (; performance.now() - begin < seconds * 1_000; sends += batch) {
      await Promise.all(Array.from({ length: batch }, send));
    }
    const took = (performance.now() - begin) / 1_000;
    const { user, system } = process.cpuUsage(cpu);
    const writer = busiest(threads, threadTimes()) / sends;
    return { sends, seconds: took, writer, node: (user + system) / sends };
  };
  // One that does not count: the first one meets code that is not compiled yet.
  await round();
  for (let i = 0; i < rounds; i++) process.send?.(await round());
  await store.close();
  process.disconnect();
}

process.once('message', (loop: WriteLoop) => void run(loop));
process.once('disconnect', () => process.exit());
