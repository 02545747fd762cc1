import type { Logger } from '../core/logger.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Connection, Outgoing } from '../services/connection.ts';
import type { Delivery } from '../services/delivery.ts';
import { NOTHING, type Outlet, type SocketConnection } from './connection.ts';
import { endForGood } from './ending.ts';
import { ackPacket, Chunk, eventPacket } from './frames.ts';
import { MessageJson } from './message.ts';
import { SubscribedRoom } from './room.ts';
import { onceSent, watchPolls, writeChunks } from './transport.ts';
import { UnreadAnswer, type UnreadLedger } from './unread.ts';

/** What {@link Fanout} sends by. */
export interface FanoutOptions {
  /** Whether more entries will be published very soon. */
  readonly moreSoon: () => boolean;
  /** Counts what clients do not read. */
  readonly unread: UnreadLedger;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** How long a large room waits at most for more to go with what it is to receive, in milliseconds. */
const HOLD_MS = 3;

/**
 * Carries events to sockets. What a room receives in one turn of the event loop is encoded once, as whole WebSocket
 * frames, and what a socket receives in one turn is written once.
 */
export class Fanout implements Delivery, Outlet {
  readonly #options: FanoutOptions;
  readonly #json = new MessageJson();
  readonly #rooms = new Map<string, SubscribedRoom>();
  #publishing: SubscribedRoom[] = [];
  #writing: SocketConnection[] = [];
  #scheduled = false;
  #largeRoom = false;
  /** When what waits now began to wait, by the clock of `performance.now()`; 0: nothing waits. */
  #waitingSince = 0;
  #latest: NodeJS.Timeout | undefined;

  constructor(options: FanoutOptions) {
    this.#options = options;
  }

  /** Counts what a connection does not read, on the budget of its address, until {@link remove}. */
  add(connection: SocketConnection): void {
    watchPolls(connection.socket, (response) => {
      const answer = new UnreadAnswer(response, connection.budget);
      const bytes = answer.measure();
      connection.polled += bytes;
      response.once('close', () => {
        connection.polled -= bytes;
        this.#options.unread.forget(answer);
      });
      this.#options.unread.count(answer, bytes);
    });
  }

  /** Records that a connection has ended; what is on its way to the network counts until that has ended too. */
  remove(connection: SocketConnection): void {
    onceSent(connection.socket, () => this.#options.unread.forget(connection));
  }

  /** Sends one event to one connection. */
  send(connection: SocketConnection, { event, payload }: Outgoing): void {
    this.#enqueue(connection, new Chunk([eventPacket(event, this.#json.of(payload))]), 'event');
  }

  /** Answers the command of a connection that came with this id. */
  answer(connection: SocketConnection, id: number, answer: object): void {
    this.#enqueue(connection, new Chunk([ackPacket(id, this.#json.of(answer))]), 'answer');
  }

  subscribe(room_id: string, connection: Connection): void {
    const room = this.#rooms.get(room_id) ?? new SubscribedRoom();
    this.#rooms.set(room_id, room);
    this.#enqueueHeld(room);
    room.connections.add(connection as SocketConnection);
  }

  unsubscribe(room_id: string, connection: Connection): void {
    const room = this.#rooms.get(room_id);
    if (room === undefined) return;
    this.#enqueueHeld(room);
    room.connections.delete(connection as SocketConnection);
    if (room.connections.size === 0) this.#rooms.delete(room_id);
  }

  isSubscribed(room_id: string, connection: Connection): boolean {
    return this.#rooms.get(room_id)?.connections.has(connection as SocketConnection) ?? false;
  }

  subscribers(room_id: string): number {
    return this.#rooms.get(room_id)?.connections.size ?? 0;
  }

  publish(room_id: string, { event, payload }: Outgoing): void {
    const room = this.#rooms.get(room_id);
    if (room === undefined) return;
    const packet = eventPacket(event, this.#json.of(payload));
    if (room.hold(packet)) this.#publishing.push(room);
    if (room.isLarge) this.#largeRoom = true;
    this.#schedule();
  }

  publishVolatile(room_id: string, outgoing: Outgoing, except_user_id: string): void {
    const connections = this.#rooms.get(room_id)?.connections ?? [];
    const others = [...connections].filter(({ identity }) => identity?.user.id !== except_user_id);
    this.sendVolatile(others, outgoing);
  }

  sendAll(connections: Iterable<Connection>, { event, payload }: Outgoing): void {
    const chunk = new Chunk([eventPacket(event, this.#json.of(payload))]);
    for (const connection of connections as Iterable<SocketConnection>) this.#enqueue(connection, chunk, 'event');
  }

  sendVolatile(connections: Iterable<Connection>, { event, payload }: Outgoing): void {
    const chunk = new Chunk([eventPacket(event, this.#json.of(payload))]);
    for (const connection of connections as Iterable<SocketConnection>) {
      if (!connection.isLate) this.#enqueue(connection, chunk, 'event');
    }
  }

  end(connection: Connection): void {
    this.flush();
    endForGood((connection as SocketConnection).socket);
  }

  drop(connection: Connection): void {
    this.flush();
    (connection as SocketConnection).socket.conn.close();
  }

  flush(): void {
    this.#waitingSince = 0;
    this.#largeRoom = false;
    clearTimeout(this.#latest);
    this.#latest = undefined;
    const publishing = this.#publishing;
    this.#publishing = [];
    for (const room of publishing) this.#enqueueHeld(room);
    const writing = this.#writing;
    this.#writing = [];
    for (const connection of writing) this.#write(connection);
    this.#json.forget();
  }

  /** Adds a chunk to what a connection is sent at the end of this turn. */
  #enqueue(connection: SocketConnection, chunk: Chunk, kind: 'event' | 'answer'): void {
    if (connection.outbox === NOTHING) {
      this.#writing.push(connection);
      connection.outbox = [chunk];
    } else connection.outbox.push(chunk);
    if (kind === 'event') {
      connection.eventPackets += chunk.packets.length;
      connection.eventBytes += chunk.bytes;
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flushOrHold();
    });
  }

  /**
   * While a commit is under way, its entries are about to follow: going out together, they cost each socket of a large
   * room one write instead of two. What comes alone finds no commit under way, and does not wait.
   */
  #flushOrHold(): void {
    const now = performance.now();
    this.#waitingSince ||= now;
    const pays = this.#largeRoom && this.#options.moreSoon() && now - this.#waitingSince < HOLD_MS;
    if (!pays) this.flush();
    else this.#latest ??= setTimeout(() => this.flush(), HOLD_MS);
  }

  #enqueueHeld(room: SubscribedRoom): void {
    const chunk = room.take();
    if (chunk === null) return;
    for (const connection of room.connections) this.#enqueue(connection, chunk, 'event');
  }

  #write(connection: SocketConnection): void {
    const { socket, outbox } = connection;
    connection.outbox = NOTHING;
    writeChunks(socket, outbox);
    const waiting = connection.measure();
    if (connection.isTooFarBehind(waiting)) {
      this.#options.metrics.slowClients.inc();
      this.#options.logger.warn({ connection: socket.id, waiting }, 'a client that reads too slowly is cut');
      connection.cut();
    } else if (waiting > 0 || connection.counted > 0) this.#options.unread.count(connection, waiting);
  }
}
