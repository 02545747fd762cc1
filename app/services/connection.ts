import type { EventName, EventPayload } from '../../protocol/events.ts';
import type { WithRaw } from '../models/raw-json.ts';

/** One event to be sent, with its payload. */
export type Outgoing = {
  [E in EventName]: { readonly event: E; readonly payload: WithRaw<EventPayload<E>> };
}[EventName];

/** A user who is online: connected, or gone for less than the grace. */
export interface OnlineUser {
  readonly id: string;
  username: string;
  /** Milliseconds since 1970. */
  connected_at: number;
  /** Milliseconds since 1970. */
  last_activity: number;
  readonly connections: Set<Connection>;
  /** The rooms that the user is a member of. */
  readonly rooms: Set<string>;
  /** Counts up with everyone who comes online: the order of the list of who is online. */
  readonly number: number;
}

/** Who a connection is signed in as, and with which token. */
export interface Identity {
  readonly user: OnlineUser;
  readonly token_id: string;
  /** Which of the user's tokens it is: all up to some generation may be revoked at once. */
  readonly token_generation: number;
}

/** One connection of a client, as the services know it. */
export interface Connection {
  readonly id: string;
  /** Null until it has signed in. */
  identity: Identity | null;
  /** True once the transport is gone; nothing can be sent any more. */
  readonly closed: boolean;
  /** Sends to this connection alone. */
  send(outgoing: Outgoing): void;
}
