import type { Socket } from 'socket.io';
import type { Locale } from '../../protocol/errors.ts';
import type { Connection, Delivery, Identity, Outgoing } from '../services/delivery.ts';
import { eventPacket, joinFrames, takesFrames, writeFrames, writePackets } from './frames.ts';

/** A connection over Socket.IO. */
export class SocketConnection implements Connection {
  readonly socket: Socket;
  readonly locale: Locale;
  identity: Identity | null = null;
  readonly entering = new Set<string>();
  turn: Promise<unknown> = Promise.resolve();

  constructor(socket: Socket, locale: Locale) {
    this.socket = socket;
    this.locale = locale;
  }

  get id(): string {
    return this.socket.id;
  }

  get closed(): boolean {
    return !this.socket.connected;
  }

  send(outgoing: Outgoing): void {
    writePackets(this.socket, [eventPacket(outgoing.event, outgoing.payload)]);
  }
}

/** The subscribers of a room, and what they are to receive at the end of this turn. */
interface Group {
  readonly connections: Set<SocketConnection>;
  pending: string[];
}

/**
 * Carries events to sockets. What a room receives in one turn of the event loop, or from one commit, is encoded once
 * as whole WebSocket frames in one buffer, and that buffer is written once to each socket.
 */
export class Fanout implements Delivery {
  readonly #groups = new Map<string, Group>();
  readonly #dirty = new Set<Group>();
  #scheduled = false;

  subscribe(room_id: string, connection: Connection): void {
    const group = this.#groups.get(room_id) ?? { connections: new Set(), pending: [] };
    this.#groups.set(room_id, group);
    this.#flushGroup(group);
    group.connections.add(connection as SocketConnection);
  }

  unsubscribe(room_id: string, connection: Connection): void {
    const group = this.#groups.get(room_id);
    if (group === undefined) return;
    this.#flushGroup(group);
    group.connections.delete(connection as SocketConnection);
    if (group.connections.size === 0) this.#groups.delete(room_id);
  }

  isSubscribed(room_id: string, connection: Connection): boolean {
    return this.#groups.get(room_id)?.connections.has(connection as SocketConnection) ?? false;
  }

  subscribers(room_id: string): number {
    return this.#groups.get(room_id)?.connections.size ?? 0;
  }

  publish(room_id: string, outgoing: Outgoing, except_user_id?: string): void {
    const group = this.#groups.get(room_id);
    if (group === undefined) return;
    const packet = eventPacket(outgoing.event, outgoing.payload);
    if (except_user_id !== undefined) {
      this.#flushGroup(group);
      for (const connection of group.connections) {
        if (connection.identity?.user.id !== except_user_id) writePackets(connection.socket, [packet]);
      }
      return;
    }
    group.pending.push(packet);
    this.#dirty.add(group);
    this.#schedule();
  }

  flush(): void {
    for (const group of this.#dirty) this.#flushGroup(group);
  }

  end(connection: Connection): void {
    this.flush();
    (connection as SocketConnection).socket.disconnect(true);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  #flushGroup(group: Group): void {
    this.#dirty.delete(group);
    if (group.pending.length === 0) return;
    const packets = group.pending;
    group.pending = [];
    let frames: Buffer | null = null;
    for (const { socket } of group.connections) {
      if (takesFrames(socket)) {
        frames ??= joinFrames(packets);
        writeFrames(socket, frames);
      } else writePackets(socket, packets);
    }
  }
}
