import type { CommandResult } from '../protocol/commands.ts';
import type { Message } from '../protocol/message.ts';
import type { Room } from '../protocol/room.ts';
import type { User } from '../protocol/user.ts';
import type { ChatErrorCode } from './error.ts';
import type { Marks } from './marks.ts';
import { Members } from './members.ts';
import { Listeners, Observable } from './observable.ts';
import type { Outbox } from './outbox.ts';
import { RoomLog } from './room-log.ts';
import { type SentMessage, Timeline } from './timeline.ts';
import { type TypingUser, TypingUsers } from './typing.ts';

/** One's own message that the server does not have yet, or refused. */
export interface OutgoingMessage {
  /** Pending: it will be sent. Failed: the server refused it; `retry` or `discard` it. */
  readonly status: 'pending' | 'failed';
  readonly key: string;
  readonly client_id: string;
  readonly room_id: string;
  readonly user_id: string;
  readonly username: string;
  readonly content: string;
  /** When it was written, by this device's clock; ISO 8601. */
  readonly timestamp: string;
  /** Why it failed. */
  readonly error?: { readonly code: ChatErrorCode; readonly message: string };
}

/** What opening a room answers. */
export type OpenedRoom = CommandResult<'join_room'>;

/** A message as a list shows it. */
export type ChatMessage = SentMessage | OutgoingMessage;

/** Closed: nothing is loaded. Open: loaded, and kept up to date. Gone: left, removed or deleted; what was loaded stays. */
export type RoomStatus = 'closed' | 'open' | 'gone';

/** A room at one moment. It never changes; lists stay the same objects until their part changes. */
export interface RoomSnapshot {
  readonly id: string;
  readonly status: RoomStatus;
  /** Name, owner and counts, as the server last told them; undefined while nothing is known. */
  readonly info: Room | undefined;
  /** What is loaded, ordered by `seq`, then one's own pending and failed ones. */
  readonly messages: readonly ChatMessage[];
  /** Whether `loadOlder` would find more. */
  readonly hasOlder: boolean;
  /** Whether the newest messages were let go while older ones were loaded: `loadNewer` or `loadNewest` bring them back. */
  readonly hasNewer: boolean;
  /** The first members, at most 200, longest-standing first. */
  readonly members: readonly User[];
  readonly typing: readonly TypingUser[];
  /** Loaded messages of others after the mark, without system messages and tombstones. */
  readonly unread: number;
  /** Whether there may be more unread messages than those that are loaded. */
  readonly hasMoreUnread: boolean;
}

/** The user who is signed in, as a room sees it. */
export interface RoomUser {
  readonly id: string;
  readonly username: string;
  readonly outbox: Outbox;
  readonly marks: Marks;
}

/** All that is known of one room, kept by the rules of the protocol. */
export class RoomState extends Observable<RoomSnapshot> {
  readonly id: string;
  /** Each change once, in order. */
  readonly entries = new Listeners<[Message]>();
  readonly timeline: Timeline;
  readonly typing = new TypingUsers(() => this.changed());
  /** Called when someone begins to watch a room whose members may be out of date. */
  onStaleMembers: (() => void) | undefined;
  readonly #user: () => RoomUser | undefined;
  readonly #members = new Members();
  #membersAreStale = false;
  #log: RoomLog | undefined;
  #status: RoomStatus = 'closed';
  #info: Room | undefined;
  #list: { sent: readonly SentMessage[]; outgoing: string; messages: readonly ChatMessage[] } | undefined;

  constructor(id: string, options: { user: () => RoomUser | undefined; messageLimit: number }) {
    super();
    this.id = id;
    this.#user = options.user;
    this.timeline = new Timeline(options.messageLimit, (message) => this.#keyOf(message));
  }

  /** The log, while the room is open. */
  get log(): RoomLog | undefined {
    return this.#log;
  }

  get status(): RoomStatus {
    return this.#status;
  }

  get info(): Room | undefined {
    return this.#info;
  }

  set info(info: Room | undefined) {
    this.#info = info;
    this.changed();
  }

  /** Takes the answer to `join_room`. True when the log goes on from before it, and `sync` must be asked. */
  opened({ room, users, messages, has_more }: OpenedRoom): boolean {
    this.#members.reset(users);
    this.#membersAreStale = false;
    this.info = room;
    if (this.#log !== undefined) return this.#log.cursor < room.seq;
    this.#log = new RoomLog(room.seq, (message) => this.#apply(message));
    this.#status = 'open';
    this.timeline.reset(messages, has_more);
    this.#user()?.marks.begin(this.id, room.seq);
    return false;
  }

  /** Drops what is loaded. */
  close(status: 'closed' | 'gone' = 'closed'): void {
    this.#log = undefined;
    this.#status = status;
    this.typing.clear();
    if (status === 'closed') {
      this.timeline.reset([], false);
      this.#members.reset([]);
    }
    this.changed();
  }

  /** Takes a newer state of a message from the answer to a command; the log does not move by it. */
  merge(message: Message): void {
    if (this.#log === undefined) return;
    this.timeline.put(message);
    this.changed();
  }

  /** Everyone's presence and typing may have changed unseen; true when the members should be read again now. */
  reconnected(): boolean {
    this.typing.clear();
    this.#membersAreStale = this.#log !== undefined;
    return this.#membersAreStale && this.isWatched;
  }

  /** Takes the first page of members. */
  setMembers(users: readonly User[]): void {
    this.#membersAreStale = false;
    this.#members.reset(users);
    this.changed();
  }

  memberJoined(user: User, room: Room): void {
    this.#members.joined(user, room.user_count);
    this.info = room;
  }

  memberLeft(user_id: string): void {
    this.#members.left(user_id);
    if (this.#info !== undefined) this.#info = { ...this.#info, user_count: Math.max(0, this.#info.user_count - 1) };
    this.changed();
  }

  presence(user_id: string, is_active: boolean): void {
    if (this.#members.presence(user_id, is_active)) this.changed();
  }

  protected override subscribed(): void {
    if (this.#membersAreStale) this.onStaleMembers?.();
  }

  protected build(): RoomSnapshot {
    const { hasOlder, hasNewer } = this.timeline;
    const mark = this.#user()?.marks.get(this.id) ?? Number.POSITIVE_INFINITY;
    const first = this.timeline.messages[0]?.seq ?? 0;
    return {
      id: this.id,
      status: this.#status,
      info: this.#info,
      messages: this.#messages(),
      hasOlder,
      hasNewer,
      members: this.#members.users,
      typing: this.typing.users,
      unread: this.#unread(mark),
      hasMoreUnread: (hasOlder && first > mark + 1) || (hasNewer && (this.#log?.cursor ?? 0) > mark),
    };
  }

  #apply(message: Message): void {
    this.timeline.put(message);
    const user = this.#user();
    if (message.user_id === user?.id) user.outbox.arrived(message);
    this.changed();
    this.entries.call(message);
  }

  #unread(mark: number): number {
    const me = this.#user()?.id;
    const { messages } = this.timeline;
    let count = 0;
    for (let i = messages.length - 1; i >= 0; i--) {
      const message = messages[i];
      if (message === undefined || message.seq <= mark) break;
      if (message.user_id !== me && !message.deleted && !message.is_system_message) count++;
    }
    return count;
  }

  #messages(): readonly ChatMessage[] {
    const sent = this.timeline.messages;
    const items = (this.#user()?.outbox.items ?? []).filter((item) => item.room_id === this.id);
    const outgoing = items.map((item) => `${item.client_id} ${item.failed?.code ?? ''}`).join();
    if (this.#list?.sent === sent && this.#list.outgoing === outgoing) return this.#list.messages;
    const { id: user_id = '', username = '' } = this.#user() ?? {};
    const waiting = items.map(({ failed, ...item }): OutgoingMessage => {
      const message = { ...item, user_id, username, key: `own ${item.client_id}` };
      return failed === undefined ? { ...message, status: 'pending' } : { ...message, status: 'failed', error: failed };
    });
    const messages = waiting.length === 0 ? sent : [...sent, ...waiting];
    this.#list = { sent, outgoing, messages };
    return messages;
  }

  /** A key of one's own message survives its being sent; anyone could use the keys of others, so theirs do not count. */
  #keyOf(message: Message): string {
    const isOwn = message.client_id !== undefined && message.user_id === this.#user()?.id;
    return isOwn ? `own ${message.client_id}` : message.id;
  }
}
