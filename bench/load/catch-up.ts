import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Connection } from './connection.ts';
import { accepted, type Client, type Fleet, within } from './fleet.ts';
import { Histogram } from './histogram.ts';
import { fill, type OnEdge } from './loops.ts';
import type { ResumeRequest, ResumeResult, StormRequest, StormResult } from './operations.ts';

const STORM_LIMIT_MS = 120_000;
const FILL_WINDOW = 64;

interface SyncedRoom {
  head: number;
  messages: { rev: number }[];
  has_more: boolean;
  reset: boolean;
}

/** What one page took and brought. */
interface Page {
  messages: number;
  /** From the request to the last byte of the answer. */
  ms: number;
}

/** Sends a command again, after the time it is told, for as long as the server says that it is too busy. */
async function insist(connection: Connection, name: string, payload: object, onDefer: () => void): Promise<Answer> {
  for (;;) {
    const answer = await connection.command(name, payload);
    const code = answer.error?.code;
    if (answer.ok || (code !== 'OVERLOADED' && code !== 'RATE_LIMITED')) return accepted(name, answer);
    onDefer();
    await sleep(answer.error?.retry_after_ms ?? 500);
  }
}

/** Fetches all that came after `from` in one room, page by page, as a client of the protocol does. */
async function catchUp(
  fleet: Fleet,
  client: Client,
  from: number,
  onPage: (page: Page) => void,
  onDefer: () => void,
): Promise<void> {
  const room_id = fleet.rooms[client.room] as string;
  let seq = from;
  for (let more = true; more; ) {
    const asked = performance.now();
    const answer = await insist(client.connection, 'sync', { epoch: client.epoch, rooms: [{ room_id, seq }] }, onDefer);
    const room = (answer['rooms'] as (SyncedRoom | { error: string })[])[0];
    if (!room || 'error' in room) throw new Error(`sync of ${room_id}: ${JSON.stringify(room)}`);
    if (room.reset) throw new Error('sync answered reset: the epoch or the number did not fit');
    // The meter's clock stands at the arrival of the answer: this client's own parsing is not counted.
    onPage({ messages: room.messages.length, ms: fleet.meter.now - asked });
    more = room.has_more;
    seq = more ? (room.messages.at(-1)?.rev ?? seq) : room.head;
  }
}

/** The number of the newest entry of a client's room. */
async function head(fleet: Fleet, client: Client): Promise<number> {
  const answer = await client.connection.command('join_room', { room_id: fleet.rooms[client.room] });
  return (accepted('join_room', answer)['room'] as { seq: number }).seq;
}

/** See {@link ResumeRequest}. */
export async function resume(fleet: Fleet, request: ResumeRequest, onEdge: OnEdge): Promise<ResumeResult> {
  const client = fleet.clients[fleet.rooms.length];
  if (!client) throw new Error('a resume needs a second client');
  const from = (await head(fleet, client)) - request.missed;
  const whole = new Histogram();
  const page = new Histogram();
  const result = { pages: 0, messages: 0, bytes: 0 };
  const ignore = () => undefined;
  await catchUp(fleet, client, from, ignore, ignore);
  fleet.meter.reset();
  onEdge('begin');
  for (let i = 0; i < request.repeats; i++) {
    let ms = 0;
    const onPage = (one: Page) => {
      page.record(one.ms * 1000);
      ms += one.ms;
      result.pages += 1;
      result.messages += one.messages;
    };
    await catchUp(fleet, client, from, onPage, ignore);
    whole.record(ms * 1000);
  }
  onEdge('end');
  result.bytes = fleet.meter.bytes;
  const latency = (of: Histogram) => ({ p50: of.quantile(0.5), p99: of.quantile(0.99) });
  return { ...result, whole: latency(whole), page: latency(page) };
}

/** See {@link StormRequest}. */
export async function storm(fleet: Fleet, request: StormRequest, onEdge: OnEdge): Promise<StormResult> {
  const { clients, rooms, meter } = fleet;
  const heads = await Promise.all(rooms.map((_id, room) => head(fleet, clients[room] as Client)));
  const away = clients.slice(rooms.length);
  for (const client of away) client.connection.close();
  await sleep(500);
  await fill(fleet, { op: 'fill', messages: request.missed * rooms.length, window: FILL_WINDOW });
  const times = new Histogram();
  const result = { messages: 0, deferred: 0 };
  const onDefer = () => {
    result.deferred += 1;
  };
  const onPage = (page: Page) => {
    result.messages += page.messages;
  };
  onEdge('begin');
  const begin = performance.now();
  const returning = away.map(async (client) => {
    client.connection = await redial(fleet, onDefer);
    await insist(client.connection, 'authenticate', { token: client.token }, onDefer);
    await catchUp(fleet, client, heads[client.room] ?? 0, onPage, onDefer);
    times.record((performance.now() - begin) * 1000);
  });
  await within(STORM_LIMIT_MS, `${away.length} clients catching up`, Promise.all(returning));
  const seconds = (performance.now() - begin) / 1000;
  onEdge('end');
  // Attempts that the server cut short were repeated, and are told as deferred.
  meter.failed = 0;
  meter.failure = '';
  return {
    ...result,
    clients: away.length,
    seconds,
    client: { p50: times.quantile(0.5), p99: times.quantile(0.99) },
  };
}

/** Dials until it gets through, with a pause of up to a second between attempts. */
async function redial(fleet: Fleet, onDefer: () => void): Promise<Connection> {
  for (;;) {
    try {
      return await fleet.dial();
    } catch {
      onDefer();
      await sleep(100 + Math.random() * 900);
    }
  }
}
