import { createLogger } from '../../app/core/logger.ts';
import { createMetrics, type Metrics } from '../../app/core/metrics.ts';
import { Refusal } from '../../app/models/refusal.ts';
import { Tail } from '../../app/services/log/tail.ts';
import { Presence } from '../../app/services/presence.ts';
import type { LogEntry, Store } from '../../app/stores/store.ts';
import type { Finding } from './findings.ts';
import { Random } from './random.ts';
import { type Call, Recorder } from './records.ts';
import { checkSimulation, USERS } from './sim-check.ts';
import { SimConnection, SimDelivery } from './sim-delivery.ts';
import { SimStore } from './sim-store.ts';

const ROOMS = 2;
const TIME = '2026-01-01T00:00:00.000Z';
const CONNECTIONS_MAX = 6;

/** How often what is begun, relative to each other. */
const WEIGHTS = {
  connect: 6,
  disconnect: 4,
  enter: 10,
  leave: 6,
  add: 6,
  send: 10,
  change: 6,
  beside: 2,
  destroy: 0.7,
  fail: 0.3,
} as const;

let metrics: Metrics | undefined;

/**
 * The real tail and presence over a simulated store and delivery: everything happens in an order that the seed
 * decides, step by step, so that a thousand interleavings are tried in a second and each can be repeated.
 */
class Simulation {
  readonly recorder = new Recorder();
  readonly store = new SimStore();
  readonly connections = new Set<SimConnection>();
  readonly delivery = new SimDelivery(this.connections, (connection) => this.#close(connection));
  readonly presence: Presence;
  readonly tail: Tail;
  readonly #random: Random;
  readonly #remembers: boolean;
  readonly #outside: (() => void)[] = [];
  #rooms: string[] = [];
  #count = 0;
  #failing = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.presence = new Presence({
      delivery: this.delivery,
      now: () => 0,
      graceMs: 1_000_000,
      broadcastMax: 1_000,
      onSeen: () => Promise.resolve(true),
      onCount: () => {},
      onLeft: () => {},
    });
    metrics ??= createMetrics();
    const logger = createLogger({ level: 'silent', pretty: false });
    const { delivery, presence } = this;
    // In most runs memory holds all that is looked for, in some next to nothing.
    this.#remembers = this.#random.chance(0.7);
    const recentMax = this.#remembers ? 1_000 : this.#random.whole(1, 6);
    const tail = { store: this.#asStore(), delivery, presence, logger, metrics };
    this.tail = new Tail({ ...tail, recentMax, roomsAtOnce: this.#random.whole(1, 2) });
    for (let i = 0; i < ROOMS; i++) this.#addRoom();
  }

  /** Begins so many things in random order with the steps of those under way, and lets all end. */
  async run(actions: number): Promise<void> {
    for (let left = actions; left > 0; ) {
      const step = this.#random.pick(this.#steps());
      if (step === undefined || this.#random.chance(0.35)) {
        this.#begin();
        left--;
      } else step();
      await this.#turn();
    }
    await this.#drain();
    // Whatever was written beside is found at the latest when the server looks by itself.
    void this.tail.catchUp().catch(() => {});
    await this.#drain();
    this.presence.close();
  }

  /** What was wrong. */
  findings(): Finding[] {
    return [...checkSimulation(this, this.#remembers)];
  }

  #asStore(): Store {
    const { store } = this;
    const read =
      <I, O>(look: (input: I) => O) =>
      (input: I) =>
        store.read(() => {
          if (this.#failing > 0) {
            this.#failing--;
            throw new Refusal('OVERLOADED');
          }
          return look(input);
        });
    return {
      onEntries: (listener: (entries: readonly LogEntry[]) => void) => store.onEntries(listener),
      rooms: { snapshot: read(store.snapshot.bind(store)), heads: read(store.heads.bind(store)) },
      messages: { log: read(store.log.bind(store)) },
    } as unknown as Store;
  }

  #steps(): (() => void)[] {
    const [outside] = this.#outside;
    const steps = this.store.steps();
    if (outside !== undefined) {
      steps.push(() => {
        this.#outside.shift();
        outside();
      });
    }
    return steps;
  }

  /** Lets all promises run, and writes out what was sent: the end of a turn of the event loop. */
  async #turn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.delivery.flush();
  }

  async #drain(): Promise<void> {
    this.#failing = 0;
    // What takes its rooms in turns may have some to go when no step is left, and lead to more.
    for (let idle = 0; idle < CONNECTIONS_MAX * ROOMS; idle++) {
      for (let step = this.#random.pick(this.#steps()); step !== undefined; step = this.#random.pick(this.#steps())) {
        idle = 0;
        step();
        await this.#turn();
      }
      await this.#turn();
    }
  }

  #begin(): void {
    const random = this.#random;
    const room_id = random.pick(this.#rooms) ?? '';
    const user_id = random.pick(USERS) ?? '';
    const connection = random.pick([...this.connections].filter(({ identity }) => identity !== null));
    const { store } = this;
    const write = (apply: () => LogEntry[]) => void store.write(apply).catch(() => {});
    switch (random.weighted(WEIGHTS)) {
      case 'connect':
        if (this.connections.size < CONNECTIONS_MAX) void this.#signIn(user_id);
        break;
      case 'disconnect':
        if (connection !== undefined) this.#close(connection);
        break;
      case 'enter':
        if (connection !== undefined) void this.#enter(connection, room_id);
        break;
      case 'leave':
        write(() => store.leave(room_id, user_id));
        break;
      case 'add':
        write(() => store.join(room_id, user_id));
        break;
      case 'send':
        write(() => store.say(room_id, user_id));
        break;
      case 'change':
        write(() => store.change(room_id, user_id, (own) => random.pick(own)));
        break;
      case 'beside':
        this.#writeBeside(room_id, user_id);
        break;
      case 'destroy':
        this.#destroyBeside(room_id);
        break;
      case 'fail':
        this.#failing++;
    }
  }

  /** A new room of somebody's. */
  #addRoom(): LogEntry[] {
    const room_id = `room ${++this.#count}`;
    this.#rooms.push(room_id);
    return this.store.addRoom(room_id, this.#random.pick(USERS) ?? '');
  }

  /** Another process deletes a room, of which the server reads later; a new one is made. */
  #destroyBeside(room_id: string): void {
    this.store.deleteRoom(room_id);
    this.#rooms = this.#rooms.filter((id) => id !== room_id);
    this.#outside.push(() => {
      const told = this.store.read(() => {}).then(() => this.tail.deleteRoom(room_id));
      void told.then(() => this.tail.catchUp()).catch(() => {});
    });
    void this.store.write(() => this.#addRoom()).catch(() => {});
  }

  #writeBeside(room_id: string, user_id: string): void {
    for (let n = this.#random.whole(1, 6); n > 0; n--) {
      if (this.store.isMember(room_id, user_id)) this.store.say(room_id, user_id);
    }
    this.#outside.push(() => void this.tail.catchUp().catch(() => {}));
  }

  /** As the sessions do it. */
  async #signIn(user_id: string): Promise<void> {
    const connection = new SimConnection(`${user_id}#${++this.#count}`, this.recorder);
    connection.history.user_id = user_id;
    this.connections.add(connection);
    const call = this.recorder.call(connection.history, 'authenticate', { token: user_id });
    const mark = this.tail.bookmark();
    try {
      const rooms = await this.store.read(() => this.store.roomsOf(user_id));
      await this.store.read(() => {}); // making a token takes a while
      if (connection.closed) return;
      const user = { id: user_id, username: user_id, connected_at: TIME, last_activity: TIME };
      const { user: online } = this.presence.connect(connection, user);
      connection.identity = { user: online, token_id: '', token_generation: 0 };
      for (const { id } of rooms) this.presence.addRoom(online, id);
      connection.answer(call as Call, {
        ok: true,
        user: this.presence.describe(online),
        token: '',
        epoch: '',
        rooms: rooms.map((room) => this.presence.room({ ...room, member: true })),
        rooms_next: null,
        server: { protocol: 1, features: [], limits: {} },
      });
      await this.tail.attachAll(
        connection,
        rooms.map(({ id, seq }) => [id, seq]),
        mark,
      );
    } finally {
      this.tail.release(mark);
    }
  }

  /** As `join_room` does it. */
  async #enter(connection: SimConnection, room_id: string): Promise<void> {
    const user_id = connection.identity?.user.id ?? '';
    const call = this.recorder.call(connection.history, 'join_room', { room_id });
    const member = await this.store.read(() => this.store.isMember(room_id, user_id));
    this.tail.expectJoin(connection, room_id);
    try {
      if (!member) await this.store.write(() => this.store.join(room_id, user_id));
      await this.tail.open(connection, room_id, ({ room, messages, has_more }) => {
        const told = { room: this.presence.room({ ...room, member: true }), users: [], messages: messages.toJSON() };
        connection.answer(call as Call, { ok: true, ...told, has_more });
        connection.send({ event: 'room_info', payload: { ...told, messages: [] } });
      });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      connection.answer(call as Call, { ok: false, error: error.body('en') });
    } finally {
      this.tail.endJoin(connection, room_id);
    }
  }

  #close(connection: SimConnection): void {
    if (connection.closed) return;
    connection.closed = true;
    this.recorder.end(connection.history, 'closed');
    this.connections.delete(connection);
    const user = connection.identity?.user;
    if (user === undefined) return;
    this.tail.detach(connection);
    this.presence.disconnect(connection, user);
  }
}

/** Runs one order of things, and says what was wrong with it. */
export async function simulate(seed: number, actions = 60): Promise<Finding[]> {
  const simulation = new Simulation(seed);
  await simulation.run(actions);
  return simulation.findings();
}
