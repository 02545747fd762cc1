import type { Message } from '../../../protocol/message.ts';
import { type Allowed, allowDelete, allowEdit, type MessageFacts } from '../../models/message.ts';
import { Refusal } from '../../models/refusal.ts';
import { requireMember } from '../../models/room.ts';
import type { Wanted } from '../known-rows.ts';
import { type MessageRow, toMessage } from '../rows.ts';
import { type Row, wholeRow } from '../tables.ts';
import type { Tx } from '../tx.ts';
import { write } from '../write.ts';
import { append, inRoom, revise, roomFacts } from './log.ts';

/** A message to store. */
export interface SendInput {
  readonly id: string;
  readonly room_id: string;
  readonly user_id: string;
  readonly username: string;
  readonly content: string;
  readonly client_id: string | null;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** What a send answers. */
export interface Sent {
  readonly message: Message;
  /** The message was there already, under this key. */
  readonly duplicate?: true;
}

/** Who changes which message, and when, in milliseconds since 1970. */
interface ChangeInput {
  readonly message_id: string;
  readonly user_id: string;
  readonly at: number;
}

/** Changes of messages. */
export const messageWrites = {
  /** Stores a message, or answers the one that this user sent to this room with this `client_id` before. */
  send: write({
    rooms: ({ room_id }: SendInput) => [room_id],
    reads({ room_id, user_id, client_id }): Wanted[] {
      const wanted = inRoom(room_id, user_id);
      if (client_id !== null) wanted.push(['messages', 'client_id', room_id, user_id, client_id]);
      return wanted;
    },
    bytes: ({ content }) => 512 + content.length * 2,
    brief: {
      shorten: (sent: Sent) => (sent.duplicate ? undefined : sent.message.seq),
      restore: (input: SendInput, seq: number): Sent => ({ message: toMessage(sentRow(input, seq)) }),
    },
    run(tx, input): Sent {
      const { room_id, user_id, client_id } = input;
      const facts = roomFacts(tx, room_id, user_id);
      const before = client_id === null ? undefined : tx.get('messages', 'client_id', room_id, user_id, client_id);
      // A message of a room that was deleted may still be there.
      if (before !== undefined && facts.room !== undefined) return { message: toMessage(before), duplicate: true };
      const entry = { message: toMessage(append(tx, requireMember(facts), newMessage(input), input.at)) };
      tx.tell(entry);
      return entry;
    },
  }),

  /** Changes the content. Refuses `MESSAGE_NOT_FOUND`, `NOT_A_MEMBER`, `FORBIDDEN`. */
  edit: write({
    messages: ({ message_id }: ChangeInput & { readonly content: string }) => [message_id],
    reads: changeReads,
    run: (tx, input): Message =>
      change(tx, input, {
        allow: (facts) => allowEdit(facts, input.user_id, input.content),
        columns: () => ({ content: input.content, edited_at: input.at }),
      }),
  }),

  /** Leaves a tombstone. Refuses `MESSAGE_NOT_FOUND`, `NOT_A_MEMBER`, `FORBIDDEN`. */
  delete: write({
    messages: ({ message_id }: ChangeInput) => [message_id],
    reads: changeReads,
    run: (tx, input): Message =>
      change(tx, input, {
        allow: (facts) => allowDelete(facts, input.user_id),
        columns: () => ({ content: '', deleted_at: input.at }),
      }),
  }),
};

const newMessage = ({ id, user_id, username, content, client_id, at }: SendInput) => {
  return { id, user_id, username, content, client_id, timestamp: at };
};

/** A message as it was sent, at its place. */
function sentRow(
  { id, room_id, user_id, username, content, client_id, at: timestamp }: SendInput,
  seq: number,
): MessageRow {
  return wholeRow('messages', {
    id,
    room_id,
    user_id,
    username,
    content,
    client_id,
    timestamp,
    changed: 0,
    seq,
    rev: seq,
  });
}

/** The rows that {@link change} gets. */
function changeReads({ message_id, user_id }: ChangeInput, rooms: readonly string[]): Wanted[] {
  return [['messages', 'id', message_id], ...rooms.flatMap((room_id) => inRoom(room_id, user_id))];
}

/** Changes a message as far as a rule allows. */
function change(
  tx: Tx,
  { message_id, user_id, at }: ChangeInput,
  how: {
    allow: (facts: MessageFacts<Row<'rooms'>>) => Allowed<Row<'rooms'>>;
    columns: () => Partial<Row<'messages'>>;
  },
): Message {
  const message = tx.get('messages', 'id', message_id);
  if (message === undefined) throw new Refusal('MESSAGE_NOT_FOUND');
  const { room, changes } = how.allow({ ...roomFacts(tx, message.room_id, user_id), message: toMessage(message) });
  if (changes) revise(tx, { room, message, at }, how.columns());
  return toMessage(message);
}
