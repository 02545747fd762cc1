import type { LIMITS } from '../protocol/limits.ts';
import type { Message } from '../protocol/message.ts';
import type { Room } from '../protocol/room.ts';
import type { User } from '../protocol/user.ts';
import { type Connection, PAGE_MS } from './connection.ts';
import type { Unsubscribe } from './observable.ts';
import type { Outbox } from './outbox.ts';
import type { ChatMessage, OpenedRoom, RoomSnapshot, RoomState, RoomStatus, RoomUser } from './room-state.ts';
import { TypingNotice, type TypingUser } from './typing.ts';

/** The client, as one of its rooms sees it. */
export interface RoomHost {
  readonly connection: Connection;
  /** Sends a command, after the storage was read. */
  readonly call: Connection['call'];
  readonly user: () => RoomUser | undefined;
  /** Who is signed in, once the storage was read. Throws ChatError when nobody is. */
  readonly restoredUser: () => Promise<RoomUser>;
  /** Called in the turn in which the answer to `join_room` arrives. */
  readonly opened: (answer: OpenedRoom) => void;
  /** Called when this user has left. */
  readonly left: (room_id: string) => void;
}

/** Its type holds it to the protocol's number, and the bundle needs no table for it. */
const PAGE_MAX: (typeof LIMITS)['page_max'] = 100;

/**
 * A room as a live object: its messages, members and who is typing, kept up to date while it is open. `subscribe` and
 * `getSnapshot` are what React's `useSyncExternalStore` takes; the fields read the snapshot of the moment.
 */
export class ChatRoom {
  readonly id: string;
  /** Calls the listener after changes, once for all changes of a turn. */
  readonly subscribe: (listener: () => void) => Unsubscribe;
  /** The room at this moment; the same object until something changes. */
  readonly getSnapshot: () => RoomSnapshot;
  readonly #state: RoomState;
  readonly #host: RoomHost;
  readonly #typing: TypingNotice;
  #joining: Promise<this> | undefined;
  #loading: { readonly kind: string; readonly done: Promise<void> } | undefined;

  constructor(state: RoomState, host: RoomHost) {
    this.id = state.id;
    this.subscribe = state.subscribe;
    this.getSnapshot = state.getSnapshot;
    this.#state = state;
    this.#host = host;
    state.onStaleMembers = () => void this.#refreshMembers();
    this.#typing = new TypingNotice((is_typing) => {
      if (host.connection.phase !== 'ready') return;
      // A notice that is lost does no harm: the next key press sends another.
      host.call('typing_status', { room_id: this.id, is_typing }).catch(() => {});
    });
  }

  get status(): RoomStatus {
    return this.#state.status;
  }

  /** Name, owner and counts, as the server last told them; undefined while nothing is known. */
  get info(): Room | undefined {
    return this.#state.info;
  }

  /** The number up to which every change of the room is known; undefined while it is not open. */
  get cursor(): number | undefined {
    return this.#state.log?.cursor;
  }

  /** What is loaded, ordered by `seq`, then one's own pending and failed ones. */
  get messages(): readonly ChatMessage[] {
    return this.getSnapshot().messages;
  }

  /** The first members, at most 200. */
  get members(): readonly User[] {
    return this.getSnapshot().members;
  }

  /** Who is writing. */
  get typing(): readonly TypingUser[] {
    return this.getSnapshot().typing;
  }

  /** How many loaded messages of others come after the mark. */
  get unread(): number {
    return this.getSnapshot().unread;
  }

  /**
   * Joins the room, or as a member opens it, and loads the newest messages. Throws ChatError.
   */
  join({ password }: { password?: string } = {}): Promise<this> {
    if (this.#joining !== undefined && password === undefined) return this.#joining;
    const payload = { room_id: this.id, ...(password !== undefined && { password }) };
    const joining = this.#host
      .call('join_room', payload, { apply: (answer) => this.#host.opened(answer), answerMs: PAGE_MS })
      .then(() => this)
      .finally(() => {
        if (this.#joining === joining) this.#joining = undefined;
      });
    this.#joining = joining;
    return joining;
  }

  /** Ends the membership. Throws ChatError. */
  async leave(): Promise<void> {
    await this.#host.call('leave_room', { room_id: this.id }, { apply: () => this.#host.left(this.id) });
  }

  /** Lets go of what is loaded, to save memory; the membership stays. `join` opens it again. */
  close(): void {
    if (this.#state.status === 'open') this.#state.close();
  }

  /**
   * Says something. It is in `messages` at once, as pending, and goes out when there is a connection, after a restart of
   * the app too. Resolves when the server has it, which may be much later. Throws ChatError when the server refused it;
   * it is then in `messages` as failed.
   */
  send(content: string): Promise<Message> {
    this.#typing.forget();
    return this.#withOutbox((outbox) => outbox.add(this.id, content));
  }

  /** Tries a failed message again. Resolves and throws as {@link send}. */
  retry(client_id: string): Promise<Message> {
    return this.#withOutbox((outbox) => outbox.retry(client_id));
  }

  /** Throws a failed message away. A pending one stays: it may be on its way already. */
  discard(client_id: string): void {
    this.#host.user()?.outbox.discard(client_id);
  }

  /** Loads a page of messages before the first one. Does nothing when there are none. Throws ChatError. */
  loadOlder(limit?: number): Promise<void> {
    return this.#load('older', limit);
  }

  /** Loads a page after the last message, where newer ones were let go. Throws ChatError. */
  loadNewer(limit?: number): Promise<void> {
    return this.#load('newer', limit);
  }

  /** Goes back to the newest messages, where they were let go. Throws ChatError. */
  loadNewest(): Promise<void> {
    return this.#load('newest');
  }

  /** Tells the room that the user writes (call it at each key press: it is sent every 4 s), or no longer writes. */
  setTyping(isTyping: boolean): void {
    this.#typing.set(isTyping);
  }

  /** Everything up to this `seq`, or all that is loaded, was read. Kept on this device. */
  markRead(seq: number | undefined = this.#state.timeline.messages.at(-1)?.seq): void {
    if (seq !== undefined) this.#host.user()?.marks.set(this.id, seq);
  }

  /**
   * Calls back with each change to the room while it is open: a message that is new, edited or deleted, once, in order of
   * `rev`, those that were caught up on included. What was changed twice during an absence comes once, in its newest state.
   */
  onEntry(listener: (message: Message) => void): Unsubscribe {
    return this.#state.entries.add(listener);
  }

  /** At once where somebody is signed in, so that what is sent shows in the same turn. */
  #withOutbox(use: (outbox: Outbox) => Promise<Message>): Promise<Message> {
    const user = this.#host.user();
    const sent = user === undefined ? this.#host.restoredUser().then(({ outbox }) => use(outbox)) : use(user.outbox);
    // An app that only shows the list need not catch what it does not await.
    sent.catch(() => {});
    return sent;
  }

  /** One load at a time; asking for the same again gives the one that runs. */
  #load(kind: 'older' | 'newer' | 'newest', limit?: number): Promise<void> {
    if (this.#loading?.kind === kind) return this.#loading.done;
    const before = this.#loading?.done ?? Promise.resolve();
    const done = before
      .catch(() => {})
      .then(() =>
        this.#state.timeline.load(kind, (place) =>
          this.#host.call(
            'get_messages',
            { room_id: this.id, ...(limit !== undefined && { limit }), ...place },
            { answerMs: PAGE_MS },
          ),
        ),
      )
      .finally(() => {
        if (this.#loading?.done === done) this.#loading = undefined;
        this.#state.changed();
      });
    this.#loading = { kind, done };
    return done;
  }

  /** A failure shows as members that are a little old; the next connection tries again. */
  async #refreshMembers(): Promise<void> {
    const payload = { room_id: this.id, limit: PAGE_MAX };
    await this.#host
      .call('get_users', payload, { apply: ({ users }) => this.#state.setMembers(users), answerMs: PAGE_MS })
      .catch(() => {});
  }
}
