import type { CommandResult } from '../../protocol/commands.ts';
import type { Room } from '../../protocol/room.ts';
import { PROTOCOL_VERSION } from '../../protocol/version.ts';
import type { Metrics } from '../core/metrics.ts';
import { Refusal } from '../models/refusal.ts';
import { normalizeUsername, type StoredUser } from '../models/user.ts';
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

/** Signing in and out: names, tokens, and what a connection receives from then on. */
export class Sessions {
  readonly #options: SessionOptions;
  readonly #signingIn = new WeakSet<Connection>();
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
    const { id: user_id } = await this.#create(username);
    try {
      await this.#start(connection, { user_id, token: undefined }, answer);
    } finally {
      // Nobody has got the token, so the guest can never come back, and would hold the name for long.
      if (connection.identity === null) await this.#giveUp(user_id);
    }
  }

  /** @throws Refusal `USERNAME_TAKEN`, with a name that is free if one is found */
  async #create(username: string): Promise<StoredUser> {
    const { store, now, seenNow, newId } = this.#options;
    try {
      return await store.users.create({ id: newId(), username, at: now(), seen_at: seenNow() });
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== 'USERNAME_TAKEN') throw error;
      // What was asked is answered, whether or not the store can say more now.
      const suggestion = await store.users.freeNameLike(username).catch(() => undefined);
      throw new Refusal('USERNAME_TAKEN', { ...error.details, ...(suggestion !== undefined && { suggestion }) });
    }
  }

  async #giveUp(user_id: string): Promise<void> {
    const { store, tokens, now } = this.#options;
    await store.users.revoke({ user_id, token_id: null, expires_at: tokens.expiry(), at: now() });
    this.revoked({ user_id, username: undefined, retired: true });
  }

  async #start(
    connection: Connection,
    who: { user_id: string; token: TokenIdentity | undefined },
    answer: (signedIn: SignedIn) => void,
  ): Promise<void> {
    const { store, tail, tokens, newId, presence, connectionsPerUser } = this.#options;
    const token_id = who.token?.token_id ?? newId();
    const generation = who.token?.generation ?? 0;
    const attempt: Attempt = { user_id: who.user_id, token_id, generation, revoked: false };
    const bookmark = tail.bookmark();
    this.#attempts.add(attempt);
    try {
      // Signed before the snapshot is there: what thousands hold while they wait for something grows old.
      const signed = await tokens.issue({ user_id: who.user_id, token_id, generation });
      const snapshot = await store.users.session(who);
      const revoked = snapshot.generation !== generation;
      const { user } = snapshot;
      if (user === undefined || revoked) throw new Refusal('INVALID_TOKEN', { field: 'token' });
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
}
