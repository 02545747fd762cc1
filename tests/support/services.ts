import { createIds } from '../../app/core/id.ts';
import { createLogger } from '../../app/core/logger.ts';
import { createMetrics } from '../../app/core/metrics.ts';
import type { Caller } from '../../app/services/caller.ts';
import type { Connection, Identity, Outgoing } from '../../app/services/connection.ts';
import type { Delivery } from '../../app/services/delivery.ts';
import type { Client } from '../../app/services/limits/limits.ts';
import { withNumbers } from '../../app/services/limits/limits.ts';
import { createServices, type Services } from '../../app/services/services.ts';
import type { Store } from '../../app/stores/store.ts';
import type { Answer } from '../../protocol/answer.ts';
import type { CommandName, CommandPayload, CommandResult } from '../../protocol/commands.ts';
import type { Locale } from '../../protocol/errors.ts';
import type { RateNumbers } from '../../protocol/rates.ts';
import { openOwnStore } from './store.ts';

/** A connection that is none: what it is sent is kept. It calls commands too, as a socket's does. */
export class TestConnection implements Connection, Caller {
  readonly id: string;
  locale: Locale = 'en';
  readonly client: Client | null = null;
  identity: Identity | null = null;
  closed = false;
  /** What it was sent and answered, in order: the names of events, and of commands with a colon. */
  readonly heard: string[] = [];

  constructor(id: string) {
    this.id = id;
  }

  get role() {
    return this.identity === null ? 'nobody' : 'guest';
  }

  get user() {
    return this.identity?.user ?? null;
  }

  get token() {
    return this.identity;
  }

  get connection(): this {
    return this;
  }

  send({ event }: Outgoing): void {
    this.heard.push(event);
  }
}

/** Delivers at once, in the order of the calls. */
class TestDelivery implements Delivery {
  readonly #rooms = new Map<string, Set<Connection>>();

  subscribe(room_id: string, connection: Connection): void {
    this.#rooms.set(room_id, this.#of(room_id).add(connection));
  }

  unsubscribe(room_id: string, connection: Connection): void {
    this.#of(room_id).delete(connection);
  }

  isSubscribed(room_id: string, connection: Connection): boolean {
    return this.#of(room_id).has(connection);
  }

  subscribers(room_id: string): number {
    return this.#of(room_id).size;
  }

  publish(room_id: string, outgoing: Outgoing): void {
    this.sendAll(this.#of(room_id), outgoing);
  }

  publishVolatile(room_id: string, outgoing: Outgoing, except_user_id: string): void {
    this.sendAll(
      [...this.#of(room_id)].filter(({ identity }) => identity?.user.id !== except_user_id),
      outgoing,
    );
  }

  sendAll(connections: Iterable<Connection>, outgoing: Outgoing): void {
    for (const connection of connections) connection.send(outgoing);
  }

  sendVolatile(connections: Iterable<Connection>, outgoing: Outgoing): void {
    this.sendAll(connections, outgoing);
  }

  flush(): void {}

  end(connection: Connection): void {
    Object.assign(connection, { closed: true });
    (connection as TestConnection).heard.push('end');
  }

  drop(connection: Connection): void {
    this.end(connection);
  }

  #of(room_id: string): Set<Connection> {
    return this.#rooms.get(room_id) ?? new Set();
  }
}

/** A request without a connection, by whom a connection has signed in as; by nobody when there is none. */
export function lone(as?: TestConnection): Caller {
  const nobody = { role: 'nobody', user: null, token: null } as const;
  return {
    ...(as === undefined ? nobody : { role: as.role, user: as.user, token: as.token }),
    locale: 'en',
    client: null,
  };
}

/** All services over a database of their own, with no network. */
export class TestServices implements AsyncDisposable {
  readonly services: Services;
  readonly store: Store;
  readonly #close: () => Promise<void>;
  #made = 0;

  private constructor(services: Services, store: Store, close: () => Promise<void>) {
    this.services = services;
    this.store = store;
    this.#close = close;
  }

  static async create(changed?: RateNumbers): Promise<TestServices> {
    const logger = createLogger({ level: 'silent', pretty: false });
    const metrics = createMetrics();
    const own = await openOwnStore('memory', { metrics });
    const { store } = own;
    const now = Date.now;
    const services = await createServices({
      store,
      delivery: new TestDelivery(),
      now,
      seenNow: now,
      issuedNow: now,
      newId: createIds(),
      secret: 'a secret that only the tests know, 32 bytes or more',
      numbers: changed === undefined ? null : withNumbers(changed),
      presenceGraceMs: 1_000,
      presenceBroadcastMax: 500,
      typingLapseMs: 8_000,
      logger,
      metrics,
    });
    return new TestServices(services, store, async () => {
      await services.close();
      await own[Symbol.asyncDispose]();
    });
  }

  /** Calls a command, and gives its acknowledgement. */
  async call(caller: Caller, name: string, body?: unknown): Promise<Answer<object>> {
    const answer = () => {
      if (caller instanceof TestConnection) caller.heard.push(`${name}:`);
    };
    return await this.services.dispatcher.call(caller, { name, body, answer });
  }

  /** Calls a command that must succeed, and gives its result as a client would read it. */
  async ok<C extends CommandName>(caller: Caller, name: C, payload: CommandPayload<C>): Promise<CommandResult<C>> {
    const answer = await this.call(caller, name, payload);
    if (!answer.ok) throw new Error(`${name} was refused ${answer.error.code}: ${answer.error.message}`);
    const { ok, ...result } = JSON.parse(JSON.stringify(answer));
    return result;
  }

  /** A connection that has signed in as a new guest. */
  async connect(username = `guest ${++this.#made}`): Promise<TestConnection> {
    const connection = new TestConnection(username);
    await this.ok(connection, 'authenticate', { username });
    return connection;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}
