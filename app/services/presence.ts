import type { Room } from '../../protocol/room.ts';
import type { User } from '../../protocol/user.ts';
import { type SeenRoom, tellRoom } from '../models/room.ts';
import { isoTime } from '../models/time.ts';
import type { StoredUser } from '../models/user.ts';
import type { LastSeen } from '../stores/store.ts';
import type { Connection, OnlineUser, Outgoing } from './connection.ts';
import type { Delivery } from './delivery.ts';
import { slices } from './pages.ts';

/** How {@link Presence} tells and keeps who is online. */
export interface PresenceOptions {
  readonly delivery: Delivery;
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number;
  /** How long a user stays online after the last connection ended, in milliseconds. */
  readonly graceMs: number;
  /** Up to this many users online, everyone is told who comes and goes. */
  readonly broadcastMax: number;
  /** Keeps when some users were last seen; false: they were not kept. Never rejects. */
  readonly onSeen: (users: readonly LastSeen[]) => Promise<boolean>;
  readonly onCount: (online: number) => void;
  /** Told that an online user is no member of a room any more, however that came; what it had under way there ends. */
  readonly onLeft: (user: OnlineUser, room_id: string) => void;
}

/** Above `broadcastMax`, presence goes to those who share a room with at most this many online. */
const SMALL_ROOM = 200;

/** `last_activity` is told and kept to this precision, in milliseconds. */
const ACTIVITY_STEP_MS = 60_000;

/** So many users are kept in one write. */
const SAVE_AT_ONCE = 500;
/** How often all who are online are kept, in milliseconds; well within a day, the least that one may prune by. */
const KEEP_ALL_MS = 6 * 60 * 60 * 1_000;
/** Who was away for as long might be taken for gone for good. */
const AWAY_MS = 12 * 60 * 60 * 1_000;

const lastSeen = ({ id, connected_at, last_activity }: OnlineUser): LastSeen => ({ id, connected_at, last_activity });

/** Who is online, in which rooms, and who is told of it. It lives in memory alone: it is true only while it lasts. */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #online = new Map<string, OnlineUser>();
  readonly #rooms = new Map<string, Set<OnlineUser>>();
  readonly #leaving = new Map<string, NodeJS.Timeout>();
  readonly #unsaved = new Set<OnlineUser>();
  #count = 0;
  #keptAll: number;

  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#keptAll = options.now();
  }

  /** How many users are online. */
  get size(): number {
    return this.#online.size;
  }

  /** The user, if online. */
  get(user_id: string): OnlineUser | undefined {
    return this.#online.get(user_id);
  }

  /** Records a connection that has signed in. `came`: the user was offline before, so {@link announce} it. */
  connect(connection: Connection, stored: StoredUser): { user: OnlineUser; came: boolean } {
    const now = this.#options.now();
    clearTimeout(this.#leaving.get(stored.id));
    this.#leaving.delete(stored.id);
    let user = this.#online.get(stored.id);
    const came = user === undefined;
    if (user === undefined) {
      user = {
        id: stored.id,
        username: stored.username,
        connected_at: now,
        last_activity: now,
        connections: new Set(),
        rooms: new Set(),
        number: ++this.#count,
      };
      this.#online.set(user.id, user);
      this.#options.onCount(this.#online.size);
    }
    user.username = stored.username;
    user.connected_at = now;
    user.last_activity = now;
    user.connections.add(connection);
    this.#unsaved.add(user);
    return { user, came };
  }

  /** Tells others that a user has come online; after its rooms are known, since they decide who is told. */
  announce(user: OnlineUser): void {
    this.#tell(user, { event: 'user_connected', payload: { user: this.describe(user) } });
  }

  /** Records the end of a connection; the user stays online for the grace. */
  disconnect(connection: Connection, user: OnlineUser): void {
    if (!user.connections.delete(connection) || user.connections.size > 0) return;
    if (this.#online.get(user.id) !== user) return;
    const timer = setTimeout(() => this.#leave(user), this.#options.graceMs);
    timer.unref();
    this.#leaving.set(user.id, timer);
  }

  /** Records that a user can never come back: it is offline at once. */
  end(user_id: string): void {
    const user = this.#online.get(user_id);
    if (user === undefined) return;
    clearTimeout(this.#leaving.get(user_id));
    this.#leave(user);
  }

  /** Records that a user has done something. */
  active(user: OnlineUser): void {
    const now = this.#options.now();
    if (now - user.last_activity < ACTIVITY_STEP_MS && now >= user.last_activity) return;
    user.last_activity = now;
    this.#unsaved.add(user);
  }

  /** Records that an online user is a member of a room. */
  addRoom(user: OnlineUser, room_id: string): void {
    user.rooms.add(room_id);
    const here = this.#rooms.get(room_id);
    if (here === undefined) this.#rooms.set(room_id, new Set([user]));
    else here.add(user);
  }

  /** Records that a user is no longer a member of a room. */
  removeRoom(user_id: string, room_id: string): void {
    const user = this.#online.get(user_id);
    if (user === undefined) return;
    user.rooms.delete(room_id);
    this.#forget(user, room_id);
    this.#options.onLeft(user, room_id);
  }

  /** The members of a room who are online. */
  usersIn(room_id: string): OnlineUser[] {
    return [...(this.#rooms.get(room_id) ?? [])];
  }

  /** What a user is told of a room as it is now. */
  room(seen: SeenRoom): Room {
    return tellRoom(seen, this.#rooms.get(seen.id)?.size ?? 0);
  }

  /** Tells the world of a user as it is now. */
  user(stored: StoredUser): User {
    const online = this.#online.get(stored.id);
    return online === undefined ? { ...stored, is_active: false } : this.describe(online);
  }

  /** Tells the world of an online user. */
  describe(user: OnlineUser): User {
    return {
      id: user.id,
      username: user.username,
      is_active: true,
      connected_at: isoTime(user.connected_at),
      last_activity: isoTime(user.last_activity),
    };
  }

  /** A page of those who are online, in the order they came; `after` is the number of the last one of the page before. */
  list(after: number, limit: number): { users: User[]; next: number | null } {
    const found: OnlineUser[] = [];
    for (const user of this.#online.values()) {
      if (user.number <= after) continue;
      found.push(user);
      if (found.length > limit) break;
    }
    const page = found.slice(0, limit);
    const last = found.length > limit ? page.at(-1) : undefined;
    return { users: page.map((user) => this.describe(user)), next: last?.number ?? null };
  }

  /** Every connection that has signed in, but those of one user, if given. */
  *connections(except?: OnlineUser): Generator<Connection> {
    for (const user of this.#online.values()) if (user !== except) yield* user.connections;
  }

  /** Whether few enough are online for everyone to be told of everything. */
  get tellsEveryone(): boolean {
    return this.#online.size <= this.#options.broadcastMax;
  }

  /** Hands what is not kept yet to `onSeen`, and from time to time all who are online, however still they are. */
  async save(): Promise<void> {
    const now = this.#options.now();
    if (Math.abs(now - this.#keptAll) >= KEEP_ALL_MS) {
      this.#keptAll = now;
      for (const user of this.#online.values()) this.#unsaved.add(user);
    }
    const unsaved = [...this.#unsaved];
    this.#unsaved.clear();
    for (const users of slices(unsaved, SAVE_AT_ONCE)) {
      if (await this.#options.onSeen(users.map(lastSeen))) continue;
      for (const user of users) if (this.#online.get(user.id) === user) this.#unsaved.add(user);
    }
  }

  /** Keeps that someone who was away for long is back, before it is let in, so that nobody takes it for gone. */
  async comesBack({ id, connected_at, last_activity }: StoredUser): Promise<void> {
    const now = this.#options.now();
    const last = Math.max(Date.parse(connected_at), Date.parse(last_activity));
    if (Math.abs(now - last) >= AWAY_MS) await this.#options.onSeen([{ id, connected_at: now, last_activity: now }]);
  }

  /** No time of those who are online lies after `now`. */
  settleTimes(now: number): void {
    for (const user of this.#online.values()) {
      user.connected_at = Math.min(user.connected_at, now);
      user.last_activity = Math.min(user.last_activity, now);
    }
  }

  /** Stops all timers. */
  close(): void {
    for (const timer of this.#leaving.values()) clearTimeout(timer);
    this.#leaving.clear();
  }

  #leave(user: OnlineUser): void {
    this.#leaving.delete(user.id);
    this.#unsaved.add(user);
    this.#tell(user, { event: 'user_disconnected', payload: { user_id: user.id, username: user.username } });
    this.#online.delete(user.id);
    for (const room_id of user.rooms) this.#forget(user, room_id);
    this.#options.onCount(this.#online.size);
  }

  #tell(user: OnlineUser, outgoing: Outgoing): void {
    this.#options.delivery.sendVolatile(this.tellsEveryone ? this.connections(user) : this.#companions(user), outgoing);
  }

  /** The connections of those who share a small room with a user. */
  *#companions(user: OnlineUser): Generator<Connection> {
    const told = new Set<OnlineUser>([user]);
    for (const room_id of user.rooms) {
      const here = this.#rooms.get(room_id);
      if (here === undefined || here.size > SMALL_ROOM) continue;
      for (const other of here) {
        if (told.has(other)) continue;
        told.add(other);
        yield* other.connections;
      }
    }
  }

  #forget(user: OnlineUser, room_id: string): void {
    const here = this.#rooms.get(room_id);
    here?.delete(user);
    if (here?.size === 0) this.#rooms.delete(room_id);
  }
}
