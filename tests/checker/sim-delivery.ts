import type { Connection, Identity, Outgoing } from '../../app/services/connection.ts';
import type { Delivery } from '../../app/services/delivery.ts';
import type { Call, ConnectionHistory, Recorder } from './records.ts';

/** A connection of the simulation: what it is sent is recorded at the end of the turn. */
export class SimConnection implements Connection {
  readonly id: string;
  readonly history: ConnectionHistory;
  identity: Identity | null = null;
  closed = false;
  /** What goes out at the end of the turn. */
  outbox: (() => void)[] = [];
  readonly #recorder: Recorder;

  constructor(id: string, recorder: Recorder) {
    this.id = id;
    this.#recorder = recorder;
    this.history = recorder.open(id, id);
  }

  send({ event, payload }: Outgoing): void {
    const arriving = JSON.parse(JSON.stringify(payload)) as typeof payload;
    this.outbox.push(() => this.#recorder.event(this.history, event, arriving));
  }

  /** Answers a command, in order with what is sent. */
  answer<C extends Call>(call: C, answer: NonNullable<C['answer']>): void {
    this.outbox.push(() => this.#recorder.answer(this.history, call as never, answer as never));
  }
}

interface Group {
  readonly connections: Set<SimConnection>;
  pending: Outgoing[];
}

/**
 * Carries events as the Socket.IO side does: what is published to a room goes out at the end of the turn, or before
 * a change of its subscribers.
 */
export class SimDelivery implements Delivery {
  readonly groups = new Map<string, Group>();
  readonly #connections: Iterable<SimConnection>;
  readonly #end: (connection: SimConnection) => void;

  /** @param end ends a connection, as when its socket ends */
  constructor(connections: Iterable<SimConnection>, end: (connection: SimConnection) => void) {
    this.#connections = connections;
    this.#end = end;
  }

  subscribe(room_id: string, connection: Connection): void {
    const group = this.groups.get(room_id) ?? { connections: new Set(), pending: [] };
    this.groups.set(room_id, group);
    this.#enqueue(group);
    group.connections.add(connection as SimConnection);
  }

  unsubscribe(room_id: string, connection: Connection): void {
    const group = this.groups.get(room_id);
    if (group === undefined) return;
    this.#enqueue(group);
    group.connections.delete(connection as SimConnection);
  }

  isSubscribed(room_id: string, connection: Connection): boolean {
    return this.groups.get(room_id)?.connections.has(connection as SimConnection) ?? false;
  }

  subscribers(room_id: string): number {
    return this.groups.get(room_id)?.connections.size ?? 0;
  }

  publish(room_id: string, outgoing: Outgoing): void {
    this.groups.get(room_id)?.pending.push(outgoing);
  }

  publishVolatile(): void {}

  sendAll(connections: Iterable<Connection>, outgoing: Outgoing): void {
    for (const connection of connections) connection.send(outgoing);
  }

  sendVolatile(): void {}

  flush(): void {
    for (const group of this.groups.values()) this.#enqueue(group);
    for (const connection of this.#connections) {
      const { outbox } = connection;
      connection.outbox = [];
      if (!connection.closed) for (const send of outbox) send();
    }
  }

  end(connection: Connection): void {
    this.flush();
    this.#end(connection as SimConnection);
  }

  drop(connection: Connection): void {
    this.end(connection);
  }

  #enqueue(group: Group): void {
    const { pending } = group;
    group.pending = [];
    for (const connection of group.connections) for (const outgoing of pending) connection.send(outgoing);
  }
}
