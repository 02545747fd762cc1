import type { Message } from '../../protocol/index.ts';
import type { Finding } from './findings.ts';
import { describeMessage, type RoomLog } from './room-log.ts';
import type { Stored } from './stored.ts';

/** What the database says of itself: its numbers, its keys, and who was allowed to write what it holds. */
export function* checkDatabase(stored: Stored, logs: ReadonlyMap<string, RoomLog>): Generator<Finding> {
  if (stored.integrity !== 'ok') yield { kind: 'fault', text: `SQLite finds the file broken: ${stored.integrity}` };
  yield* repeats(stored.messages, 'id', (message) => message.id);
  for (const log of logs.values()) {
    const where = `room ${log.room.id}`;
    yield* repeats(log.messages, `place in ${where}`, ({ seq }) => seq);
    yield* repeats(log.messages, `number in ${where}`, ({ rev }) => rev);
    yield* repeats(log.messages, `key of one sender in ${where}`, ({ user_id, client_id }) =>
      client_id === undefined ? undefined : `${user_id} ${client_id}`,
    );
    yield* repeats(log.messages, `text in ${where}`, ({ content, system }) =>
      content === '' || system !== undefined ? undefined : content,
    );
    for (const message of log.messages) yield* checkMessage(log, message);
    yield* checkMembers(stored, log);
  }
}

/** Each text is sent once by one command, so two rows with the same text are one message stored twice. */
function* repeats(
  messages: readonly Message[],
  what: string,
  key: (message: Message) => string | number | undefined,
): Generator<Finding> {
  const seen = new Map<string | number, Message>();
  for (const message of messages) {
    const value = key(message);
    if (value === undefined) continue;
    const before = seen.get(value);
    if (before === undefined) seen.set(value, message);
    else {
      const both = `${describeMessage(before)} and ${describeMessage(message)}`;
      yield { kind: 'doubled', text: `the database holds two messages with the same ${what} (${value}): ${both}` };
    }
  }
}

function* checkMessage(log: RoomLog, message: Message): Generator<Finding> {
  const { seq, rev, user_id, system } = message;
  const what = `${describeMessage(message)} in room ${log.room.id}`;
  if (seq < 1 || rev < seq || rev > log.room.seq) {
    yield { kind: 'disagreement', text: `${what} has a number outside of 1 to the room's ${log.room.seq}` };
  }
  if (system === undefined) {
    for (const number of new Set([seq, rev])) {
      if (log.isMember(user_id, number - 1)) continue;
      yield { kind: 'unauthorised', text: `${what}: change ${number} was made by someone who was no member then` };
    }
    return;
  }
  const by = 'added_by' in system ? system.added_by : 'removed_by' in system ? system.removed_by : undefined;
  if (by !== undefined && log.owner(seq - 1) !== by) {
    yield { kind: 'unauthorised', text: `${what}: ${by} did it without owning the room` };
  }
}

function* checkMembers(stored: Stored, log: RoomLog): Generator<Finding> {
  const { room } = log;
  const where = `room ${room.id}`;
  for (const text of log.contradictions) yield { kind: 'disagreement', text: `${where}: ${text}` };
  const members = new Map(
    stored.members.filter(({ room_id }) => room_id === room.id).map(({ user_id, joined_seq }) => [user_id, joined_seq]),
  );
  for (const user_id of new Set([...log.users(), ...members.keys()])) {
    const last = log.terms(user_id).at(-1);
    const joined = last?.left === Number.POSITIVE_INFINITY ? last.joined : undefined;
    if (joined === members.get(user_id)) continue;
    const text = `${where}: by the log ${user_id} joined at ${joined}, by the members at ${members.get(user_id)}`;
    yield { kind: 'disagreement', text };
  }
  if (room.user_count !== members.size) {
    yield { kind: 'disagreement', text: `${where} counts ${room.user_count} members and has ${members.size}` };
  }
  const owner = log.owner(room.seq);
  if (room.owner_id !== owner) {
    yield { kind: 'disagreement', text: `${where} is owned by ${room.owner_id}, by its log by ${owner}` };
  }
  if (room.owner_id === null ? members.size > 0 : !members.has(room.owner_id)) {
    yield {
      kind: 'disagreement',
      text: `${where} has ${members.size} members, and its owner ${room.owner_id} is none`,
    };
  }
}
