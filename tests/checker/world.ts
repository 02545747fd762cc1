import { setTimeout as delay } from 'node:timers/promises';
import { io } from 'socket.io-client';
import type { Answer, CommandName, CommandPayload, CommandResult } from '../../protocol/index.ts';
import { deadline } from '../support/deadline.ts';
import { type Account, CheckedClient, type ClientOptions } from './client.ts';
import type { Way } from './connection.ts';
import { FaultyProxy } from './proxy.ts';
import type { Random } from './random.ts';
import { Recorder } from './records.ts';
import { type ServerOptions, type ServerUnderTest, startServer } from './server.ts';

/** Who and what there is in a run. */
export interface WorldOptions {
  readonly random: Random;
  readonly server?: ServerOptions;
  /** How many connections each user has; one entry a user. */
  readonly connections?: readonly number[];
  /** Whether the users' clients come through the proxy; the observer never does. */
  readonly throughProxy?: boolean;
}

/** How long everything may take to be answered and delivered once the load and the faults have ended. */
const SETTLE_MS = 40_000;
/** How long deliveries may take after the answers, in milliseconds. */
const ARRIVE_MS = 5_000;

const NAMES = ['ada', 'can', 'ece', 'ali', 'naz', 'efe'];

/** A server, a proxy before it, users with several clients each, rooms, and an observer who is in all rooms throughout. */
export class World implements AsyncDisposable {
  readonly random: Random;
  readonly recorder = new Recorder();
  readonly server: ServerUnderTest;
  readonly proxy: FaultyProxy;
  readonly clients: CheckedClient[] = [];
  readonly accounts: Account[] = [];
  readonly room_ids: string[] = [];
  readonly #observers: CheckedClient[] = [];

  constructor(random: Random, server: ServerUnderTest, proxy: FaultyProxy) {
    this.random = random;
    this.server = server;
    this.proxy = proxy;
  }

  /** A member of every room, connected straight to the server, who only listens. */
  get observer(): CheckedClient {
    const [first] = this.#observers;
    if (first === undefined) throw new Error('there is no observer yet');
    return first;
  }

  /** Signs a user in for the first time. */
  async addUser(name: string): Promise<Account> {
    const { user, token } = await this.once('authenticate', { username: name }, undefined);
    const account = { user_id: user.id, username: user.username, token };
    this.accounts.push(account);
    return account;
  }

  /** Adds a client of a user; it connects by {@link CheckedClient.start}. */
  addClient(name: string, account: Account, options: Partial<ClientOptions> = {}): CheckedClient {
    const ways: Way[] = ['websocket', 'websocket', 'upgrade', 'polling'];
    const client = new CheckedClient({
      name,
      account,
      url: () => this.server.url,
      way: this.random.pick(ways) ?? 'websocket',
      recorder: this.recorder,
      random: this.random.fork(name),
      ...options,
    });
    this.clients.push(client);
    return client;
  }

  /** Makes a room of a user's, with the observer in it. */
  async addRoom(owner: Account, name: string, type: 'public' | 'private'): Promise<string> {
    const { room } = await this.once('create_room', { name, type }, owner);
    const { user_id } = this.observer.account;
    await this.once('add_member', { room_id: room.id, user_id }, owner);
    this.room_ids.push(room.id);
    return room.id;
  }

  /** Adds the observer, to be in all rooms that are made afterwards. */
  async addObserver(): Promise<void> {
    const client = this.addClient('observer/1', await this.addUser('observer'), { way: 'websocket' });
    this.#observers.push(client);
    client.start();
  }

  /** Carries out one command straight at the server, on a connection of its own, unrecorded. Throws when refused. */
  async once<C extends CommandName>(
    command: C,
    payload: CommandPayload<C>,
    account: Account | undefined,
  ): Promise<CommandResult<C>> {
    const socket = io(this.server.url, { forceNew: true, reconnection: false, transports: ['websocket'] });
    const ask = async (name: string, about: unknown) => {
      const answer = (await deadline(socket.emitWithAck(name, about), `an answer to ${name}`)) as Answer<object>;
      if (!answer.ok) throw new Error(`${name} was refused: ${JSON.stringify(answer.error)}`);
      return answer;
    };
    try {
      if (account !== undefined) await ask('authenticate', { token: account.token });
      return (await ask(command, payload)) as unknown as CommandResult<C>;
    } finally {
      socket.disconnect();
    }
  }

  /** Waits until `probe` gives true; false when it did not in time. */
  async eventually(probe: () => boolean, ms: number): Promise<boolean> {
    const end = performance.now() + ms;
    while (!probe()) {
      if (performance.now() > end) return false;
      await delay(20);
    }
    return true;
  }

  /** Lets everything be answered, repeated and delivered, and takes down what each client holds then. */
  async settle(): Promise<void> {
    for (const client of this.clients) client.start();
    const settled = await this.eventually(() => this.clients.every((client) => client.settled), SETTLE_MS);
    if (!settled) {
      const states = this.clients.filter((client) => !client.settled).map(({ state }) => state);
      this.recorder.fault(`not everything was answered in time: ${states.join('; ')}`);
    }
    await this.#catchUp();
    for (const client of [...this.clients, await this.#freshReader()]) {
      const held = [...client.rooms.values()].map((view) => view.held());
      this.recorder.finals.push({ client: client.name, user_id: client.account.user_id, rooms: held });
    }
    this.recorder.seal();
    await Promise.all(this.clients.map((client) => client.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.clients.map((client) => client.stop()));
    await this.proxy[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
  }

  /** Waits until what is on its way has arrived; whoever misses something after that asks `sync`. */
  async #catchUp(): Promise<void> {
    const { rooms } = await this.once('get_rooms', { mine: true, limit: 100 }, this.observer.account);
    const heads = new Map(rooms.map(({ id, seq }) => [id, seq]));
    const isEven = ({ rooms: views }: CheckedClient) =>
      [...views.values()].every(({ room_id, cursor }) => cursor >= (heads.get(room_id) ?? 0));
    await this.eventually(() => this.clients.every(isEven), ARRIVE_MS);
    for (const client of this.clients) await client.syncAll();
  }

  /** A new client that reads all rooms from their beginning. */
  async #freshReader(): Promise<CheckedClient> {
    const reader = this.addClient('reader/1', this.observer.account, { way: 'websocket' });
    reader.start();
    await this.eventually(() => reader.settled, SETTLE_MS);
    for (const [room_id, view] of reader.rooms) {
      for (let floor = 0; view.floor !== floor; ) {
        floor = view.floor;
        await reader.loadOlder(room_id, 100);
      }
      if (view.floor > 1) this.recorder.fault(`${reader.name} could not read room ${room_id} before ${view.floor}`);
    }
    return reader;
  }
}

/** Makes a world with its server, proxy, observer, and users with their clients, none of which is connected yet. */
export async function createWorld(options: WorldOptions): Promise<World> {
  const { random } = options;
  const server = await startServer(options.server);
  const proxy = new FaultyProxy(random.fork('proxy'), () => server.port);
  const world = new World(random, server, proxy);
  try {
    await proxy.listen();
    await world.addObserver();
    for (const [i, connections] of (options.connections ?? [2, 2, 3]).entries()) {
      const name = NAMES[i] ?? `user ${i}`;
      const account = await world.addUser(name);
      for (let n = 1; n <= connections; n++) {
        const url = options.throughProxy ? () => proxy.url : () => server.url;
        world.addClient(`${name}/${n}`, account, { url });
      }
    }
  } catch (error) {
    await world[Symbol.asyncDispose]();
    throw error;
  }
  return world;
}
