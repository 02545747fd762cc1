import { randomBytes } from 'node:crypto';
import { type Answer, Connection } from './connection.ts';
import type { Meter } from './meter.ts';
import type { ConnectRequest } from './operations.ts';
import { Sender } from './sender.ts';

/** How many clients are on their way in at once. */
const DIALING = 100;
const READ_BUFFER_BYTES = 262_144;
const SETUP_LIMIT_MS = 180_000;

/** One signed-in client of a fleet. */
export interface Client {
  connection: Connection;
  room: number;
  token: string;
  epoch: string;
}

/** Throws unless the server said yes. */
export function accepted(what: string, answer: Answer): Answer {
  if (answer.ok) return answer;
  throw new Error(`${what} was refused: ${JSON.stringify(answer.error ?? answer)}`);
}

/** Runs `task` for each index below `count`, at most `width` at a time; rejects with the first failure. */
async function inParallel(count: number, width: number, task: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, lane));
}

/** Rejects with `what` when `work` takes longer than `ms`. */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not done after ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Many clients of one server, spread over rooms, one sender a room. */
export class Fleet {
  readonly clients: Client[] = [];
  readonly senders: Sender[] = [];
  /** The ids of the rooms. */
  readonly rooms: string[] = [];
  /** How many clients are in each room. */
  readonly members: number[] = [];
  readonly meter: Meter;
  readonly #port: number;
  readonly #buffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  readonly #name = randomBytes(4).toString('hex');

  constructor(port: number, meter: Meter) {
    this.#port = port;
    this.meter = meter;
  }

  /** Connects everyone; throws when a client is refused or it takes longer than three minutes. */
  async connect(request: ConnectRequest): Promise<void> {
    const count = Math.max(request.connections, request.rooms);
    const work = async () => {
      await inParallel(request.rooms, DIALING, (index) => this.#founder(index, request.body));
      await inParallel(count - request.rooms, DIALING, (index) => this.#guest(request.rooms + index));
    };
    await within(SETUP_LIMIT_MS, `connecting ${count} clients`, work());
  }

  /** A connection, open and not signed in. */
  async dial(): Promise<Connection> {
    const connection = new Connection(this.#port, this.meter, this.#buffer);
    await connection.open();
    return connection;
  }

  /** Has the last `count` clients read no more, and count no more. */
  deafen(count: number): null {
    for (const { connection, room } of this.clients.splice(-count)) {
      connection.deafen();
      this.members[room] = (this.members[room] ?? 0) - 1;
    }
    return null;
  }

  /** Ends all connections. */
  close(): void {
    for (const client of this.clients) client.connection.close();
  }

  async #enter(index: number): Promise<Client> {
    const connection = await this.dial();
    const answer = accepted(
      'authenticate',
      await connection.command('authenticate', { username: `bench-${this.#name}-${index}` }),
    );
    const client = {
      connection,
      room: index % Math.max(1, this.members.length),
      token: String(answer['token'] ?? ''),
      epoch: String(answer['epoch'] ?? ''),
    };
    this.clients[index] = client;
    return client;
  }

  async #founder(index: number, body: number): Promise<void> {
    this.members[index] = 1;
    const client = await this.#enter(index);
    client.room = index;
    const answer = accepted(
      'create_room',
      await client.connection.command('create_room', { name: `bench ${this.#name} ${index}` }),
    );
    const id = (answer['room'] as { id: string }).id;
    this.rooms[index] = id;
    this.senders[index] = new Sender(client.connection, this.meter, { id, bytes: body });
  }

  async #guest(index: number): Promise<void> {
    const client = await this.#enter(index);
    accepted('join_room', await client.connection.command('join_room', { room_id: this.rooms[client.room] }));
    this.members[client.room] = (this.members[client.room] ?? 0) + 1;
  }
}
