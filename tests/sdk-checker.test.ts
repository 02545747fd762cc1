import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Chat, createClient } from '../client/chat.ts';
import { ChatError } from '../client/error.ts';
import type { ChatRoom } from '../client/room.ts';
import { type ChatStorage, memoryStorage } from '../client/storage.ts';
import type { Message } from '../protocol/message.ts';
import type { Room } from '../protocol/room.ts';
import { check } from './checker/check.ts';
import type { Account } from './checker/client.ts';
import { tally } from './checker/findings.ts';
import { smallDisk } from './checker/full-disk.ts';
import { loaded } from './checker/loaded.ts';
import { Random } from './checker/random.ts';
import type { ConnectionHistory } from './checker/records.ts';
import { readStored } from './checker/stored.ts';
import { type Action, Workload } from './checker/workload.ts';
import { createWorld, type World, type WorldOptions } from './checker/world.ts';
import { testEngine } from './support/data.ts';
import { until } from './support/sdk.ts';

const DIE_AFTER_COMMIT = new URL('./checker/preload/die-after-commit.ts', import.meta.url);
const SLOW_REPLIES = new URL('./checker/preload/slow-replies.ts', import.meta.url);
const CLOCK = new URL('./checker/preload/clock.ts', import.meta.url);
/** Faults of the client's own making, which tell nothing about what the server did. */
const LOCAL = new Set(['OFFLINE', 'NO_ANSWER', 'DISCARDED', 'UNAUTHENTICATED']);

/** An app with the SDK in it: it talks, is closed and opened again on the same storage, and is recorded. */
class App {
  readonly name: string;
  /** Messages that were neither sent nor refused yet, by key. */
  readonly open = new Map<string, string>();
  chat: Chat;
  readonly #world: World;
  readonly #account: Account;
  readonly #random: Random;
  readonly #storage: ChatStorage;
  #stream: ConnectionHistory;
  readonly #changes = new Set<Promise<void>>();
  #watched = new Set<string>();
  #starts = 0;
  #texts = 0;

  constructor(name: string, options: { world: World; account: Account; storage: ChatStorage }) {
    this.name = name;
    this.#world = options.world;
    this.#account = options.account;
    this.#storage = options.storage;
    this.#random = options.world.random.fork(name);
    this.#stream = this.#record();
    this.chat = this.#create();
  }

  async start(): Promise<void> {
    await this.chat.signIn({ token: this.#account.token });
    for (const room_id of this.#world.room_ids) await this.chat.joinRoom(room_id).then((room) => this.#watch(room));
  }

  /** Closes the app wherever it is, and opens it again. */
  async restart(): Promise<void> {
    this.#world.recorder.end(this.#stream, 'the app was closed');
    this.#watched = new Set();
    await this.chat.close();
    this.#stream = this.#record();
    this.chat = this.#create();
    await this.#reopen();
  }

  /** Does one thing at random. */
  act(): void {
    const room = this.#random.pick(this.rooms);
    if (room === undefined) return;
    const own = room.messages.filter(
      (message): message is Message & typeof message =>
        message.status === 'sent' && message.user_id === this.#account.user_id && !message.is_system_message,
    );
    const message = this.#random.pick(own.filter(({ deleted }) => !deleted));
    const action = this.#random.weighted({
      send: this.open.size < 20 ? 10 : 0,
      edit: message ? 3 : 0,
      delete: message ? 1 : 0,
      older: 1,
    });
    if (action === 'send') this.#send(room);
    else if (action === 'older') void room.loadOlder(this.#random.whole(1, 40)).catch(() => {});
    else if (message !== undefined) this.#changes.add(this.#change(message.id, action));
  }

  get rooms(): ChatRoom[] {
    return this.#world.room_ids.map((id) => this.chat.room(id)).filter((room) => room.status === 'open');
  }

  /** Waits until all is sent, or refused. */
  async drain(): Promise<void> {
    this.chat.reconnectNow();
    await until(this.chat, () => this.chat.state === 'live', `${this.name} to be live`, 40_000);
    await this.#reopen();
    for (const room of this.rooms) {
      const isSent = () => room.messages.every(({ status }) => status !== 'pending');
      await until(room, isSent, `${this.name} to have sent all`, 40_000);
    }
    await Promise.all(this.#changes);
  }

  /** Waits until all rooms are as the server has them, and takes down what the app holds then. */
  async hold(heads: ReadonlyMap<string, number>): Promise<void> {
    for (const room of this.rooms) {
      const isEven = () => (room.cursor ?? 0) >= (heads.get(room.id) ?? 0);
      await until(room, isEven, `${this.name} to have all of ${room.id}`, 40_000);
    }
    const held = this.rooms.map((room) => {
      const messages = room.messages.flatMap((message) => {
        if (message.status !== 'sent') return [];
        const { status: _, key: __, ...rest } = message;
        return [rest];
      });
      const { hasOlder } = room.getSnapshot();
      return { room_id: room.id, cursor: room.cursor ?? 0, floor: hasOlder ? (messages[0]?.seq ?? 0) : 0, messages };
    });
    this.#world.recorder.finals.push({ client: this.name, user_id: this.#account.user_id, rooms: held });
  }

  async #reopen(): Promise<void> {
    for (const room_id of this.#world.room_ids) {
      const room = this.chat.room(room_id);
      for (let tries = 0; room.status !== 'open' && tries < 50; tries++) {
        await room.join().catch(() => delay(100));
      }
      if (room.status !== 'open') this.#world.recorder.fault(`${this.name} could not open ${room_id} again`);
      this.#watch(room);
    }
  }

  #create(): Chat {
    return createClient(this.#world.proxy.url, { storage: this.#storage });
  }

  #record(): ConnectionHistory {
    const stream = this.#world.recorder.open(`${this.name}#${++this.#starts}`, this.name);
    stream.user_id = this.#account.user_id;
    return stream;
  }

  /** What the SDK tells of a room is one stream, whatever happened to its connections. */
  #watch(room: ChatRoom): void {
    if (room.status !== 'open' || this.#watched.has(room.id)) return;
    this.#watched.add(room.id);
    const { recorder } = this.#world;
    const stream = this.#stream;
    const info: Room = { ...(room.info as Room), seq: room.cursor ?? 0 };
    recorder.event(stream, 'room_info', { room: info, users: [], messages: [] });
    room.onEntry((message) => recorder.event(stream, 'message', message));
  }

  #send(room: ChatRoom): void {
    const content = `${this.name} ${++this.#texts} ${'.'.repeat(this.#random.whole(0, 100))}`.trimEnd();
    const sent = room.send(content);
    const pending = room.messages.findLast((message) => message.status === 'pending');
    if (pending?.status !== 'pending' || pending.content !== content) {
      this.#world.recorder.fault(`${this.name} does not show what it sends`);
      return;
    }
    const payload = { room_id: room.id, content, client_id: pending.client_id };
    const { recorder } = this.#world;
    const call = recorder.call(this.#stream, 'send_message', payload);
    this.open.set(pending.client_id, content);
    sent.then(
      (message) => {
        // How often the SDK asked is its own affair: there was an attempt whose answer nobody saw.
        recorder.call(this.#stream, 'send_message', payload);
        recorder.answer(this.#stream, call, { ok: true, message, duplicate: true });
        this.open.delete(pending.client_id);
      },
      (error: unknown) => {
        if (!(error instanceof ChatError)) throw error;
        if (LOCAL.has(error.code)) return;
        recorder.fault(`${this.name} was refused ${error.code} for ${content}`);
        this.open.delete(pending.client_id);
      },
    );
  }

  async #change(message_id: string, action: 'edit' | 'delete'): Promise<void> {
    const { recorder } = this.#world;
    const content = `${this.name} edit ${++this.#texts}`;
    try {
      if (action === 'delete') {
        const call = recorder.call(this.#stream, 'delete_message', { message_id });
        recorder.answer(this.#stream, call, { ok: true, message: await this.chat.deleteMessage(message_id) });
      } else {
        const call = recorder.call(this.#stream, 'update_message', { message_id, content });
        recorder.answer(this.#stream, call, { ok: true, message: await this.chat.updateMessage(message_id, content) });
      }
    } catch (error) {
      const isExpected =
        error instanceof ChatError &&
        (error.isRetryable || LOCAL.has(error.code) || error.code === 'MESSAGE_NOT_FOUND');
      if (!isExpected) recorder.fault(`${this.name} could not ${action}: ${String(error)}`);
    }
  }
}

interface Case {
  readonly name: string;
  readonly world?: Partial<WorldOptions>;
  readonly body: (stage: { world: World; apps: App[] }) => Promise<void>;
}

const WEIGHTS: Partial<Record<Action, number>> = { leave: 0, remove: 0, away: 1 };

const CASES: readonly Case[] = [
  {
    name: 'the server is killed',
    async body({ world }) {
      for (let i = 0; i < 3; i++) {
        await loaded(world, 150);
        await world.server.kill('SIGKILL');
        await delay(world.random.whole(0, 200));
        await world.server.start();
      }
      await loaded(world, 150);
    },
  },
  {
    name: 'the server is stopped',
    async body({ world }) {
      for (let i = 0; i < 2; i++) {
        await loaded(world, 150);
        await world.server.kill('SIGTERM');
        await world.server.start();
      }
      await loaded(world, 150);
    },
  },
  {
    name: 'the network misbehaves',
    async body({ world }) {
      world.proxy.trouble(true);
      await loaded(world, 1_000);
    },
  },
  {
    name: 'the server dies after COMMIT and before it answers',
    world: { server: { preload: [DIE_AFTER_COMMIT] } },
    async body({ world }) {
      await loaded(world, 100);
      await world.server.kill('SIGKILL');
      for (let i = 0; i < 3; i++) {
        await world.server.start({ DIE_AFTER_COMMITS: String(world.random.whole(5, 60)) });
        await world.server.ended();
      }
      await world.server.start();
      await loaded(world, 150);
    },
  },
  {
    name: 'the clock jumps',
    world: { server: { preload: [CLOCK] } },
    async body({ world }) {
      for (let i = 0; i < 3; i++) {
        await loaded(world, 150);
        world.server.tell(`clock ${i % 2 === 0 ? 600_000 : -600_000}`);
      }
      await loaded(world, 150);
    },
  },
  {
    name: 'answers are slow',
    world: { server: { preload: [SLOW_REPLIES] } },
    body: ({ world }) => loaded(world, 400),
  },
  {
    name: 'apps are closed and opened again',
    async body({ world, apps }) {
      for (let i = 0; i < 8; i++) {
        await loaded(world, 100);
        await world.random.pick(apps)?.restart();
      }
    },
  },
];

/** Plays a case with plain clients and apps in the same rooms, and gives what the checker finds. */
async function play({ world: options, body }: Case, seed: number): Promise<string[]> {
  const random = new Random(seed);
  await using world = await createWorld({ random, connections: [1, 1], ...options });
  const [ada, can] = world.accounts.filter((account) => account !== world.observer.account);
  if (ada === undefined || can === undefined) throw new Error('the world is empty');
  for (const name of ['one', 'two']) await world.addRoom(ada, name, 'public');
  const shared = memoryStorage();
  const apps = [
    new App('app ada/1', { world, account: ada, storage: shared }),
    new App('app ada/2', { world, account: ada, storage: shared }),
    new App('app can/1', { world, account: can, storage: memoryStorage() }),
  ];
  const clients = world.clients.filter(({ account }) => account !== world.observer.account);
  const workload = new Workload({
    clients,
    room_ids: world.room_ids,
    random: random.fork('workload'),
    weights: WEIGHTS,
  });
  let stopped = false;
  const live = async (app: App) => {
    while (!stopped) {
      app.act();
      await delay(random.whole(5, 30));
    }
  };
  try {
    for (const client of clients) client.start();
    for (const app of apps) await app.start();
    workload.start();
    const living = apps.map(live);
    await body({ world, apps });
    stopped = true;
    await Promise.all(living);
    await workload.stop();
    world.proxy.trouble(false);
    for (const app of apps) await app.drain();
    await world.settle();
    const { rooms } = await world.once('get_rooms', { mine: true }, world.observer.account);
    for (const app of apps) await app.hold(new Map(rooms.map(({ id, seq }) => [id, seq])));
  } finally {
    stopped = true;
    await Promise.all(apps.map((app) => app.chat.close()));
  }
  await world.server.kill('SIGTERM');
  const stored = await readStored(world.server);
  const findings = check(world.recorder, stored);
  expect(stored.messages.filter(({ content }) => content.startsWith('app ')).length).toBeGreaterThan(20);
  return [`seed ${seed}: ${tally(findings)}`, ...findings.slice(0, 8).map(({ kind, text }) => `${kind}: ${text}`)];
}

const clean = (seed: number) => `seed ${seed}: ${tally([])}`;

describe('apps with the SDK keep the promise of the log while', () => {
  it.each(CASES)(
    '$name',
    async (one) => {
      const seed = Math.floor(Math.random() * 2 ** 31);
      expect(await play(one, seed)).toEqual([
        `seed ${seed}: lost 0, doubled 0, gaps 0, reordered 0, disagreements 0, unauthorised 0, faults 0`,
      ]);
    },
    150_000,
  );

  // With PostgreSQL it is another's disk.
  it.runIf(testEngine() === 'sqlite')(
    'the disk is full, and then has room again',
    async () => {
      const seed = Math.floor(Math.random() * 2 ** 31);
      await using disk = await smallDisk('limit');
      const full: Case = {
        name: 'the disk is full',
        world: { server: { folder: disk.folder } },
        async body({ world }) {
          const refused = () =>
            world.recorder.calls.filter(({ answer }) => answer?.ok === false && answer.error.code === 'UNAVAILABLE')
              .length;
          await loaded(world, 150);
          const before = refused();
          await disk.fill(world.server);
          expect(await world.eventually(() => refused() > before, 30_000)).toBe(true);
          await disk.free(world.server);
          await loaded(world, 150);
        },
      };
      expect(await play(full, seed)).toEqual([clean(seed)]);
    },
    150_000,
  );
});
