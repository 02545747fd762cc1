import type { CommandName, CommandPayload, CommandResult, ErrorCode, Message, Room } from '../../protocol/index.ts';
import { check } from './check.ts';
import type { Finding } from './findings.ts';
import { plainMessage, TIME } from './plain-message.ts';
import { type CallOf, type ConnectionHistory, Recorder } from './records.ts';
import type { Stored } from './stored.ts';

const ROOM = 'room';

/** A connection in a story, with what it calls and what it is told. */
export interface Teller {
  /** Calls a command that is never answered. */
  ask<C extends CommandName>(command: C, payload: CommandPayload<C>): CallOf<C>;
  /** Calls a command and is answered. */
  ok<C extends CommandName>(command: C, payload: CommandPayload<C>, result: CommandResult<C>): void;
  /** Answers what was asked before. */
  answer<C extends CommandName>(call: CallOf<C>, result: CommandResult<C>): void;
  refused<C extends CommandName>(command: C, payload: CommandPayload<C>, code: ErrorCode): void;
  /** Receives log entries. */
  told(...messages: Message[]): void;
  /** Receives `user_left_room` about its own user. */
  leftAt(seq: number): void;
  /** Signs in when the room has come to this number. */
  signIn(seq: number): void;
  end(): void;
}

/** A history written by hand, of one room that ada made (1) and can joined (2), both members to the end. */
export class Story {
  readonly recorder = new Recorder();
  readonly messages: Message[] = [];
  readonly members = new Map<string, number>();
  owner = 'ada';
  head = 0;

  constructor() {
    this.join('ada');
    this.join('can');
  }

  /** Stores a message of someone's as the next entry. */
  say(user_id: string, content: string, client_id?: string): Message {
    const seq = ++this.head;
    const message: Message = {
      ...plainMessage({ id: `message ${seq}`, room_id: ROOM, seq, user_id, content }),
      ...(client_id !== undefined && { client_id }),
    };
    this.messages.push(message);
    return message;
  }

  /** Stores a join. */
  join(user_id: string): Message {
    return this.#system({ type: 'user_joined', user_id, username: user_id }, () =>
      this.members.set(user_id, this.head),
    );
  }

  /** Stores the end of a membership. */
  leave(user_id: string): Message {
    return this.#system({ type: 'user_left', user_id, username: user_id }, () => this.members.delete(user_id));
  }

  /** Stores a new content as the next entry. */
  edit(message: Message, content: string): Message {
    return this.#change({ ...message, rev: ++this.head, content, edited: true, edited_at: TIME });
  }

  /** Stores a tombstone as the next entry. */
  remove(message: Message): Message {
    return this.#change({ ...message, rev: ++this.head, content: '', deleted: true, deleted_at: TIME });
  }

  /** Takes a message out of the database, as if it had never been stored; its number stays taken. */
  forget(message: Message): void {
    this.messages.splice(this.messages.indexOf(message), 1);
  }

  /** A connection of a user, which lives to the end unless it is ended. */
  connect(user_id: string, name = user_id): Teller {
    const { recorder } = this;
    const connection = recorder.open(name, name);
    connection.user_id = user_id;
    return tellerOf(recorder, connection);
  }

  /** What a client holds at the end. */
  holds(user_id: string, messages: readonly Message[], { cursor = this.head, floor = 0 } = {}): void {
    this.recorder.finals.push({ client: user_id, user_id, rooms: [{ room_id: ROOM, cursor, floor, messages }] });
  }

  /** What the checker finds, the kinds alone, each once. */
  kinds(stored: Partial<Stored> = {}): string[] {
    return [...new Set(this.findings(stored).map(({ kind }) => kind))];
  }

  /** What the checker finds. */
  findings(stored: Partial<Stored> = {}): Finding[] {
    const room = { id: ROOM, created_by: 'ada', owner_id: this.owner, user_count: this.members.size, seq: this.head };
    const members = [...this.members].map(([user_id, joined_seq]) => ({ room_id: ROOM, user_id, joined_seq }));
    return check(this.recorder, { integrity: 'ok', rooms: [room], members, messages: this.messages, ...stored });
  }

  #system(system: NonNullable<Message['system']>, apply: () => void): Message {
    const message = this.say(system.user_id, system.type);
    this.messages.pop();
    const stored = { ...message, is_system_message: true, system };
    this.messages.push(stored);
    apply();
    return stored;
  }

  #change(changed: Message): Message {
    const place = this.messages.findIndex(({ id }) => id === changed.id);
    this.messages[place] = changed;
    return changed;
  }
}

/** The room as `authenticate` and `join_room` tell it. */
export function roomAt(seq: number): Room {
  return {
    id: ROOM,
    name: ROOM,
    type: 'public',
    is_password_protected: false,
    created_by: 'ada',
    owner_id: 'ada',
    created_at: TIME,
    user_count: 2,
    online_count: 2,
    seq,
  };
}

/** The answer to `authenticate`, of a user who has the room. */
function signedIn(user_id: string, seq: number): CommandResult<'authenticate'> {
  return {
    user: { id: user_id, username: user_id, is_active: true, connected_at: TIME, last_activity: TIME },
    token: 'token',
    epoch: 'epoch',
    rooms: [roomAt(seq)],
    rooms_next: null,
    server: { protocol: 1, features: [], limits: {} },
  };
}

function tellerOf(recorder: Recorder, connection: ConnectionHistory): Teller {
  const { user_id } = connection;
  const teller: Teller = {
    ask: (command, payload) => recorder.call(connection, command, payload),
    ok(command, payload, result) {
      teller.answer(teller.ask(command, payload), result);
    },
    answer: (call, result) => recorder.answer(connection, call, { ok: true, ...result }),
    refused(command, payload, code) {
      const call = teller.ask(command, payload);
      recorder.answer(connection, call, { ok: false, error: { code, message: code } });
    },
    told(...messages) {
      for (const message of messages) {
        const event = message.deleted ? 'message_deleted' : message.edited ? 'message_updated' : 'message';
        recorder.event(connection, event, message);
      }
    },
    leftAt: (seq) => recorder.event(connection, 'user_left_room', { user_id, username: user_id, room_id: ROOM, seq }),
    signIn: (seq) => teller.ok('authenticate', { token: 'token' }, signedIn(user_id, seq)),
    end: () => recorder.end(connection, 'the story'),
  };
  return teller;
}
