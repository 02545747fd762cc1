import type { Message, Room } from '../../protocol/index.ts';
import type { TestClient } from './client.ts';
import { logEntry, messageIn } from './entry.ts';

/** What the model knows of one message. */
export interface ModelMessage {
  /** The id that the server gave; empty for system messages. */
  id: string;
  readonly seq: number;
  rev: number;
  readonly user_id: string;
  /** Undefined where the wording is the server's. */
  content: string | undefined;
  deleted: boolean;
  readonly system: boolean;
}

/** A room by the rules of the protocol: each act gives the number it took, 'ok' or the code of the refusal. */
export type Model = Pick<ModelRoom, 'send' | 'edit' | 'remove' | 'join' | 'leave'>;

/** The simplest thing that behaves as a public room must. */
export class ModelRoom {
  /** The number of the newest entry. */
  head = 0;
  /** Everything in the room, by place. */
  readonly messages: ModelMessage[] = [];
  private readonly members = new Set<string>();

  constructor(owner: string) {
    this.join(owner);
  }

  /** What users said, by place. */
  get said(): ModelMessage[] {
    return this.messages.filter((message) => !message.system);
  }

  /** Tells the id of the message at a place. */
  name(seq: number, id: string): void {
    const message = this.messages.find((one) => one.seq === seq);
    if (message !== undefined) message.id = id;
  }

  /** A member says something. */
  send(user: string, content: string): number | string {
    return this.members.has(user) ? this.append(user, content, false) : 'NOT_A_MEMBER';
  }

  /** The author changes a message. */
  edit(user: string, id: string, content: string): number | string {
    const message = this.own(user, id);
    if (typeof message === 'string') return message;
    if (message.deleted) return 'MESSAGE_NOT_FOUND';
    if (message.content !== content) {
      message.content = content;
      message.rev = ++this.head;
    }
    return message.rev;
  }

  /** The author takes a message back. */
  remove(user: string, id: string): number | string {
    const message = this.own(user, id);
    if (typeof message === 'string') return message;
    if (!message.deleted) {
      message.deleted = true;
      message.content = '';
      message.rev = ++this.head;
    }
    return message.rev;
  }

  /** A user becomes a member. */
  join(user: string): string {
    if (!this.members.has(user)) {
      this.members.add(user);
      this.append(user, undefined, true);
    }
    return 'ok';
  }

  /** A member leaves. */
  leave(user: string): string {
    if (!this.members.delete(user)) return 'NOT_A_MEMBER';
    this.append(user, undefined, true);
    return 'ok';
  }

  private own(user: string, id: string): ModelMessage | string {
    const message = this.said.find((one) => one.id === id);
    if (message === undefined) return 'MESSAGE_NOT_FOUND';
    if (!this.members.has(user)) return 'NOT_A_MEMBER';
    return message.user_id === user ? message : 'FORBIDDEN';
  }

  private append(user_id: string, content: string | undefined, system: boolean): number {
    this.head++;
    this.messages.push({ id: '', seq: this.head, rev: this.head, user_id, content, deleted: false, system });
    return this.head;
  }
}

/** The entries of a room's log that a client received, in order of arrival. */
export function entries(client: TestClient, room: Room): Message[] {
  return client.entries.flatMap((entry) => {
    const message = entry.kind === 'event' ? messageIn(logEntry(entry.name, entry.payload)) : undefined;
    return message?.room_id === room.id ? [message] : [];
  });
}

/** The newest state of each message among a log's entries, by place. */
export function newest(log: readonly Message[]): Message[] {
  const states = new Map<string, Message>();
  for (const entry of log) {
    const known = states.get(entry.id);
    if (known === undefined || known.rev < entry.rev) states.set(entry.id, entry);
  }
  return [...states.values()].sort((a, b) => a.seq - b.seq);
}
