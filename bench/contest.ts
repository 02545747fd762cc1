import type { ConnectRequest, LoadResult, Request } from './load/operations.ts';
import { LoadClient, type Watched } from './load-client.ts';
import type { Options } from './options.ts';
import { type Line, overLines } from './postgres.ts';
import { median, ratioLine } from './report.ts';
import { SERVERS, Server, type ServerName, type ServerOptions } from './servers.ts';

/** A server that takes part, under the name that the tables give it. */
export interface Entry {
  label: string;
  name: ServerName;
  options?: ServerOptions;
}

/** One measurement of one server. */
export type Round = LoadResult & { server: Watched };

/** A request whose answer is a {@link LoadResult}. */
export type Measurement = Request & { op: 'closed' | 'open' | 'lone' };

/** How long a server rests before its memory is read, in milliseconds: it gives memory back when it is quiet. */
export const REST_MS = 20_000;

/** What `--profile` asks of a server. */
export function profileOf({ profile }: Options): ServerOptions {
  return profile === undefined ? {} : { profile };
}

/**
 * The servers that were asked for, of those that `among` names, Sohbet last. With a line those that store do it in
 * PostgreSQL, and Sohbet on SQLite stands beside them.
 */
export function entriesOf(options: Options, among: readonly ServerName[] = SERVERS, line?: Line): Entry[] {
  const profile = profileOf(options);
  const names = among.filter((name) => options.servers.includes(name));
  const entries: Entry[] = names.map((name) => ({
    label: name,
    name,
    options: { ...profile, line: name === 'stock' ? undefined : line },
  }));
  const last = entries.at(-1);
  if (line && last?.name === 'sohbet')
    entries.splice(-1, 0, { label: 'sohbet, SQLite', name: 'sohbet', options: profile });
  return entries;
}

/** Hands `use` each line to PostgreSQL that was asked for, in turn; nothing, once, where SQLite was. */
export async function overStores(options: Options, use: (line?: Line) => Promise<void>): Promise<void> {
  if (options.store === 'sqlite') await use();
  else await overLines(options.roundTrips, use);
}

/** What a title says of the line, if there is one. */
export function lineTitle(line: Line | undefined): string {
  return line ? `, ${line.title}` : '';
}

/** A line for each server beside Sohbet: what Sohbet's rounds are, as a multiple of that one's. */
export function ratiosOf(what: string, results: Map<string, Round[]>, pick: (rounds: Round[]) => number[]): string[] {
  const sohbet = results.get('sohbet');
  if (!sohbet) return [];
  return [...results]
    .filter(([label]) => label !== 'sohbet')
    .map(([label, rounds]) => ratioLine(`${what}, sohbet / ${label}`, pick(sohbet), pick(rounds)));
}

/** How many messages a sender keeps outstanding, for a number of rooms: with more rooms, fewer each. */
export function windowOf(rooms: number, options: Options): number {
  if (options.window !== undefined) return options.window;
  if (rooms < 10) return 32;
  return rooms < 100 ? 8 : 4;
}

/** Starts a server with a load client connected to it, hands both to `use`, and ends both. */
export async function withServer<T>(
  entry: Entry,
  connect: Omit<ConnectRequest, 'op' | 'port'>,
  use: (server: Server, client: LoadClient) => Promise<T>,
): Promise<T> {
  const server = await Server.start(entry.name, entry.options);
  const client = new LoadClient(server);
  try {
    await client.request({ op: 'connect', port: server.port, ...connect });
    return await use(server, client);
  } finally {
    await client.stop();
    await server.stop();
  }
}

/**
 * Starts all entries with their clients, measures them in turn for `rounds` rounds, so that what else the machine does
 * falls on all alike, and ends them. Only one gets load at a time. Returns the rounds of each entry, by label.
 */
export async function contest(
  entries: Entry[],
  plan: {
    connect: Omit<ConnectRequest, 'op' | 'port'>;
    measurement: Measurement;
    rounds: number;
    /** Called once before the first round and once after the last. */
    around?: (edge: 'before' | 'after', entry: Entry, server: Server) => Promise<void>;
  },
): Promise<Map<string, Round[]>> {
  const running: { entry: Entry; server: Server; client: LoadClient; rounds: Round[] }[] = [];
  try {
    for (const entry of entries) {
      const server = await Server.start(entry.name, entry.options);
      const client = new LoadClient(server);
      running.push({ entry, server, client, rounds: [] });
      await client.request({ op: 'connect', port: server.port, ...plan.connect });
      await plan.around?.('before', entry, server);
    }
    // One round that does not count: the first one meets code that is not compiled yet.
    const warmUp = { ...plan.measurement, seconds: Math.min(1, plan.measurement.seconds) };
    for (const one of running) await one.client.request(warmUp);
    for (let round = 0; round < plan.rounds; round++) {
      for (const one of running) one.rounds.push(await one.client.request(plan.measurement));
    }
    for (const { entry, server } of running) await plan.around?.('after', entry, server);
    return new Map(running.map(({ entry, rounds }) => [entry.label, rounds]));
  } finally {
    for (const { client, server } of running) {
      await client.stop();
      await server.stop();
    }
  }
}

const percent = (share: number) => `${Math.round(share * 100)} %`;

/** What makes the numbers doubtful: a line for each kind of fault, none when all went well. */
export function faults(label: string, rounds: Round[]): string[] {
  const sum = (pick: (round: Round) => number) => rounds.reduce((total, round) => total + pick(round), 0);
  const lines: string[] = [];
  const missing = sum((round) => round.missing);
  const refused = sum((round) => round.refused);
  const last = rounds.at(-1);
  if (missing !== 0) lines.push(`FAULT ${label}: ${missing} deliveries were due and did not come`);
  if (refused > 0) {
    lines.push(`FAULT ${label}: ${refused} sends refused, first: ${rounds.find((round) => round.refusal)?.refusal}`);
  }
  if (last && last.failed > 0) lines.push(`FAULT ${label}: ${last.failed} connections lost, first: ${last.failure}`);
  const busy = median(rounds.map((round) => round.clientCpu));
  if (busy > 0.95)
    lines.push(`NOTE ${label}: the load client was busy ${percent(busy)} of the time: it may be the limit`);
  const others = median(rounds.map((round) => round.server.others));
  if (others > 0.1) lines.push(`NOTE ${label}: other processes took ${percent(others)} of a core meanwhile`);
  return lines;
}
