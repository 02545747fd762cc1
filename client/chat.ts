import type { CommandName, CommandPayload, CommandResult } from '../protocol/commands.ts';
import type { EventName, EventPayload } from '../protocol/events.ts';
import type { Message } from '../protocol/message.ts';
import { type Credentials, PAGE_MS } from './connection.ts';
import { type ChatOptions, type ChatSnapshot, type ChatState, Engine } from './engine.ts';
import { ChatError } from './error.ts';
import type { Unsubscribe } from './observable.ts';
import type { ChatRoom } from './room.ts';
import { randomId } from './uuid.ts';

/** Commands that change a message, and answer with it. */
type MessageChange = {
  [C in Exclude<CommandName, 'send_message'>]: CommandResult<C> extends { readonly message: Message } ? C : never;
}[Exclude<CommandName, 'send_message'>];

/** A client of one server. Make it with {@link createClient}. Every method that answers a promise throws ChatError. */
export class Chat {
  /** Calls the listener after changes of the snapshot, once for all changes of a turn. */
  readonly subscribe: (listener: () => void) => Unsubscribe;
  /** The client at this moment; the same object until something changes. */
  readonly getSnapshot: () => ChatSnapshot;
  readonly #engine: Engine;

  constructor(url: string, options: ChatOptions) {
    this.#engine = new Engine(url, options);
    this.subscribe = this.#engine.subscribe;
    this.getSnapshot = this.#engine.getSnapshot;
  }

  /** What the client is doing. */
  get state(): ChatState {
    return this.getSnapshot().state;
  }

  /** Who is signed in, offline too. */
  get user(): ChatSnapshot['user'] {
    return this.getSnapshot().user;
  }

  /** The user's rooms, newest activity first. */
  get rooms(): readonly ChatRoom[] {
    return this.getSnapshot().rooms;
  }

  /**
   * Signs in as a guest with a name, or with a token. Where the storage holds a session of this name it comes back as the
   * same user, at once and offline too; where it holds another one: `FORBIDDEN`. A stored session also comes back by
   * itself. Fails after 10 s: `OFFLINE` when there is no connection, or why the server put it off.
   */
  signIn(credentials: Credentials): Promise<void> {
    return this.#engine.signIn(credentials);
  }

  /**
   * Revokes the token, or with `everywhere` all tokens of the user, and forgets the session and what was not sent. With
   * no connection it only forgets.
   */
  signOut({ everywhere = false }: { everywhere?: boolean } = {}): Promise<void> {
    return this.#engine.signOut(everywhere);
  }

  /** Ends the connection for good; the session and the outbox stay in the storage for the next client. */
  close(): Promise<void> {
    return this.#engine.close();
  }

  /** Tries to connect at once instead of waiting for the next attempt: call it when the app knows the network is back. */
  reconnectNow(): void {
    this.#engine.connection.retryNow();
  }

  /** Calls back with each event of this name as the server sends it. For a room's log see `ChatRoom.onEntry`. */
  on<E extends EventName>(event: E, listener: (payload: EventPayload<E>) => void): Unsubscribe {
    return this.#engine.events.add((name, payload) => {
      if (name === event) listener(payload as EventPayload<E>);
    });
  }

  /** The room with this id as a live object, always the same one; nothing is loaded by this. */
  room(room_id: string): ChatRoom {
    return this.#engine.rooms.get(room_id);
  }

  /** Makes a room and opens it. A lost answer is asked for again. */
  async createRoom(options: CommandPayload<'create_room'>): Promise<ChatRoom> {
    const payload = { client_id: randomId(), ...options };
    const create = () => this.call('create_room', payload);
    const { room } = await create().catch((error: unknown) => {
      if (error instanceof ChatError && error.code === 'NO_ANSWER') return create();
      throw error;
    });
    return await this.room(room.id).join();
  }

  /** Joins a room, or as a member opens it, and loads the newest messages. */
  joinRoom(room_id: string, options: { password?: string } = {}): Promise<ChatRoom> {
    return this.room(room_id).join(options);
  }

  /** Ends the membership of a room. */
  leaveRoom(room_id: string): Promise<void> {
    return this.room(room_id).leave();
  }

  /** Makes a user a member of one's own room. */
  async addMember(room_id: string, user_id: string): Promise<void> {
    await this.call('add_member', { room_id, user_id });
  }

  /** Ends a user's membership of one's own room. */
  async removeMember(room_id: string, user_id: string): Promise<void> {
    await this.call('remove_member', { room_id, user_id });
  }

  /** A page of the rooms this user may see, or of those whose name contains `query`. */
  getRooms(page: CommandPayload<'get_rooms'> = {}): Promise<CommandResult<'get_rooms'>> {
    return this.call('get_rooms', page);
  }

  /** Adds the next page of the user's rooms to `rooms`. */
  async loadMoreRooms(): Promise<void> {
    const { next } = this.#engine.rooms;
    if (next === null) return;
    const apply = (page: CommandResult<'get_rooms'>) => this.#engine.rooms.addPage(page.rooms, page.next);
    await this.#engine.call('get_rooms', { mine: true, after: next }, { apply, answerMs: PAGE_MS });
  }

  /** A page of the members of a room, or without `room_id` of everyone online. */
  getUsers(page: CommandPayload<'get_users'> = {}): Promise<CommandResult<'get_users'>> {
    return this.call('get_users', page);
  }

  /** Says something in a room, through the outbox. See `ChatRoom.send`. */
  sendMessage(room_id: string, content: string): Promise<Message> {
    return this.room(room_id).send(content);
  }

  /** Changes one's own message. */
  updateMessage(message_id: string, content: string): Promise<Message> {
    return this.#change('update_message', { message_id, content });
  }

  /** Takes one's own message back. */
  deleteMessage(message_id: string): Promise<Message> {
    return this.#change('delete_message', { message_id });
  }

  /** A page of a room's history, oldest first. What a list shows comes from `ChatRoom.loadOlder`. */
  getMessages(page: CommandPayload<'get_messages'>): Promise<CommandResult<'get_messages'>> {
    return this.call('get_messages', page);
  }

  /** Any command but signing in and catching up, which the client does by itself. */
  call<C extends Exclude<CommandName, 'authenticate' | 'sign_out' | 'sync'>>(
    command: C,
    payload: CommandPayload<C>,
  ): Promise<CommandResult<C>> {
    return this.#engine.call(command, payload, { answerMs: PAGE_MS });
  }

  async #change<C extends MessageChange>(command: C, payload: CommandPayload<C>) {
    const apply = ({ message }: { readonly message: Message }) => this.#engine.rooms.merge(message);
    const { message } = await this.#engine.call(command, payload, { apply });
    return message;
  }
}

/**
 * Makes a client of the server at this address, or of the server that the page came from. It connects once somebody is
 * signed in: by `signIn`, or by a session that the storage holds.
 */
export function createClient(url = '', options: ChatOptions = {}): Chat {
  return new Chat(url, options);
}
