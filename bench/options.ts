import { parseArgs } from 'node:util';
import { SERVERS, type ServerName } from './servers.ts';

/** What the command line asks for. */
export interface Options {
  /** Names of scenarios, in order. */
  scenarios: string[];
  /** How often each server is measured, in turn. */
  rounds: number;
  /** How long one measurement lasts, after a warm-up of a quarter of that. */
  seconds: number;
  /** Connections, where the scenario does not fix them; its own default when absent. */
  connections: number | undefined;
  /** The numbers of rooms to try. */
  rooms: number[];
  /** Messages outstanding a sender; the shape's own when absent. */
  window: number | undefined;
  /** Bytes of content a message. */
  body: number;
  /** How many messages are stored before the start that `start` measures. */
  messages: number;
  /** Which servers take part. */
  servers: ServerName[];
  /** Where servers store that do. */
  store: 'sqlite' | 'postgres';
  /** How much longer than loopback a round trip to PostgreSQL takes, in milliseconds: each in turn. */
  roundTrips: number[];
  /** A file for all numbers. */
  json: string | undefined;
  /** A folder for CPU profiles of the servers. */
  profile: string | undefined;
}

/** Printed for `--help`, and after a wrong argument. */
export const USAGE = `usage: npm run bench -- [scenario…] [options]

scenarios (default: fanout lone durable idle)
  fanout    closed loop of 1,000 connections in 1, 10 and 100 rooms: deliveries a second, latency
  lone      one message at a time: time to its acknowledgement, beside a bare fdatasync of this disk
  durable   sends a second that are stored, few receivers a room; Sohbet in memory beside it
  idle      memory a connection
  half      latency at half of the load that stock Socket.IO reaches
  resume    a sync of 1,000 and of 10,000 missed messages
  storm     1,000 clients come back at once and catch up
  deaf      100 clients that read nothing, in a room under load: memory, and how soon they are cut
  writer    the store alone, 64 sends a commit: processor time a send
  start     time to the first answer and memory at rest, from the source and built, with messages stored

options
  --rounds N        rounds, the servers in turn (7)
  --seconds S       length of one measurement (2)
  --connections N   connections (1000; idle: 2000)
  --rooms N,N…      numbers of rooms (1,10,100)
  --window N        messages outstanding a sender (32, 8, 4 for 1, 10, 100 rooms)
  --body N          bytes of content a message (64)
  --messages N      messages stored for start (100000)
  --servers A,B     which servers: stock, by-hand (one INSERT a message), sohbet (all)
  --store NAME      where they store in fanout, lone, durable and writer: sqlite, or postgres with Sohbet on SQLite beside it
                    (sqlite)
  --round-trips N,N…  milliseconds that a round trip to PostgreSQL takes more than on loopback (0,1,2)
  --json FILE       writes all numbers to FILE
  --profile DIR     writes CPU profiles of the servers to DIR
  --quick           a smoke run: 1 round of 0.5 s, 200 connections, 1 and 100 rooms, 10,000 messages`;

const DEFAULT_SCENARIOS = ['fanout', 'lone', 'durable', 'idle'];

function count(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!(value >= least)) throw new RangeError(`--${name} must be a number from ${least}, not ${text}`);
  return value;
}

function servers(text: string): ServerName[] {
  const names = text.split(',');
  if (names.every((name): name is ServerName => SERVERS.some((known) => known === name))) return names;
  throw new RangeError(`--servers must be of ${SERVERS.join(', ')}, with commas, not ${text}`);
}

function store(text: string): Options['store'] {
  if (text === 'sqlite' || text === 'postgres') return text;
  throw new RangeError(`--store must be sqlite or postgres, not ${text}`);
}

/** Reads the command line. Returns null when help is asked for; throws with one line on a wrong argument. */
export function readOptions(args: string[], known: readonly string[]): Options | null {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      rounds: text,
      seconds: text,
      connections: text,
      rooms: text,
      window: text,
      body: text,
      messages: text,
      servers: text,
      store: text,
      'round-trips': text,
      json: text,
      profile: text,
      quick: flag,
      help: flag,
    },
  });
  if (values.help) return null;
  const unknown = positionals.find((name) => !known.includes(name));
  if (unknown) throw new RangeError(`there is no scenario ${unknown}: choose from ${known.join(', ')}`);
  const quick = values.quick ?? false;
  const optional = (name: 'connections' | 'window') => {
    const value = values[name];
    return value === undefined ? undefined : count(name, value, 1);
  };
  return {
    scenarios: positionals.length > 0 ? positionals : DEFAULT_SCENARIOS,
    rounds: count('rounds', values.rounds ?? (quick ? '1' : '7'), 1),
    seconds: count('seconds', values.seconds ?? (quick ? '0.5' : '2'), 0.1),
    connections: optional('connections') ?? (quick ? 200 : undefined),
    rooms: (values.rooms ?? (quick ? '1,100' : '1,10,100')).split(',').map((rooms) => count('rooms', rooms, 1)),
    window: optional('window'),
    body: count('body', values.body ?? '64', 17),
    messages: count('messages', values.messages ?? (quick ? '10000' : '100000'), 1),
    servers: servers(values.servers ?? SERVERS.join()),
    store: store(values.store ?? 'sqlite'),
    roundTrips: (values['round-trips'] ?? '0,1,2').split(',').map((ms) => count('round-trips', ms, 0)),
    json: values.json,
    profile: values.profile,
  };
}
