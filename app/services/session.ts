import type { CommandResult } from '../../protocol/commands.ts';
import type { Room } from '../../protocol/room.ts';
import { PROTOCOL_VERSION } from '../../protocol/version.ts';
import type { Metrics } from '../core/metrics.ts';
import { Refusal } from '../models/refusal.ts';
import { foldCase } from '../models/text.ts';
import { alternativeNames, normalizeUsername, type StoredUser } from '../models/user.ts';
import type { Revoked, SessionSnapshot, Store, TokenIdentity } from '../stores/store.ts';
import type { Connection } from './connection.ts';
import type { Delivery } from './delivery.ts';
import type { Tail } from './log/tail.ts';
import type { Presence } from './presence.ts';
import type { TokenService } from './token.ts';
import type { Typing } from './typing.ts';

/** What {@link Sessions} are made of. */
export interface SessionOptions {
  readonly store: Store;
  readonly tokens: TokenService;
  readonly presence: Presence;
  readonly tail: Tail;
  readonly typing: Typing;
  readonly delivery: Delivery;
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number;
  /** The same, but for a clock that is known to be behind: when a guest is seen, who is retired when not seen for long. */
  readonly seenNow: () => number;
  readonly newId: () => string;
  readonly metrics: Metrics;
  /** What a client is told of sizes and rates, as flat numbers. */
  readonly limits: Readonly<Record<string, number>>;
  /** Called when a user can never come back, and has rooms to leave. */
  readonly onRetired: () => void;
  /** How many connections a user may have at once. */
  readonly connectionsPerUser: number;
}

/** What a sign-in gives: the answer, and the first page of all rooms that the user may see. */
export interface SignedIn {
  readonly result: CommandResult<'authenticate'>;
  readonly visible: Room[];
}

/** A sign-in under way, so that a revocation meanwhile is not missed. */
interface Attempt {
  readonly user_id: string;
  readonly token_id: string;
  generation: number;
  revoked: boolean;
}

/** Tokens that are void from here on, and what became of their user. */
export type Revocation = Revoked & { readonly token_id?: string; readonly generation?: number };

/** When someone with too many connections may try again, in milliseconds. */
const CONNECTIONS_RETRY_MS = 10_000;

/** How many names are tried for a user whose own was taken. */
const ALTERNATIVES = 1_000;

/** Signing in and out: names, tokens, and what a connection receives from then on. */
export class Sessions {
  readonly #options: SessionOptions;
  readonly #signingIn = new WeakSet<Connection>();
  /** Names that new guests are about to take; each settles when it is decided. */
  readonly #namesUnderWay = new Map<string, Promise<void>>();
  readonly #attempts = new Set<Attempt>();

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /**
   * Signs a connection in, as a new guest or by a token. `answer` is called once, before any event of a room.
   * @throws Refusal `FORBIDDEN`, `USERNAME_TAKEN`, `INVALID_TOKEN`, `INVALID_INPUT`, `RATE_LIMITED` when the user has
   *   too many connections
   */
  async signIn(
    connection: Connection,
    { username, token }: { username?: string | undefined; token?: string | undefined },
    answer: (signedIn: SignedIn) => void,
  ): Promise<void> {
    if (connection.identity !== null || this.#signingIn.has(connection)) throw new Refusal('FORBIDDEN');
    this.#signingIn.add(connection);
    try {
      if (token !== undefined) {
        const identity = await this.#options.tokens.verify(token);
        await this.#start(connection, { user_id: identity.user_id, token: identity }, answer);
      } else {
        await this.#asGuest(connection, normalizeUsername(username ?? ''), answer);
      }
    } finally {
      this.#signingIn.delete(connection);
    }
  }

  /** Revokes the connection's token, or all of its user's; after `answer` the connections that used them end. A guest is gone for good then. */
  async signOut(connection: Connection, everywhere: boolean, answer: () => void): Promise<void> {
    const { store, now } = this.#options;
    const identity = connection.identity;
    if (identity === null) throw new Refusal('UNAUTHENTICATED');
    const { user, token_id, token_generation } = identity;
    const revoked = everywhere ? null : token_id;
    // A copy of the token may have been renewed elsewhere, up to this moment.
    const expires_at = this.#options.tokens.expiry();
    const { retired } = await store.users.revoke({ user_id: user.id, token_id: revoked, expires_at, at: now() });
    answer();
    const tokens = everywhere ? { generation: token_generation } : { token_id };
    this.revoked({ user_id: user.id, username: user.username, retired, ...tokens });
  }

  /**
   * Ends the connections and sign-ins of a user that use a revoked token: one, or all up to a generation. Who is retired
   * by that is offline at once, and leaves its rooms.
   */
  revoked({ user_id, username, retired, token_id, generation = -1 }: Revocation): void {
    const isVoid = (token: { readonly id: string; readonly generation: number }) =>
      retired || token.id === token_id || token.generation <= generation;
    const { presence, delivery, onRetired } = this.#options;
    for (const attempt of this.#attempts) {
      const { token_id: id, generation: of } = attempt;
      if (attempt.user_id === user_id && isVoid({ id, generation: of })) attempt.revoked = true;
    }
    const user = presence.get(user_id);
    // The name of who was erased is told no more, not even by what follows.
    if (user !== undefined && username !== undefined) user.username = username;
    for (const connection of [...(user?.connections ?? [])]) {
      const { identity } = connection;
      if (identity !== null && isVoid({ id: identity.token_id, generation: identity.token_generation }))
        delivery.end(connection);
    }
    if (!retired) return;
    presence.end(user_id);
    onRetired();
  }

  /** Records that a connection has ended. */
  disconnect(connection: Connection): void {
    const user = connection.identity?.user;
    if (user === undefined) return;
    this.#options.metrics.signedIn.dec();
    this.#options.typing.disconnect(connection, user);
    this.#options.tail.detach(connection);
    this.#options.presence.disconnect(connection, user);
  }

  async #asGuest(connection: Connection, username: string, answer: (signedIn: SignedIn) => void): Promise<void> {
    const { store, now, seenNow, newId } = this.#options;
    const key = foldCase(username);
    if (this.#namesUnderWay.has(key)) throw new Refusal('USERNAME_TAKEN', { field: 'username' });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#namesUnderWay.set(key, promise);
    try {
      const holder = await store.users.holderOf(username);
      if (holder !== undefined && this.#isHere(holder)) throw new Refusal('USERNAME_TAKEN', { field: 'username' });
      const user = await store.users.create({
        id: newId(),
        username,
        absent_holder: holder ?? null,
        at: now(),
        seen_at: seenNow(),
      });
      await this.#start(connection, { user_id: user.id, token: undefined }, answer);
    } finally {
      this.#namesUnderWay.delete(key);
      resolve();
    }
  }

  /** Whether a user is online, or about to be. */
  #isHere(user_id: string): boolean {
    if (this.#options.presence.get(user_id) !== undefined) return true;
    return [...this.#attempts].some((attempt) => attempt.user_id === user_id);
  }

  /** Reads a user who comes back, once nobody is about to take the name. */
  async #read(who: { user_id: string; token: TokenIdentity | undefined }): Promise<SessionSnapshot> {
    for (;;) {
      const snapshot = await this.#options.store.users.session(who);
      const { user } = snapshot;
      const taking = who.token && user && this.#namesUnderWay.get(foldCase(user.username));
      if (taking === undefined || !snapshot.has_name) return snapshot;
      await taking;
    }
  }

  async #start(
    connection: Connection,
    who: { user_id: string; token: TokenIdentity | undefined },
    answer: (signedIn: SignedIn) => void,
  ): Promise<void> {
    const { tail, tokens, newId, presence, connectionsPerUser } = this.#options;
    const token_id = who.token?.token_id ?? newId();
    const generation = who.token?.generation ?? 0;
    const attempt: Attempt = { user_id: who.user_id, token_id, generation, revoked: false };
    const bookmark = tail.bookmark();
    this.#attempts.add(attempt);
    try {
      // Signed before the snapshot is there: what thousands hold while they wait for something grows old.
      const signed = await tokens.issue({ user_id: who.user_id, token_id, generation });
      const snapshot = await this.#read(who);
      const revoked = snapshot.generation !== generation;
      if (snapshot.user === undefined || revoked) throw new Refusal('INVALID_TOKEN', { field: 'token' });
      const user = await this.#named(snapshot, snapshot.user);
      await presence.comesBack(user);
      if (attempt.revoked) throw new Refusal('INVALID_TOKEN', { field: 'token' });
      if (connection.closed) return;
      const others = presence.get(user.id)?.connections.size ?? 0;
      if (others >= connectionsPerUser) throw new Refusal('RATE_LIMITED', { retryAfterMs: CONNECTIONS_RETRY_MS });
      let attached: Promise<void> | undefined;
      this.#admit(connection, { snapshot, user, token_id, token: signed }, (signedIn) => {
        answer(signedIn);
        attached = tail.attachAll(connection, snapshot.memberships, bookmark);
      });
      await attached;
    } finally {
      this.#attempts.delete(attempt);
      tail.release(bookmark);
    }
  }

  /** All in one turn: the connection is online, answered, and then (in `answer`) subscribed to its rooms. */
  #admit(
    connection: Connection,
    {
      snapshot,
      user,
      token_id,
      token,
    }: { snapshot: SessionSnapshot; user: StoredUser; token_id: string; token: string },
    answer: (signedIn: SignedIn) => void,
  ): void {
    const { store, presence } = this.#options;
    const { user: online, came } = presence.connect(connection, user);
    const { generation: token_generation } = snapshot;
    connection.identity = { user: online, token_id, token_generation };
    for (const [room_id] of snapshot.memberships) presence.addRoom(online, room_id);
    this.#options.metrics.signedIn.inc();
    answer({
      result: {
        user: presence.describe(online),
        token,
        epoch: store.epoch,
        rooms: snapshot.rooms.items.map((room) => presence.room(room)),
        rooms_next: snapshot.rooms.next,
        server: { protocol: PROTOCOL_VERSION, features: [], limits: this.#options.limits },
      },
      visible: snapshot.visible.items.map((room) => presence.room(room)),
    });
    if (came) presence.announce(online);
  }

  /** Someone whose name was taken while away gets it back if it is free again, or else one that is like it. */
  async #named(snapshot: SessionSnapshot, user: StoredUser): Promise<StoredUser> {
    if (snapshot.has_name) return user;
    const candidates = [user.username, ...alternativeNames(user.username, ALTERNATIVES)];
    return await this.#options.store.users.rename({ id: user.id, candidates });
  }
}
