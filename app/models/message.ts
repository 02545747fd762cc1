import type { ErrorCode } from '../../protocol/errors.ts';
import type { LogEventName } from '../../protocol/events.ts';
import type { Message, System } from '../../protocol/message.ts';
import { maySee, type RoomFacts, refuseNonMember } from './room.ts';

/** What the rules about changing a message look at; `message` is undefined when there is none of that id. */
export interface MessageFacts extends RoomFacts {
  readonly message: Pick<Message, 'user_id' | 'is_system_message' | 'deleted' | 'content'> | undefined;
}

/** What a rule decides about a change: refuse it, answer ok with nothing to do, or make it. */
export type Decision = { readonly refuse: ErrorCode } | 'nothing to do' | 'change';

/** Whether someone may edit a message to `content`: its author, while a member, as long as it is not deleted. */
export function decideEdit(facts: MessageFacts, user_id: string, content: string): Decision {
  const refuse = refuseChange(facts, user_id);
  if (refuse !== undefined) return { refuse };
  if (facts.message === undefined || facts.message.deleted) return { refuse: 'MESSAGE_NOT_FOUND' };
  return facts.message.content === content ? 'nothing to do' : 'change';
}

/** Whether someone may delete a message: its author, while a member. A tombstone is as good as deleted. */
export function decideDelete(facts: MessageFacts, user_id: string): Decision {
  const refuse = refuseChange(facts, user_id);
  if (refuse !== undefined) return { refuse };
  return facts.message?.deleted ? 'nothing to do' : 'change';
}

function refuseChange(facts: MessageFacts, user_id: string): ErrorCode | undefined {
  const { message } = facts;
  if (message === undefined || !maySee(facts)) return 'MESSAGE_NOT_FOUND';
  const refused = refuseNonMember(facts);
  if (refused !== undefined) return refused;
  return message.is_system_message || message.user_id !== user_id ? 'FORBIDDEN' : undefined;
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
