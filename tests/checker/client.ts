import { setTimeout as delay } from 'node:timers/promises';
import type { Answer, CommandName, CommandPayload, CommandResult, EventPayload } from '../../protocol/index.ts';
import { type LogEntry, logEntry } from '../support/entry.ts';
import { Connection, type Way } from './connection.ts';
import type { Random } from './random.ts';
import type { Recorder } from './records.ts';
import { mayRetry, waitOf } from './retry.ts';
import { RoomView } from './room-view.ts';

/** A user, as its clients know it. */
export interface Account {
  readonly user_id: string;
  readonly username: string;
  readonly token: string;
}

/** What a client is made of. */
export interface ClientOptions {
  readonly name: string;
  readonly account: Account;
  /** Where to connect to; asked before each connection. */
  readonly url: () => string;
  readonly way: Way;
  readonly recorder: Recorder;
  readonly random: Random;
}

/** A message that is not acknowledged yet: it is repeated, with the same key, until the server has decided. */
interface Unsent {
  readonly payload: CommandPayload<'send_message'>;
  underWay: boolean;
}

/**
 * A plain Socket.IO client that follows docs/client-rules.md to the letter: it keeps a cursor for each room, keeps higher
 * live entries while it syncs, starts afresh on a reset, comes back with its token whenever its connection ends, and
 * repeats what was not acknowledged.
 */
export class CheckedClient {
  readonly name: string;
  readonly account: Account;
  readonly rooms = new Map<string, RoomView>();
  readonly #options: ClientOptions;
  readonly #unsent = new Map<string, Unsent>();
  readonly #entering = new Map<string, { readonly entries: LogEntry[]; readonly answer: Promise<void> }>();
  #connection: Connection | undefined;
  #count = 0;
  #epoch = '';
  #signedIn = false;
  #syncing = false;
  #calls = 0;
  #stopped = true;
  #running: Promise<void> = Promise.resolve();

  constructor(options: ClientOptions) {
    this.name = options.name;
    this.account = options.account;
    this.#options = options;
  }

  /** Whether it is signed in and may send. */
  get ready(): boolean {
    return this.#signedIn;
  }

  /** How many commands it waits for. */
  get underWay(): number {
    return this.#calls;
  }

  /** Whether nothing is left to be sent, asked or answered. */
  get settled(): boolean {
    const behind = [...this.rooms.values()].some((view) => view.behind);
    const busy = this.#calls > 0 || this.#unsent.size > 0 || this.#entering.size > 0 || this.#syncing || behind;
    return this.#signedIn && !busy;
  }

  /** What keeps it from being {@link settled}, for people. */
  get state(): string {
    const behind = [...this.rooms.values()].filter((view) => view.behind).length;
    return `${this.name}: signed in ${this.#signedIn}, under way ${this.#calls}, unsent ${this.#unsent.size}, behind ${behind}`;
  }

  /** Connects, and stays connected from here on. */
  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#running = this.#running.then(() => this.#run());
  }

  /** Ends the connection and stays away until {@link start}; what it holds stays. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#connection?.close();
    await this.#running;
  }

  /** Sends a message; with a key it is repeated until it is acknowledged or refused for good. */
  send(payload: CommandPayload<'send_message'>): void {
    if (payload.client_id === undefined) {
      void this.call('send_message', payload);
      return;
    }
    const unsent: Unsent = { payload, underWay: false };
    this.#unsent.set(payload.client_id, unsent);
    void this.#attempt(payload.client_id, unsent);
  }

  /** Sends a command as it is. Resolves with undefined when its outcome is unknown, or nothing was sent. */
  async call<C extends CommandName>(
    command: C,
    payload: CommandPayload<C>,
  ): Promise<Answer<CommandResult<C>> | undefined> {
    if (!this.#signedIn || this.#connection === undefined) return undefined;
    this.#calls++;
    try {
      return await this.#connection.call(command, payload);
    } finally {
      this.#calls--;
    }
  }

  /** Joins a room, or reads it anew, and follows it. */
  enter(room_id: string): Promise<void> {
    const under = this.#entering.get(room_id);
    if (under !== undefined) return under.answer;
    const entries: LogEntry[] = [];
    const answer = this.#enter(room_id, entries);
    this.#entering.set(room_id, { entries, answer });
    return answer;
  }

  /** Loads the page of messages before the oldest that it holds of a room. */
  async loadOlder(room_id: string, limit: number): Promise<void> {
    const view = this.rooms.get(room_id);
    if (view === undefined || view.floor <= 1) return;
    const before = view.floor;
    const answer = await this.call('get_messages', { room_id, before, limit });
    if (answer?.ok && this.rooms.get(room_id) === view) view.older(answer.messages, answer.has_more, before);
  }

  /** Asks `sync` about all its rooms, whether it is behind or not. */
  async syncAll(): Promise<void> {
    for (const view of this.rooms.values()) view.behind = true;
    await this.#sync();
  }

  async #run(): Promise<void> {
    const { name, url, way, recorder, random } = this.#options;
    while (!this.#stopped) {
      const connection = new Connection(`${name}#${++this.#count}`, { url: url(), way, client: name, recorder });
      this.#connection = connection;
      connection.onEvent((event, payload) => this.#onEvent(event, payload));
      if (await connection.opened) await this.#signIn(connection);
      await connection.ended;
      this.#signedIn = false;
      if (!this.#stopped) await delay(random.whole(20, 200));
    }
  }

  async #signIn(connection: Connection): Promise<void> {
    if (this.#stopped) connection.close();
    connection.user_id = this.account.user_id;
    const answer = await connection.call('authenticate', { token: this.account.token });
    if (answer === undefined) return;
    if (!answer.ok) {
      connection.close();
      return;
    }
    if (answer.epoch !== this.#epoch) this.rooms.clear();
    this.#epoch = answer.epoch;
    this.#signedIn = true;
    const mine = new Map(answer.rooms.map((room) => [room.id, room.seq]));
    for (const room_id of this.rooms.keys()) if (!mine.has(room_id)) this.rooms.delete(room_id);
    for (const [room_id, seq] of mine) this.#follow(room_id, seq);
    for (const [key, unsent] of this.#unsent) if (!unsent.underWay) void this.#attempt(key, unsent);
    void this.#sync();
  }

  /** Takes the snapshot number of a room from the answer to the sign-in. */
  #follow(room_id: string, seq: number): void {
    const view = this.rooms.get(room_id);
    if (view !== undefined) {
      if (view.cursor !== seq) view.behind = true;
    } else if (this.#options.random.chance(0.5)) {
      void this.enter(room_id);
    } else {
      this.rooms.set(room_id, new RoomView(room_id, seq));
      void this.loadOlder(room_id, 50);
    }
  }

  async #enter(room_id: string, entries: readonly LogEntry[]): Promise<void> {
    try {
      // The caller has to note that it is entering first.
      await null;
      let answer = await this.call('join_room', { room_id });
      while (answer?.ok === false && mayRetry(answer.error)) {
        await delay(waitOf(answer.error));
        answer = await this.call('join_room', { room_id });
      }
      if (!answer?.ok) return;
      const { room, messages, has_more } = answer;
      const view = this.rooms.get(room_id) ?? new RoomView(room_id, room.seq);
      this.rooms.set(room_id, view);
      view.load(messages, room.seq, has_more);
      for (const entry of entries) view.entry(entry);
    } finally {
      this.#entering.delete(room_id);
      void this.#sync();
    }
  }

  #onEvent(event: string, payload: unknown): void {
    const entry = logEntry(event, payload);
    if (entry !== undefined) {
      this.#onEntry(entry);
    } else if (event === 'room_info') {
      const { room, messages } = payload as EventPayload<'room_info'>;
      const view = this.rooms.get(room.id);
      if (this.#entering.has(room.id)) return;
      if (view === undefined) {
        const fresh = new RoomView(room.id, room.seq);
        fresh.load(messages, room.seq, true);
        this.rooms.set(room.id, fresh);
      } else if (view.cursor < room.seq) {
        view.behind = true;
        void this.#sync();
      }
    } else if (event === 'room_deleted') {
      this.rooms.delete((payload as EventPayload<'room_deleted'>).room_id);
    } else if (event === 'user_left_room') {
      const { user_id, room_id } = payload as EventPayload<'user_left_room'>;
      if (user_id === this.account.user_id) this.rooms.delete(room_id);
    }
  }

  #onEntry(entry: LogEntry): void {
    const view = this.rooms.get(entry.room_id);
    if (view === undefined) {
      this.#entering.get(entry.room_id)?.entries.push(entry);
      return;
    }
    view.entry(entry);
    if (view.behind) void this.#sync();
  }

  async #attempt(key: string, unsent: Unsent): Promise<void> {
    unsent.underWay = true;
    const answer = await this.call('send_message', unsent.payload);
    unsent.underWay = false;
    if (answer === undefined) return; // repeated after the next sign-in
    if (answer.ok || !mayRetry(answer.error)) {
      this.#unsent.delete(key);
      return;
    }
    await delay(waitOf(answer.error));
    if (this.#signedIn && !unsent.underWay && this.#unsent.has(key)) await this.#attempt(key, unsent);
  }

  /** One `sync` at a time, until no room is behind. */
  async #sync(): Promise<void> {
    if (this.#syncing) return;
    this.#syncing = true;
    try {
      for (;;) {
        const asked = [...this.rooms.values()].filter((view) => view.behind).slice(0, 100);
        if (asked.length === 0 || !this.#signedIn) return;
        const rooms = asked.map(({ room_id, cursor }) => ({ room_id, seq: cursor }));
        const answer = await this.call('sync', { epoch: this.#epoch, rooms });
        if (answer === undefined) return;
        if (answer.ok) for (const room of answer.rooms) this.#applySync(room, asked);
        else if (mayRetry(answer.error)) await delay(waitOf(answer.error));
        else return;
      }
    } finally {
      this.#syncing = false;
    }
  }

  #applySync(room: CommandResult<'sync'>['rooms'][number], asked: readonly RoomView[]): void {
    const view = this.rooms.get(room.room_id);
    if (view === undefined || !asked.includes(view)) return;
    if ('error' in room) {
      this.rooms.delete(room.room_id);
    } else if (room.reset) {
      this.rooms.delete(room.room_id);
      void this.enter(room.room_id);
    } else {
      view.page(room);
    }
  }
}
