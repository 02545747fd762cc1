import type { Connection, Outgoing } from './connection.ts';

/**
 * What carries events to connections. What is sent to one connection, by its `send` or through a room, arrives in the
 * order of the calls, but that what is published goes behind what is sent in the same turn, unless the connection's
 * subscription changes in between.
 */
export interface Delivery {
  /** Lets a connection receive what is published to a room from here on. */
  subscribe(room_id: string, connection: Connection): void;
  /** Ends that; what was published before still goes to it. */
  unsubscribe(room_id: string, connection: Connection): void;
  /** Whether a connection receives what is published to a room. */
  isSubscribed(room_id: string, connection: Connection): boolean;
  /** How many connections receive what is published to a room. */
  subscribers(room_id: string): number;
  /** Sends to all subscribers of a room. */
  publish(room_id: string, outgoing: Outgoing): void;
  /** The same but for the connections of one user, and those that are behind: for what may be lost. */
  publishVolatile(room_id: string, outgoing: Outgoing, except_user_id: string): void;
  /** Sends to some connections. */
  sendAll(connections: Iterable<Connection>, outgoing: Outgoing): void;
  /** Sends to some connections, but those that are behind: for what may be lost. */
  sendVolatile(connections: Iterable<Connection>, outgoing: Outgoing): void;
  /** Writes everything now, not at the end of the turn. */
  flush(): void;
  /** Ends a connection for good, after what was sent to it: the client is told, and does not come back by itself. */
  end(connection: Connection): void;
  /** Ends a connection, after what was sent to it, as a lost network would: the client comes back by itself. */
  drop(connection: Connection): void;
}
