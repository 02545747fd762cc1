import type { CommandPayload } from '../protocol/commands.ts';
import type { Locale } from '../protocol/errors.ts';
import type { User } from '../protocol/user.ts';
import { ANSWER_MS, Connection, type Credentials, type SignedIn, type TransportOptions } from './connection.ts';
import { ChatError, localError } from './error.ts';
import { Marks } from './marks.ts';
import { Listeners, Observable, type Unsubscribe } from './observable.ts';
import { Outbox } from './outbox.ts';
import type { ChatRoom } from './room.ts';
import type { RoomUser } from './room-state.ts';
import { Rooms } from './rooms.ts';
import { type Session, StoredSession } from './session.ts';
import { type ChatStorage, defaultStorage } from './storage.ts';

/** How a client is made. All of it is optional. */
export interface ChatOptions {
  /** Where the session, unsent messages and marks are kept. `localStorage` on a page, memory elsewhere. */
  readonly storage?: ChatStorage;
  /** The language of error messages: `en` by default. */
  readonly locale?: Locale;
  /** How many messages a room keeps loaded at most: 500 by default, never under 100. */
  readonly messageLimit?: number;
  /** Options of socket.io-client, such as `path` or `extraHeaders`. */
  readonly transport?: TransportOptions;
  /** Told of what the storage throws. The client goes on in memory. */
  readonly onStorageError?: (error: unknown) => void;
}

/**
 * What the client is doing. Connecting: an attempt is under way. Live: connected and up to date. Catching up: connected,
 * and fetching what was missed. Offline: waiting for the next attempt. Signed out: nobody to connect as.
 */
export type ChatState = 'connecting' | 'live' | 'catching up' | 'offline' | 'signed out';

/** The client at one moment. It never changes. */
export interface ChatSnapshot {
  readonly state: ChatState;
  /** Who is signed in, offline too. */
  readonly user: Pick<User, 'id' | 'username'> | undefined;
  /** The user's rooms, newest activity first. */
  readonly rooms: readonly ChatRoom[];
  /** Whether `loadMoreRooms` would find more. */
  readonly hasMoreRooms: boolean;
  /** Why the server ended the session, until the next sign-in. */
  readonly error: ChatError | undefined;
}

interface Active extends RoomUser {
  readonly session: Session;
}

interface Attempt {
  readonly credentials: Credentials;
  readonly done: Promise<void>;
  readonly settle: (error?: ChatError) => void;
}

/** Who is signed in, over which connection, in which rooms: all the moving parts of a client. */
export class Engine extends Observable<ChatSnapshot> {
  readonly connection: Connection;
  readonly rooms: Rooms;
  readonly events = new Listeners<[name: string, payload: unknown]>();
  readonly #options: ChatOptions;
  readonly #prefix: string;
  readonly #storage: ChatStorage;
  readonly #session: StoredSession;
  readonly #restored: Promise<void>;
  readonly #unwatch: readonly Unsubscribe[];
  #isRestoring = true;
  #isClosed = false;
  #active: Active | undefined;
  #attempt: Attempt | undefined;
  #error: ChatError | undefined;
  /** The last change to the stored session. */
  #storing: Promise<void> | undefined;

  constructor(url: string, options: ChatOptions) {
    super();
    this.#options = options;
    this.#prefix = `sohbet:${url}:`;
    this.#storage = options.storage ?? defaultStorage();
    this.#session = new StoredSession({
      storage: this.#storage,
      key: `${this.#prefix}session`,
      onFault: this.#onFault,
    });
    this.connection = new Connection({
      url,
      locale: options.locale ?? 'en',
      transport: options.transport ?? {},
      credentials: () => this.#credentials(),
      onSignedIn: (answer) => this.#signedIn(answer),
      onRefused: (error) => this.#end(error),
      onEvent: (name, payload) => {
        this.rooms.handle(name, payload);
        this.events.call(name, payload);
      },
      onPhase: () => this.changed(),
    });
    this.rooms = new Rooms({
      connection: this.connection,
      call: this.call,
      user: () => this.#active,
      restoredUser: () => this.#restoredUser(),
      messageLimit: Math.max(100, options.messageLimit ?? 500),
      onChange: () => this.changed(),
    });
    this.#unwatch = [
      watchNetwork(() => this.connection.retryNow()),
      // This one's token would otherwise bring the session back.
      this.#session.onEnd(
        () => this.#active?.id,
        () => this.#end(),
      ),
    ];
    this.#restored = this.#restore();
  }

  /** Sends a command, after the storage was read. See `Connection.call`. */
  readonly call: Connection['call'] = async (command, payload, options) => {
    if (this.#isRestoring) await this.#restored;
    return await this.connection.call(command, payload, options);
  };

  /** See `Chat.signIn`. */
  async signIn(credentials: Credentials): Promise<void> {
    await this.#restored;
    if (this.#isClosed) throw localError('OFFLINE');
    if (this.#active !== undefined) {
      const { token, asked, username } = this.#active.session;
      if (credentials.token === token || [asked, username].includes(credentials.username ?? '')) return;
      throw new ChatError({ code: 'FORBIDDEN', message: 'Sign out first.' });
    }
    if (this.#attempt !== undefined) {
      const { username, token } = this.#attempt.credentials;
      if (username === credentials.username && token === credentials.token) return this.#attempt.done;
      throw new ChatError({ code: 'FORBIDDEN', message: 'A sign-in is under way.' });
    }
    this.#error = undefined;
    this.#attempt = this.#begin(credentials);
    this.connection.start();
    this.changed();
    await this.#attempt.done;
  }

  /** See `Chat.signOut`. */
  async signOut(everywhere: boolean): Promise<void> {
    await this.#restored;
    try {
      if (this.connection.phase === 'ready') {
        await this.connection.call('sign_out', { everywhere }, { apply: () => this.connection.stop() });
      }
    } finally {
      const outbox = this.#active?.outbox;
      this.#end();
      await outbox?.clear();
      await this.#storing;
    }
  }

  /** See `Chat.close`. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const unwatch of this.#unwatch) unwatch();
    const offline = localError('OFFLINE');
    this.connection.stop(offline);
    this.#attempt?.settle(offline);
    await this.#restored;
    await this.#active?.outbox.saved();
    this.#active?.outbox.close(offline);
    await this.#storing;
  }

  protected build(): ChatSnapshot {
    const user = this.#active;
    return {
      state: this.#state(),
      user: user === undefined ? undefined : { id: user.id, username: user.username },
      rooms: this.rooms.mine,
      hasMoreRooms: this.rooms.next !== null,
      error: this.#error,
    };
  }

  #state(): ChatState {
    const { phase } = this.connection;
    if (phase === 'ready') return this.rooms.isCatchingUp ? 'catching up' : 'live';
    if (phase === 'waiting' || this.#isClosed) return 'offline';
    return phase === 'opening' || this.#isRestoring ? 'connecting' : 'signed out';
  }

  async #restore(): Promise<void> {
    const session = await this.#session.load();
    this.#isRestoring = false;
    if (session !== undefined && !this.#isClosed) {
      this.#active = this.#activate(session);
      this.connection.start();
    }
    this.changed();
  }

  async #restoredUser(): Promise<RoomUser> {
    await this.#restored;
    if (this.#active === undefined) throw localError('UNAUTHENTICATED');
    return this.#active;
  }

  #begin(credentials: Credentials): Attempt {
    let settle: Attempt['settle'] = () => {};
    const done = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => this.#end(this.connection.refusal ?? localError('OFFLINE')), ANSWER_MS);
      settle = (error) => {
        clearTimeout(timer);
        this.#attempt = undefined;
        if (error === undefined) resolve();
        else reject(error);
      };
    });
    return { credentials, done, settle };
  }

  #credentials(): CommandPayload<'authenticate'> {
    const who = this.#active === undefined ? this.#attempt?.credentials : { token: this.#active.session.token };
    // The visible rooms, which an app asks for when it shows them, are not sent at each return.
    return { ...who, client: { rooms: 'mine' } };
  }

  #signedIn(answer: SignedIn): void {
    const { user, token, epoch } = answer;
    const asked = this.#active?.session.asked ?? this.#attempt?.credentials.username ?? null;
    const session: Session = { token, user_id: user.id, username: user.username, asked };
    this.#active =
      this.#active === undefined ? this.#activate(session) : { ...this.#active, session, username: user.username };
    this.#storing = this.#session.save(session);
    this.#active.marks.epoch = epoch;
    this.rooms.signedIn(answer);
    void this.#active.outbox.flush();
    this.#attempt?.settle();
    this.changed();
  }

  #activate(session: Session): Active {
    const { user_id, username } = session;
    const common = { storage: this.#storage, onFault: this.#onFault };
    const marks = new Marks({
      ...common,
      key: `${this.#prefix}marks:${user_id}`,
      onChange: (room_id) => this.rooms.refresh(room_id),
    });
    const outbox = new Outbox({
      ...common,
      key: `${this.#prefix}outbox:${user_id}`,
      onChange: () => this.rooms.refresh(),
      connection: this.connection,
      onSent: (message) => this.rooms.merge(message),
    });
    return { id: user_id, username, session, marks, outbox };
  }

  /** Nobody is signed in any more. What waits in the outbox stays in the storage. */
  #end(error?: ChatError): void {
    const active = this.#active;
    this.connection.stop(error);
    this.#active = undefined;
    this.#error = error;
    active?.outbox.close(error);
    if (active !== undefined) this.#storing = this.#session.forget(active.id);
    this.rooms.clear();
    this.#attempt?.settle(error ?? localError('UNAUTHENTICATED'));
    this.changed();
  }

  readonly #onFault = (error: unknown): void => this.#options.onStorageError?.(error);
}

/** Calls back when the browser says that the network is back. */
function watchNetwork(listener: () => void): Unsubscribe {
  const page = globalThis as {
    addEventListener?(type: 'online', listener: () => void): void;
    removeEventListener?(type: 'online', listener: () => void): void;
  };
  page.addEventListener?.('online', listener);
  return () => page.removeEventListener?.('online', listener);
}
