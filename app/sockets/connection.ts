import type { Socket } from 'socket.io';
import type { Locale } from '../../protocol/errors.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { Refusal } from '../models/refusal.ts';
import type { Caller, Role } from '../services/caller.ts';
import type { Connection, Identity, Outgoing } from '../services/connection.ts';
import type { Client } from '../services/limits/limits.ts';
import type { SignInUnderWay } from './early.ts';
import type { Chunk } from './frames.ts';
import { type Acknowledgement, Backlog, terminate } from './transport.ts';
import type { Unread } from './unread.ts';

/** More bytes of events than this, or more events, waiting: the connection is ended, comes back and syncs. */
const EVENT_BYTES_MAX = 1_048_576;
const EVENTS_MAX = 1_000;
/** With this much waiting, what may be lost is not sent. Between two polls, a little always waits. */
const VOLATILE_BYTES_MAX = 65_536;
/** Answers to a client's own questions count only here: as many as it may ask at once do not get it ended. */
const BYTES_MAX = 8 * EVENT_BYTES_MAX;
/** While more waits for a client than one answer may hold, it is not read anything new. */
const READS_BYTES_MAX = LIMITS.answer_bytes;

/** Nothing to be sent. */
export const NOTHING: Chunk[] = [];

/** What carries to a connection. */
export interface Outlet {
  /** Sends it one event. */
  send(connection: SocketConnection, outgoing: Outgoing): void;
  /** Answers its command that came with this id. */
  answer(connection: SocketConnection, id: number, answer: object): void;
}

/** What a {@link SocketConnection} begins with. */
export interface ConnectionOptions {
  readonly locale: Locale;
  /** Null: nothing is limited. */
  readonly client: Client | null;
  readonly outlet: Outlet;
}

/** A connection over Socket.IO, which calls commands too. What it is sent in one turn of the event loop goes out together, at its end. */
export class SocketConnection implements Connection, Caller, Unread {
  readonly socket: Socket;
  locale: Locale;
  readonly client: Client | null;
  identity: Identity | null = null;
  /** How many of its commands are under way. */
  running = 0;
  /** Set once it is being sent away: its new commands are refused, and this is called when none is under way. */
  leave: (() => void) | null = null;
  /** The sign-in that is under way. */
  signIn: SignInUnderWay | null = null;
  /** Why its last sign-in failed, when that may pass: what it commands meanwhile is refused for the same reason. */
  notSignedIn: Refusal | null = null;
  /** Until when it was told to wait with signing in, by the clock of `performance.now()`; 0: it was not. */
  waitsUntil = 0;
  /** What goes out at the end of this turn. */
  outbox: Chunk[] = NOTHING;
  /** How much of what waits for the client is events, at most; answers wait in the same queue. */
  eventBytes = 0;
  /** How many events that are, by their mean size. */
  eventPackets = 0;
  /** How many bytes of answers to its polls the network has not taken. */
  polled = 0;
  counted = 0;
  since = 0;
  readonly #backlog: Backlog;
  readonly #outlet: Outlet;

  constructor(socket: Socket, { locale, client, outlet }: ConnectionOptions) {
    this.socket = socket;
    this.locale = locale;
    this.client = client;
    this.#outlet = outlet;
    this.#backlog = new Backlog(socket);
  }

  get id(): string {
    return this.socket.id;
  }

  get closed(): boolean {
    return !this.socket.connected;
  }

  get role(): Role {
    return this.identity === null ? 'nobody' : 'guest';
  }

  get user(): Caller['user'] {
    return this.identity === null ? null : this.identity.user;
  }

  get token(): Identity | null {
    return this.identity;
  }

  get connection(): this {
    return this;
  }

  /** What the unread bytes of its address are counted on. */
  get budget(): { unread: number } | null {
    return this.client === null ? null : this.client.addressBudget;
  }

  send(outgoing: Outgoing): void {
    this.#outlet.send(this, outgoing);
  }

  /** Answers a command. */
  acknowledge(acknowledgement: Acknowledgement, answer: object): void {
    if (typeof acknowledgement === 'function') acknowledgement(answer);
    else this.#outlet.answer(this, acknowledgement, answer);
  }

  measure(): number {
    return this.#backlog.bytes;
  }

  cut(): void {
    terminate(this.socket);
  }

  /** Whether so much waits for the client that what may be lost is not sent to it. */
  get isLate(): boolean {
    return this.measure() > VOLATILE_BYTES_MAX;
  }

  /** Whether so much waits for the client that it is to read that before it asks for more. */
  get mustReadFirst(): boolean {
    return this.measure() + this.polled > READS_BYTES_MAX;
  }

  /** Whether it is to be ended, when so many bytes wait for the client after it was written to. */
  isTooFarBehind(waiting: number): boolean {
    this.#settleEvents(waiting);
    return this.eventBytes > EVENT_BYTES_MAX || this.eventPackets > EVENTS_MAX || waiting + this.polled > BYTES_MAX;
  }

  /** No more than this many bytes wait for the client: the rest of its events has gone out. */
  #settleEvents(waiting: number): void {
    if (waiting >= this.eventBytes) return;
    this.eventPackets = Math.ceil((this.eventPackets * waiting) / this.eventBytes);
    this.eventBytes = waiting;
  }
}
