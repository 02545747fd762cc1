import type { CommandResult, ParsedPayload } from '../../protocol/commands.ts';
import { localeOf } from '../../protocol/errors.ts';
import { PROTOCOL_VERSION } from '../../protocol/version.ts';
import type { Metrics } from '../core/metrics.ts';
import { Refusal } from '../models/refusal.ts';
import { normalizeUsername, type StoredUser } from '../models/user.ts';
import type { Revoked, SessionInput, SessionSnapshot, Store } from '../stores/store.ts';
import type { Caller, SignedIn } from './caller.ts';
import type { Connection } from './connection.ts';
import type { Delivery } from './delivery.ts';
import { Placed, type Routes } from './dispatch.ts';
import type { Bookmark } from './log/recent.ts';
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

/** A sign-in under way, so that a revocation meanwhile is not missed. */
interface Attempt {
  readonly user_id: string;
  readonly token_id: string;
  generation: number;
  revoked: boolean;
}

/** What a sign-in has come to. */
interface Session {
  readonly snapshot: SessionSnapshot;
  readonly user: StoredUser;
  readonly token_id: string;
  readonly token: string;
}

/** Takes the result of a sign-in. */
type Answer = (result: CommandResult<'authenticate'>) => void;

/** Tokens that are void from here on, and what became of their user. */
export type Revocation = Revoked & { readonly token_id?: string; readonly generation?: number };

/** When someone with too many connections may try again, in milliseconds. */
const CONNECTIONS_RETRY_MS = 10_000;

/** The commands about sessions. */
export function sessionRoutes(sessions: Sessions) {
  return {
    authenticate: ({ caller, payload }) => new Placed((answer) => sessions.signIn(caller, payload, answer)),
    sign_out: ({ caller, payload }) => new Placed((answer) => sessions.signOut(caller, payload, () => answer({}))),
  } satisfies Partial<Routes>;
}

/** Signing in and out: names, tokens, and what a connection receives from then on. */
export class Sessions {
  readonly #options: SessionOptions;
  readonly #attempts = new Set<Attempt>();

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /**
   * Signs a caller in, as a new guest or by a token. `answer` is called once, before any event of a room.
   * @throws Refusal `FORBIDDEN`, `USERNAME_TAKEN`, `INVALID_TOKEN`, `INVALID_INPUT`, `RATE_LIMITED` when the user has
   *   too many connections
   */
  async signIn(caller: Caller, payload: ParsedPayload<'authenticate'>, answer: Answer): Promise<void> {
    const { username, token, client } = payload;
    // Who has no connection is sent nothing.
    const mine = caller.connection === undefined || client?.rooms === 'mine';
    if (caller.user !== null) throw new Refusal('FORBIDDEN');
    caller.locale = localeOf(client?.locale) ?? caller.locale;
    if (token !== undefined) {
      const identity = await this.#options.tokens.verify(token);
      await this.#start(caller, { user_id: identity.user_id, token: identity, mine }, answer);
    } else {
      await this.#asGuest(caller, { username: normalizeUsername(username ?? ''), mine }, answer);
    }
  }

  /** Revokes the caller's token, or all of its user's; after `answer` the connections that used them end. A guest is gone for good then. */
  async signOut(
    { user, token }: SignedIn,
    { everywhere }: ParsedPayload<'sign_out'>,
    answer: () => void,
  ): Promise<void> {
    const { store, now } = this.#options;
    const { token_id, token_generation } = token;
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

  async #asGuest(
    caller: Caller,
    { username, mine }: { username: string; mine: boolean },
    answer: Answer,
  ): Promise<void> {
    const { id: user_id } = await this.#create(username);
    let answered = false;
    try {
      await this.#start(caller, { user_id, token: undefined, mine }, (result) => {
        answered = true;
        answer(result);
      });
    } finally {
      // Nobody has got the token, so the guest can never come back, and would hold the name for long.
      if (!answered) await this.#giveUp(user_id);
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

  async #start(caller: Caller, who: SessionInput, answer: Answer): Promise<void> {
    const { store, tail, tokens, newId, presence } = this.#options;
    const token_id = who.token?.token_id ?? newId();
    const generation = who.token?.generation ?? 0;
    const attempt: Attempt = { user_id: who.user_id, token_id, generation, revoked: false };
    const bookmark = tail.bookmark();
    this.#attempts.add(attempt);
    try {
      // Signed before the snapshot is there: what thousands hold while they wait for something grows old.
      const token = await tokens.issue({ user_id: who.user_id, token_id, generation });
      const snapshot = await store.users.session(who);
      const revoked = snapshot.generation !== generation;
      const { user } = snapshot;
      if (user === undefined || revoked) throw new Refusal('INVALID_TOKEN', { field: 'token' });
      await presence.comesBack(user);
      if (attempt.revoked) throw new Refusal('INVALID_TOKEN', { field: 'token' });
      const session: Session = { snapshot, user, token_id, token };
      if (caller.connection === undefined) answer(this.#describe(session));
      else await this.#connect(caller.connection, session, { bookmark, answer });
    } finally {
      this.#attempts.delete(attempt);
      tail.release(bookmark);
    }
  }

  /** All in one turn: the connection is online, answered, and then subscribed to the first of its rooms. */
  #connect(
    connection: Connection,
    session: Session,
    { bookmark, answer }: { bookmark: Bookmark; answer: Answer },
  ): Promise<void> {
    const { presence, tail, metrics, connectionsPerUser } = this.#options;
    const { snapshot, user, token_id } = session;
    if (connection.closed) throw new Refusal('UNAUTHENTICATED');
    if (connection.identity !== null) throw new Refusal('FORBIDDEN');
    const others = presence.get(user.id)?.connections.size ?? 0;
    if (others >= connectionsPerUser) throw new Refusal('RATE_LIMITED', { retryAfterMs: CONNECTIONS_RETRY_MS });
    const { user: online, came } = presence.connect(connection, user);
    connection.identity = { user: online, token_id, token_generation: snapshot.generation };
    for (const [room_id] of snapshot.memberships) presence.addRoom(online, room_id);
    metrics.signedIn.inc();
    const result = this.#describe(session);
    answer(result);
    const { token, epoch } = result;
    connection.send({ event: 'connect_response', payload: { status: 'success', user: result.user, token, epoch } });
    const visible = snapshot.visible?.items.map((room) => presence.room(room));
    if (visible !== undefined) connection.send({ event: 'rooms_list', payload: visible });
    const attached = tail.attachAll(connection, snapshot.memberships, bookmark);
    if (came) presence.announce(online);
    return attached;
  }

  #describe({ snapshot: { rooms }, user, token }: Session): CommandResult<'authenticate'> {
    const { store, presence, limits } = this.#options;
    return {
      user: presence.user(user),
      token,
      epoch: store.epoch,
      rooms: rooms.items.map((room) => presence.room(room)),
      rooms_next: rooms.next,
      server: { protocol: PROTOCOL_VERSION, features: [], limits },
    };
  }
}
