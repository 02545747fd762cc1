import { setTimeout as delay } from 'node:timers/promises';
import type { CheckedClient } from './client.ts';
import type { Random } from './random.ts';

/** How often clients do what, relative to each other. */
export const USUAL = {
  send: 40,
  send_twice: 4,
  edit: 12,
  delete: 5,
  join: 8,
  leave: 3,
  add: 4,
  remove: 4,
  read_anew: 3,
  load_older: 4,
  sync: 3,
  get_messages: 3,
  typing: 2,
  away: 2,
} as const;

/** What a client may do. */
export type Action = keyof typeof USUAL;

/** The people, rooms and habits of a run. */
export interface WorkloadOptions {
  /** Who acts. Several may be of one user. */
  readonly clients: readonly CheckedClient[];
  readonly room_ids: readonly string[];
  readonly random: Random;
  readonly weights?: Readonly<Partial<Record<Action, number>>>;
  /** The longest pause of a client between two actions, in milliseconds. */
  readonly pauseMs?: number;
}

/** How many commands of one client may be under way. */
const UNDER_WAY_MAX = 12;

/** Many clients that do this and that at random, until they are stopped. */
export class Workload {
  readonly #options: WorkloadOptions;
  readonly #weights: Readonly<Record<Action, number>>;
  #running: Promise<unknown> = Promise.resolve();
  #stopped = true;
  #texts = 0;

  constructor(options: WorkloadOptions) {
    this.#options = options;
    this.#weights = { ...USUAL, ...options.weights };
  }

  /** Lets the clients act. */
  start(): void {
    this.#stopped = false;
    const { clients, random } = this.#options;
    this.#running = Promise.all(clients.map((client) => this.#live(client, random.fork(client.name))));
  }

  /** Ends that; what is under way stays under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #live(client: CheckedClient, random: Random): Promise<void> {
    while (!this.#stopped) {
      if (client.ready && client.underWay < UNDER_WAY_MAX) await this.#act(client, random);
      await delay(random.whole(1, this.#options.pauseMs ?? 20));
    }
  }

  async #act(client: CheckedClient, random: Random): Promise<void> {
    const action = random.weighted(this.#weights);
    const room_id = random.pick(this.#options.room_ids) ?? '';
    switch (action) {
      case 'send':
      case 'send_twice':
      case 'edit':
      case 'delete':
        this.#write(client, random, action);
        break;
      case 'join':
        if (!client.rooms.has(room_id)) void client.enter(room_id);
        break;
      case 'leave':
        if (client.rooms.has(room_id)) void client.call('leave_room', { room_id });
        break;
      case 'add':
      case 'remove':
        this.#manage(client, random, { action, room_id });
        break;
      case 'away':
        await client.stop();
        await delay(random.whole(10, 800));
        client.start();
        break;
      default:
        this.#read(client, random, action);
    }
  }

  #write(client: CheckedClient, random: Random, action: 'send' | 'send_twice' | 'edit' | 'delete'): void {
    const view = random.pick([...client.rooms.values()]);
    if (view === undefined) return;
    const { room_id } = view;
    if (action === 'send' || action === 'send_twice') {
      const content = this.#text(client, random);
      const payload = { room_id, content, ...(random.chance(0.85) && { client_id: content.slice(0, 40) }) };
      client.send(payload);
      const other = random.pick(this.#others(client));
      if (action === 'send_twice' && payload.client_id !== undefined) other?.send(payload);
      return;
    }
    const message = random.pick(view.ownMessages(client.account.user_id));
    if (message === undefined) return;
    const message_id = message.id;
    if (action === 'delete') void client.call('delete_message', { message_id });
    else void client.call('update_message', { message_id, content: this.#text(client, random) });
  }

  #manage(
    client: CheckedClient,
    random: Random,
    { action, room_id }: { action: 'add' | 'remove'; room_id: string },
  ): void {
    const { user_id } = client.account;
    const users = new Set(this.#options.clients.map(({ account }) => account.user_id));
    const someone = random.pick([...users].filter((other) => other !== user_id));
    if (someone === undefined || !client.rooms.has(room_id)) return;
    void client.call(action === 'add' ? 'add_member' : 'remove_member', { room_id, user_id: someone });
  }

  #read(
    client: CheckedClient,
    random: Random,
    action: 'read_anew' | 'load_older' | 'sync' | 'get_messages' | 'typing',
  ): void {
    const view = random.pick([...client.rooms.values()]);
    if (view === undefined) return;
    const { room_id, cursor } = view;
    switch (action) {
      case 'read_anew':
        void client.enter(room_id);
        break;
      case 'load_older':
        void client.loadOlder(room_id, random.whole(1, 60));
        break;
      case 'sync':
        void client.syncAll();
        break;
      case 'get_messages': {
        const place = random.whole(0, cursor);
        const where = random.pick([{}, { before: place }, { after: place }]);
        void client.call('get_messages', { room_id, limit: random.whole(1, 100), ...where });
        break;
      }
      case 'typing':
        void client.call('typing_status', { room_id, is_typing: random.chance(0.5) });
        break;
    }
  }

  #others(client: CheckedClient): CheckedClient[] {
    const { user_id } = client.account;
    return this.#options.clients.filter((other) => other !== client && other.account.user_id === user_id);
  }

  /** A text that nothing else in the run has. */
  #text(client: CheckedClient, random: Random): string {
    const length = random.chance(0.05) ? random.whole(500, 3_000) : random.whole(0, 120);
    return `${client.name} ${++this.#texts} ${'.'.repeat(length)}`.trimEnd();
  }
}
