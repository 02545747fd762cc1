import type { LogEventName } from '../../protocol/events.ts';
import type { Message, System } from '../../protocol/message.ts';
import { Refusal } from './refusal.ts';
import { maySee, type RoomFacts, type RuledRoom, requireMember } from './room.ts';

/** What the rules about changing a message look at. */
export interface MessageFacts<R extends RuledRoom = RuledRoom> extends RoomFacts<R> {
  readonly message: Pick<Message, 'user_id' | 'is_system_message' | 'deleted' | 'content'>;
}

/** What a rule allows: a change in this room, or, when there is nothing to do, an answer as if it were made. */
export interface Allowed<R> {
  readonly room: R;
  readonly changes: boolean;
}

/**
 * Lets someone edit a message to `content`: its author, while a member, as long as it is not deleted.
 * @throws Refusal `MESSAGE_NOT_FOUND`, `NOT_A_MEMBER`, `FORBIDDEN`
 */
export function allowEdit<R extends RuledRoom>(facts: MessageFacts<R>, user_id: string, content: string): Allowed<R> {
  const room = requireAuthor(facts, user_id);
  if (facts.message.deleted) throw new Refusal('MESSAGE_NOT_FOUND');
  return { room, changes: facts.message.content !== content };
}

/**
 * Lets someone delete a message: its author, while a member. A tombstone is as good as deleted.
 * @throws Refusal `MESSAGE_NOT_FOUND`, `NOT_A_MEMBER`, `FORBIDDEN`
 */
export function allowDelete<R extends RuledRoom>(facts: MessageFacts<R>, user_id: string): Allowed<R> {
  return { room: requireAuthor(facts, user_id), changes: !facts.message.deleted };
}

function requireAuthor<R extends RuledRoom>(facts: MessageFacts<R>, user_id: string): R {
  if (!maySee(facts)) throw new Refusal('MESSAGE_NOT_FOUND');
  const room = requireMember(facts);
  const { message } = facts;
  if (message.is_system_message || message.user_id !== user_id) throw new Refusal('FORBIDDEN');
  return room;
}

/** The event that tells of the newest change of a message. */
export function logEvent(message: Pick<Message, 'deleted' | 'seq' | 'rev'>): LogEventName {
  if (message.deleted) return 'message_deleted';
  return message.rev === message.seq ? 'message' : 'message_updated';
}

/** The server's own wording of a system message, for clients that do not word `system` themselves. */
export function systemContent(system: System): string {
  switch (system.type) {
    case 'user_joined':
      return system.added_by === undefined ? `${system.username} joined` : `${system.username} was added`;
    case 'user_left':
      return system.removed_by === undefined ? `${system.username} left` : `${system.username} was removed`;
    case 'role_changed':
      return `${system.username} owns the room now`;
  }
}

/** What a log entry does to the room's membership: who joined, who left, or nothing. */
export function membershipChange(message: Message): { joined: string } | { left: string } | undefined {
  if (message.system === undefined || message.rev !== message.seq) return undefined;
  switch (message.system.type) {
    case 'user_joined':
      return { joined: message.system.user_id };
    case 'user_left':
      return { left: message.system.user_id };
    case 'role_changed':
      return undefined;
  }
}
