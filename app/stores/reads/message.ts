import type { ErrorCode } from '../../../protocol/errors.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import type { Message } from '../../../protocol/message.ts';
import { membershipChange } from '../../models/message.ts';
import { RawJson } from '../../models/raw-json.ts';
import { orRefusal, Refusal } from '../../models/refusal.ts';
import { requireMember } from '../../models/room.ts';
import type { LogEntry } from '../entry.ts';
import { ask, each, sql } from '../query.ts';
import { read } from '../read.ts';
import {
  MESSAGE_COLUMNS,
  type MessageRow,
  ROOM_COLUMNS,
  type RoomRow,
  toMessage,
  toRoom,
  toUser,
  USER_COLUMNS,
  type UserRow,
} from '../rows.ts';
import {
  changesAfter,
  fitMessages,
  type Halves,
  jsonArray,
  mergeChanges,
  messagesAfter,
  messagesBefore,
  type Part,
  raw,
  shownAfter,
  shownBefore,
} from './message-pages.ts';
import { factsOfRooms, roomFacts, toFacts } from './room-facts.ts';

/** What a page of a room's messages is asked with; `before` and `after` are places, both exclusive. */
export interface MessagePageInput {
  readonly room_id: string;
  readonly user_id: string;
  readonly before: number | undefined;
  readonly after: number | undefined;
  readonly limit: number;
}

/** A room of a `sync`, and the number up to which the caller knows it. */
export interface Known {
  readonly room_id: string;
  readonly seq: number;
}

/** The answer of `sync` for one room. */
export type RoomSync =
  | { room_id: string; head: number; messages: Message[]; has_more: boolean; reset: boolean }
  | { room_id: string; error: ErrorCode };

/** Entries of a room's log; `head` is its newest number. */
export interface LogPage {
  readonly entries: LogEntry[];
  readonly head: number;
  readonly has_more: boolean;
}

/** Room for what an answer holds beside its messages. */
const ENVELOPE_BYTES = 1_024;
/** Room for what the answer of `sync` tells of a room beside its messages. */
const ROOM_BYTES = 160;
/** About what a message takes: so many rooms are read at once as may fill the answer. */
const MESSAGE_BYTES = 400;
/** The most entries that are read of a log at once. */
const LOG_ENTRIES = 1_000;

/** A message of a room that was deleted may still be there. */
const MESSAGE_BY_CLIENT_ID = `SELECT ${MESSAGE_COLUMNS} FROM messages m WHERE room_id = ? AND user_id = ? AND client_id = ?
  AND EXISTS (SELECT 1 FROM rooms WHERE id = m.room_id)`;

const ROOM = `SELECT ${ROOM_COLUMNS} FROM rooms r WHERE r.id = ?`;
const USER = `SELECT ${USER_COLUMNS} FROM users u WHERE u.id = ?`;

/** What is read of messages, which are the log. */
export const messageReads = {
  /** The message that this user sent to this room with this key before, if any; wants no membership. */
  byClientId: read(function* (input: { room_id: string; user_id: string; client_id: string }) {
    const { room_id, user_id, client_id } = input;
    const [[row]] = yield* ask(sql<MessageRow>(MESSAGE_BY_CLIENT_ID, room_id, user_id, client_id));
    return row && toMessage(row);
  }),

  /** A page by place, oldest first. Refuses `ROOM_NOT_FOUND`, `NOT_A_MEMBER`. */
  page: read(
    function* (input: MessagePageInput) {
      const { room_id, before = Number.MAX_SAFE_INTEGER, after, limit } = input;
      const part = { room_id, from: after ?? before, limit };
      const questions = after === undefined ? messagesBefore(part) : messagesAfter(part);
      const [facts, ...messages] = yield* ask(roomFacts(input), ...questions);
      requireMember(toFacts(facts));
      const show = after === undefined ? shownBefore : shownAfter;
      return show(messages, { limit, bytes: LIMITS.answer_bytes - ENVELOPE_BYTES });
    },
    { revive: raw },
  ),

  /** What changed in rooms since the given numbers, in one snapshot; a room that may not be read answers for itself. */
  sync: read(
    function* ({ user_id, rooms }: { user_id: string; rooms: readonly Known[] }) {
      const ids = rooms.map(({ room_id }) => room_id);
      const [found] = yield* ask(factsOfRooms(ids, user_id));
      const states = rooms.map((known, i) => stateOf(known, found[i]));
      const behind = states.filter(isBehind);
      const answers: string[] = [];
      let bytes = LIMITS.answer_bytes - ENVELOPE_BYTES - rooms.length * ROOM_BYTES;
      let changes: Halves[] = [];
      for (const state of states) {
        if (!isBehind(state)) {
          answers.push(syncJson(state));
          continue;
        }
        const { room_id, head, limit } = state;
        if (bytes <= 0) {
          answers.push(syncJson({ room_id, head, has_more: true, reset: false }));
          continue;
        }
        if (changes.length === 0) {
          const [unchanged, changed] = yield* ask(...changesAfter(nextRound(behind, bytes)));
          changes = unchanged.map((rows, i) => [rows, changed[i] ?? []]);
        }
        behind.shift();
        const rows = mergeChanges(changes.shift() ?? [[], []]);
        const page = fitMessages(rows.slice(0, limit), bytes);
        const has_more = rows.length > page.messages.length;
        bytes = has_more && page.messages.length < limit ? 0 : bytes - page.bytes;
        answers.push(syncJson({ room_id, head, has_more, reset: false }, page.messages));
      }
      return jsonArray(answers);
    },
    { turn: ({ user_id }) => user_id, revive: (json): RawJson<RoomSync[]> => new RawJson(json) },
  ),

  /** Entries above a number in order, for the tail; of a message changed twice only the newest state. */
  log: read<{ room_id: string; after: number }, LogPage>(function* ({ room_id, after }) {
    const limit = LOG_ENTRIES;
    const [[room], [unchanged = []], [changed = []]] = yield* ask(
      sql<RoomRow>(ROOM, room_id),
      ...changesAfter([{ room_id, from: after, limit }]),
    );
    if (room === undefined) return { entries: [], head: after, has_more: false };
    const rows = mergeChanges([unchanged, changed]);
    const messages = rows.slice(0, limit).map(toMessage);
    const joined = messages.flatMap((message) => joinedBy(message) ?? []);
    const [users] = yield* ask(
      each<UserRow>(
        USER,
        joined.map((user_id) => [user_id]),
      ),
    );
    const found = new Map(users.flat().map((user) => [user.id, user]));
    const entries = messages.map((message): LogEntry => {
      const user = found.get(joinedBy(message) ?? '');
      return user === undefined ? { message } : { message, joined: { user: toUser(user), room: toRoom(room) } };
    });
    return { entries, head: room.seq, has_more: rows.length > limit };
  }),
};

/** Who joined by a message, if anybody did. */
function joinedBy(message: Message): string | undefined {
  const change = membershipChange(message);
  return change !== undefined && 'joined' in change ? change.joined : undefined;
}

type SyncedRoom = Extract<RoomSync, { head: number }>;
type RefusedRoom = Exclude<RoomSync, SyncedRoom>;
/** What `sync` tells of a room before its messages. */
type Told = RefusedRoom | Omit<SyncedRoom, 'messages'>;

/** A room with changes that the caller does not know. */
interface Behind extends Part {
  readonly head: number;
}

const isBehind = (state: Told | Behind): state is Behind => 'from' in state;

function stateOf({ room_id, seq }: Known, found: Parameters<typeof toFacts>[0]): Told | Behind {
  const room = orRefusal(() => requireMember(toFacts(found)));
  if (room instanceof Refusal) return { room_id, error: room.code };
  const head = room.seq;
  if (seq < head) return { room_id, head, from: seq, limit: LIMITS.sync_messages };
  return { room_id, head, has_more: false, reset: seq > head };
}

/** As many of the rooms, and at least one, as may fill so many bytes. */
function nextRound(rooms: readonly Behind[], bytes: number): readonly Behind[] {
  let entries = 0;
  const count = rooms.findIndex(({ head, from, limit }) => {
    entries += Math.min(head - from, limit + 1);
    return entries * MESSAGE_BYTES >= bytes;
  });
  return count === -1 ? rooms : rooms.slice(0, count + 1);
}

/** JSON of a {@link RoomSync}, with the messages put in as they are. */
function syncJson(room: Told, messages: readonly string[] = []): string {
  const json = JSON.stringify(room);
  return 'error' in room ? json : `${json.slice(0, -1)},"messages":${jsonArray(messages)}}`;
}
