import type { Message } from '../../protocol/models.ts';
import type { Logger } from '../core/logger.ts';
import type { Metrics } from '../core/metrics.ts';
import { logEvent, membershipChange } from '../models/message.ts';
import { Refusal } from '../models/refusal.ts';
import type { LogEntry, RoomSnapshot, Store } from '../stores/store.ts';
import type { Connection, Delivery } from './delivery.ts';
import type { Presence } from './presence.ts';
import { type DeliveredEntry, type Mark, RecentEntries } from './recent.ts';

/** A room whose log is followed, because connections here receive it. */
interface TailedRoom {
  readonly id: string;
  /** The number of the last entry delivered. */
  cursor: number;
  /** Entries that came before one that is missing, by number. */
  readonly held: Map<number, LogEntry>;
  /** Missing entries are being read; `again`: and once more after that, since more has come. */
  reading: 'no' | 'yes' | 'again';
  /** Connections that know everything up to `known`, which the cursor has not reached yet. */
  waiting: { readonly connection: Connection; readonly known: number }[];
  /** Who waits for the cursor to reach a number. */
  reached: { readonly number: number; readonly resolve: () => void }[];
  /** Connections whose subscription rests while they read the room anew. */
  paused: number;
}

/** What the tail needs. */
export interface TailOptions {
  readonly store: Store;
  readonly delivery: Delivery;
  readonly presence: Presence;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** How long a committed entry may take to arrive by itself before it is read from the store, in milliseconds. */
const ARRIVAL_MS = 200;

/**
 * Follows the logs of the rooms that connections here are in, and gives each connection each room's entries in order,
 * with no gap and none twice, from the number its snapshot ends at to its own removal. Commits are a hint: a number
 * that is more than one too high makes it read what is missing; a number it has seen is dropped.
 */
export class Tail {
  readonly #options: TailOptions;
  readonly #rooms = new Map<string, TailedRoom>();
  readonly #recent = new RecentEntries();

  constructor(options: TailOptions) {
    this.#options = options;
    options.store.onEntries((entries) => this.commit(entries));
  }

  /** Takes entries that have been committed, in the order of their numbers in each room. */
  commit(entries: readonly LogEntry[]): void {
    for (const entry of entries) {
      const room = this.#rooms.get(entry.message.room_id);
      if (room === undefined) this.#pass(entry);
      else this.#apply(room, entry);
    }
  }

  /** To be called before a snapshot is read that {@link attachAll} is given; to be closed by {@link release}. */
  mark(): Mark {
    return this.#recent.open();
  }

  /** Ends what {@link mark} began. */
  release(mark: Mark): void {
    this.#recent.close(mark);
  }

  /**
   * Subscribes a connection that has just signed in to all rooms of its user, each from the number that the snapshot
   * tells. In the same turn as its answer, so that the answer goes out before any entry above those numbers.
   */
  attachAll(connection: Connection, memberships: readonly (readonly [string, number])[], mark: Mark): void {
    const user = connection.identity?.user;
    if (user === undefined) return;
    const known = new Map(memberships);
    const recent = this.#recent.since(mark, new Set(known.keys()));
    for (const [room_id, seq] of known) {
      if (this.#tryAttach(connection, { room_id, known: seq, delivered: recent.get(room_id) ?? [] })) continue;
      const again = this.#recent.open();
      this.#chain(connection, () => this.#attach(connection, { room_id, known: seq, mark: again }), again);
    }
    for (const room_id of this.#recent.joinedSince(mark, user.id)) {
      if (!this.#options.delivery.isSubscribed(room_id, connection)) this.#welcome(connection, room_id);
    }
  }

  /**
   * Reads a room for one of its members and subscribes the connection to it, if it is not yet. `answer` is called
   * at the place in the connection's stream that the snapshot stands for: after every entry up to `room.seq`, before
   * every entry above.
   * @throws Refusal `ROOM_NOT_FOUND`, `NOT_A_MEMBER`
   */
  enter(connection: Connection, room_id: string, answer: (snapshot: RoomSnapshot) => void): Promise<void> {
    const entered = connection.turn.then(() => this.#enter(connection, room_id, answer));
    connection.turn = entered.catch(() => {});
    return entered;
  }

  /** Compares the rooms that are followed here with the store, and reads what they are missing. */
  async catchUp(): Promise<void> {
    const room_ids = [...this.#rooms.keys()];
    if (room_ids.length === 0) return;
    for (const { room_id, head } of await this.#options.store.rooms.heads({ room_ids })) {
      const room = this.#rooms.get(room_id);
      if (room !== undefined && head > room.cursor) await this.#readMissing(room);
    }
  }

  /** Tells the members of a room that it is gone, and forgets it. */
  deleteRoom(room_id: string): void {
    const { delivery, presence } = this.#options;
    for (const user of presence.usersIn(room_id)) {
      presence.leaveRoom(user.id, room_id);
      for (const connection of user.connections) {
        delivery.flush();
        connection.send({ event: 'room_deleted', payload: { room_id } });
        this.#unsubscribe(room_id, connection);
      }
    }
  }

  /** Forgets a connection that has ended. */
  detach(connection: Connection): void {
    for (const room_id of connection.identity?.user.rooms ?? []) this.#unsubscribe(room_id, connection);
  }

  async #enter(connection: Connection, room_id: string, answer: (snapshot: RoomSnapshot) => void): Promise<void> {
    const { delivery, store } = this.#options;
    const user_id = connection.identity?.user.id;
    if (user_id === undefined) throw new Refusal('UNAUTHENTICATED');
    const room = this.#rooms.get(room_id);
    const resting = room !== undefined && delivery.isSubscribed(room_id, connection) ? room : undefined;
    const mark = this.#recent.open();
    if (resting === undefined) {
      return this.#closing(mark, async () => {
        const snapshot = await store.rooms.enter({ room_id, user_id });
        answer(snapshot);
        await this.#attachOrEnd(connection, { room_id, known: snapshot.room.seq, mark });
      });
    }
    let known = resting.cursor;
    resting.paused++;
    delivery.unsubscribe(room_id, connection);
    await this.#closing(mark, async () => {
      try {
        const snapshot = await store.rooms.enter({ room_id, user_id });
        await this.#reach(resting, snapshot.room.seq);
        known = this.#replay(connection, { room_id, from: known, to: snapshot.room.seq, mark });
        answer(snapshot);
      } finally {
        resting.paused--;
        await this.#attachOrEnd(connection, { room_id, known, mark });
        this.#dropUnused(resting);
      }
    });
  }

  async #closing(mark: Mark, run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } finally {
      this.#recent.close(mark);
    }
  }

  /** Sends what was delivered above `from`, up to `to`, as far as it is still kept; answers how far that was. */
  #replay(
    connection: Connection,
    { room_id, from, to, mark }: { room_id: string; from: number; to: number; mark: Mark },
  ): number {
    let known = from;
    for (const delivered of this.#recent.since(mark, new Set([room_id])).get(room_id) ?? []) {
      const { rev } = delivered.entry.message;
      if (rev <= known || rev > to || delivered.from > known) continue;
      this.#sendEntry(connection, delivered.entry);
      known = rev;
    }
    return known;
  }

  /** A connection that cannot be brought onto its stream is ended: it comes back and syncs. */
  async #attachOrEnd(connection: Connection, from: { room_id: string; known: number; mark: Mark }): Promise<void> {
    try {
      await this.#attach(connection, from);
    } catch (error) {
      this.#options.logger.warn({ err: error, connection: connection.id }, 'a connection could not follow a room');
      this.#options.delivery.end(connection);
    }
  }

  /** Gets a connection that knows a room up to `known` onto its stream, reading the store where memory has a gap. */
  async #attach(
    connection: Connection,
    { room_id, known, mark }: { room_id: string; known: number; mark: Mark },
  ): Promise<void> {
    let at = known;
    for (;;) {
      const delivered = this.#recent.since(mark, new Set([room_id])).get(room_id) ?? [];
      if (this.#tryAttach(connection, { room_id, known: at, delivered })) return;
      this.#options.metrics.gapReads.inc();
      const page = await this.#options.store.messages.log({ room_id, after: at });
      if (page.entries.some((entry) => this.#sendEntry(connection, entry) === 'left')) {
        const rest = page.entries.map(({ message }) => message);
        return this.#rejoin(connection, room_id, rest);
      }
      at = page.has_more ? (page.entries.at(-1)?.message.rev ?? page.head) : page.head;
    }
  }

  /**
   * Subscribes a connection that knows a room up to `known`, after sending it what was `delivered` above that.
   * False, with nothing sent, when some of that is no longer in memory.
   */
  #tryAttach(
    connection: Connection,
    { room_id, known, delivered }: { room_id: string; known: number; delivered: readonly DeliveredEntry[] },
  ): boolean {
    const user = connection.identity?.user;
    if (connection.closed || user === undefined) return true;
    const room = this.#rooms.get(room_id);
    if (room === undefined) {
      this.#options.presence.enterRoom(user, room_id);
      this.#options.delivery.subscribe(room_id, connection);
      const followed = this.#follow(room_id, known);
      for (const { entry } of delivered) this.#apply(followed, entry);
      return true;
    }
    const missed = missedEntries(delivered, known, room.cursor);
    if (missed === undefined) return false;
    this.#options.presence.enterRoom(user, room_id);
    if (missed.some((entry) => this.#sendEntry(connection, entry) === 'left')) {
      this.#options.presence.leaveRoom(user.id, room_id);
      const rest = missed.map(({ message }) => message);
      this.#rejoin(connection, room_id, rest);
      return true;
    }
    if (room.cursor >= known) this.#options.delivery.subscribe(room_id, connection);
    else room.waiting.push({ connection, known });
    return true;
  }

  /** Someone who left and joined again while a snapshot from before was read enters anew. */
  #rejoin(connection: Connection, room_id: string, missed: readonly Message[]): void {
    const user_id = connection.identity?.user.id;
    const last = missed.findLast((message) => message.user_id === user_id && membershipChange(message) !== undefined);
    const change = last && membershipChange(last);
    if (change !== undefined && 'joined' in change) this.#welcome(connection, room_id);
  }

  #follow(room_id: string, cursor: number): TailedRoom {
    const room: TailedRoom = {
      id: room_id,
      cursor,
      held: new Map(),
      reading: 'no',
      waiting: [],
      reached: [],
      paused: 0,
    };
    this.#rooms.set(room_id, room);
    return room;
  }

  #unsubscribe(room_id: string, connection: Connection): void {
    this.#options.delivery.unsubscribe(room_id, connection);
    const room = this.#rooms.get(room_id);
    if (room === undefined) return;
    if (room.waiting.length > 0) room.waiting = room.waiting.filter((waiting) => waiting.connection !== connection);
    this.#dropUnused(room);
  }

  #dropUnused(room: TailedRoom): void {
    const used = room.paused > 0 || room.waiting.length > 0 || this.#options.delivery.subscribers(room.id) > 0;
    if (used) return;
    this.#rooms.delete(room.id);
    for (const { resolve } of room.reached) resolve();
  }

  /** An entry of a room that nobody here receives: it may make somebody here a member. */
  #pass(entry: LogEntry): void {
    this.#recent.add({ from: entry.message.rev - 1, entry });
    this.#applyMembership(entry);
  }

  #apply(room: TailedRoom, entry: LogEntry): void {
    const { rev } = entry.message;
    if (rev <= room.cursor) return;
    if (rev > room.cursor + 1) {
      room.held.set(rev, entry);
      void this.#readMissing(room);
      return;
    }
    this.#deliver(room, entry);
    this.#applyHeld(room);
  }

  #applyHeld(room: TailedRoom): void {
    for (;;) {
      const next = room.held.get(room.cursor + 1);
      if (next === undefined) break;
      this.#deliver(room, next);
    }
    for (const rev of room.held.keys()) if (rev <= room.cursor) room.held.delete(rev);
  }

  async #readMissing(room: TailedRoom): Promise<void> {
    if (room.reading !== 'no') {
      room.reading = 'again';
      return;
    }
    this.#options.metrics.gapReads.inc();
    try {
      let more = true;
      while (more && this.#rooms.get(room.id) === room) {
        room.reading = 'yes';
        const page = await this.#options.store.messages.log({ room_id: room.id, after: room.cursor });
        for (const entry of page.entries) if (entry.message.rev > room.cursor) this.#deliver(room, entry);
        this.#applyHeld(room);
        more = page.has_more || this.#mustReadAgain(room);
      }
    } catch (error) {
      this.#options.logger.error({ err: error, room_id: room.id }, 'missing entries could not be read');
      setTimeout(() => void this.#readMissing(room), 1_000).unref();
    } finally {
      room.reading = 'no';
    }
  }

  #mustReadAgain(room: TailedRoom): boolean {
    return room.reading === 'again';
  }

  #deliver(room: TailedRoom, entry: LogEntry): void {
    const { delivery, metrics } = this.#options;
    const { message } = entry;
    this.#admitWaiting(room, message.rev);
    this.#recent.add({ from: room.cursor, entry });
    room.cursor = message.rev;
    delivery.publish(room.id, { event: logEvent(message), payload: message });
    metrics.entriesDelivered.inc(delivery.subscribers(room.id));
    this.#publishMembership(entry);
    this.#applyMembership(entry);
    if (room.reached.length > 0) this.#resolveReached(room);
  }

  /** Who knows everything below this number receives it and all that follow. */
  #admitWaiting(room: TailedRoom, rev: number): void {
    if (room.waiting.length === 0) return;
    const ready = room.waiting.filter(({ known }) => known < rev);
    room.waiting = room.waiting.filter(({ known }) => known >= rev);
    for (const { connection } of ready) this.#options.delivery.subscribe(room.id, connection);
  }

  #publishMembership({ message, joined }: LogEntry): void {
    const { delivery, presence } = this.#options;
    const change = membershipChange(message);
    if (change === undefined) return;
    const { room_id, seq, username } = message;
    if ('left' in change) {
      delivery.publish(room_id, { event: 'user_left_room', payload: { user_id: change.left, username, room_id, seq } });
    } else if (joined !== undefined) {
      const online = presence.get(change.joined);
      if (online !== undefined) presence.enterRoom(online, room_id);
      const payload = { user: presence.user(joined.user), room: presence.room(joined.room), seq };
      delivery.publish(room_id, { event: 'user_joined_room', payload });
    }
  }

  #applyMembership({ message }: LogEntry): void {
    const change = membershipChange(message);
    if (change === undefined) return;
    const { presence } = this.#options;
    const { room_id } = message;
    if ('left' in change) {
      const connections = presence.get(change.left)?.connections ?? [];
      presence.leaveRoom(change.left, room_id);
      for (const connection of connections) this.#unsubscribe(room_id, connection);
      return;
    }
    const user = presence.get(change.joined);
    if (user === undefined) return;
    presence.enterRoom(user, room_id);
    for (const connection of user.connections) {
      if (!connection.entering?.has(room_id)) this.#welcome(connection, room_id);
    }
  }

  /** Brings a connection into a room that its user was made a member of elsewhere. */
  #welcome(connection: Connection, room_id: string): void {
    const { delivery, presence } = this.#options;
    const mark = this.#recent.open();
    const run = async () => {
      if (delivery.isSubscribed(room_id, connection) || connection.closed) return;
      await this.#enter(connection, room_id, ({ room, users, messages }) => {
        const payload = {
          room: presence.room(room),
          users: users.map((user) => presence.user(user)),
          messages: [...messages],
        };
        connection.send({ event: 'room_info', payload });
      });
    };
    this.#chain(connection, run, mark);
  }

  /** Runs a change of a connection's subscriptions after those before it. One that fails ends it: it comes back. */
  #chain(connection: Connection, run: () => Promise<void>, mark: Mark): void {
    connection.turn = connection.turn
      .then(run)
      .catch((error: unknown) => {
        const gone = error instanceof Refusal && (error.code === 'NOT_A_MEMBER' || error.code === 'ROOM_NOT_FOUND');
        if (gone) return;
        this.#options.logger.warn({ err: error, connection: connection.id }, 'a connection could not enter a room');
        this.#options.delivery.end(connection);
      })
      .finally(() => this.#recent.close(mark));
  }

  /** Sends one entry to one connection. @returns `left` when it ends the membership of the connection's user */
  #sendEntry(connection: Connection, entry: LogEntry): 'left' | undefined {
    const { presence, metrics } = this.#options;
    const { message, joined } = entry;
    connection.send({ event: logEvent(message), payload: message });
    metrics.entriesDelivered.inc();
    const change = membershipChange(message);
    if (change === undefined) return undefined;
    const { room_id, seq, username } = message;
    if ('left' in change) {
      connection.send({ event: 'user_left_room', payload: { user_id: change.left, username, room_id, seq } });
      return change.left === connection.identity?.user.id ? 'left' : undefined;
    }
    if (joined !== undefined) {
      const payload = { user: presence.user(joined.user), room: presence.room(joined.room), seq };
      connection.send({ event: 'user_joined_room', payload });
    }
    return undefined;
  }

  async #reach(room: TailedRoom, number: number): Promise<void> {
    if (room.cursor >= number || this.#rooms.get(room.id) !== room) return;
    const timer = setTimeout(() => void this.#readMissing(room), ARRIVAL_MS);
    await new Promise<void>((resolve) => room.reached.push({ number, resolve }));
    clearTimeout(timer);
  }

  #resolveReached(room: TailedRoom): void {
    const ready = room.reached.filter(({ number }) => number <= room.cursor);
    room.reached = room.reached.filter(({ number }) => number > room.cursor);
    for (const { resolve } of ready) resolve();
  }
}

/** The delivered entries above `known`, each once, which reach up to `cursor`; undefined when they are not all there. */
function missedEntries(delivered: readonly DeliveredEntry[], known: number, cursor: number): LogEntry[] | undefined {
  const missed: LogEntry[] = [];
  let at = known;
  for (const { from, entry } of delivered) {
    if (entry.message.rev <= at) continue;
    if (from > at) return undefined;
    missed.push(entry);
    at = entry.message.rev;
  }
  return at >= cursor ? missed : undefined;
}
