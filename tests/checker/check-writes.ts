import type { Message } from '../../protocol/index.ts';
import type { Finding } from './findings.ts';
import type { Knowledge } from './knowledge.ts';
import { type Call, type CallOf, type History, succeeded } from './records.ts';
import { describeMessage, type RoomLog } from './room-log.ts';

type Logs = ReadonlyMap<string, RoomLog>;

/** What was acknowledged is in the database, once, and numbered after all that was known when it was asked for. */
export function* checkWrites(history: History, logs: Logs, knowledge: Knowledge): Generator<Finding> {
  const rows = new Map([...logs.values()].flatMap((log) => [...log.byId]));
  const deletions = firstDeletions(history);
  for (const call of history.calls) {
    const message = answeredMessage(call);
    if (message === undefined) continue;
    yield* checkStored(call, message, rows.get(message.id));
    yield* checkNumber(call, message, knowledge, deletions);
  }
  yield* checkKeys(history);
  yield* checkMemberships(history, logs, knowledge);
}

/** For people: `send_message of ada/1#2 (asked at 17, answered at 19)`. */
export function describeCall({ command, connection, invoked, answered }: Call): string {
  return `${command} of ${connection} (asked at ${invoked}, ${answered === undefined ? 'never answered' : `answered at ${answered}`})`;
}

/** The message that a call made, changed or left as it was, if it succeeded. */
function answeredMessage(call: Call): Message | undefined {
  const result =
    succeeded(call, 'send_message') ?? succeeded(call, 'update_message') ?? succeeded(call, 'delete_message');
  return result?.message;
}

function* checkStored(call: Call, message: Message, row: Message | undefined): Generator<Finding> {
  const what = `${describeCall(call)} was acknowledged as ${describeMessage(message)}`;
  if (row === undefined) {
    yield { kind: 'lost', text: `${what}, and there is no such message` };
    return;
  }
  if (row.rev < message.rev) {
    yield { kind: 'lost', text: `${what}, and the database has an older ${describeMessage(row)}` };
  }
  if (call.command === 'delete_message' && !(message.deleted && row.deleted)) {
    yield { kind: 'lost', text: `${what}, and the database has ${describeMessage(row)}, not deleted` };
  }
  const wrong =
    (call.command === 'send_message' && isNew(call) && message.content !== call.payload.content) ||
    (call.command === 'update_message' && message.content !== call.payload.content);
  if (wrong) yield { kind: 'disagreement', text: `${what}, which is not what was sent` };
}

const isNew = (call: CallOf<'send_message'>): boolean =>
  call.answer?.ok === true && call.answer.duplicate === undefined;

function firstDeletions(history: History): ReadonlyMap<string, number> {
  const first = new Map<string, number>();
  for (const { command, payload, invoked } of history.calls) {
    if (command !== 'delete_message' || first.has(payload.message_id)) continue;
    first.set(payload.message_id, invoked);
  }
  return first;
}

function* checkNumber(
  call: Call,
  message: Message,
  knowledge: Knowledge,
  deletions: ReadonlyMap<string, number>,
): Generator<Finding> {
  if (call.command === 'send_message' && !isNew(call)) return;
  const known = knowledge.headBefore(message.room_id, call.invoked);
  if (message.rev > known) return;
  // A second deletion changes nothing and takes no number.
  if (call.command === 'delete_message' && (deletions.get(call.payload.message_id) ?? 0) < call.invoked) return;
  const text = `${describeCall(call)} took ${message.rev} in room ${message.room_id}, where ${known} was known before`;
  yield { kind: 'reordered', text };
}

/** All that was sent with one key is one message; the first that was stored is no duplicate, all others are. */
function* checkKeys(history: History): Generator<Finding> {
  const sends = history.calls.filter((call) => call.command === 'send_message');
  const byKey = Map.groupBy(
    sends.filter(({ payload }) => payload.client_id !== undefined),
    ({ user_id, payload }) => `${user_id} ${payload.room_id} ${payload.client_id}`,
  );
  for (const calls of byKey.values()) {
    const answers = calls.flatMap((call) => {
      const result = succeeded(call as Call, 'send_message');
      return result === undefined ? [] : [{ call, result }];
    });
    const [first, ...others] = answers;
    if (first === undefined) continue;
    for (const { call, result } of others) {
      if (result.message.id === first.result.message.id) continue;
      const text = `${describeCall(call)} and ${describeCall(first.call)} have one key and made two messages`;
      yield { kind: 'doubled', text };
    }
    const stored = answers.filter(({ call }) => isNew(call));
    const [one, two] = stored;
    if (one !== undefined && two !== undefined) {
      yield {
        kind: 'doubled',
        text: `${describeCall(two.call)} was told to be new, and so was ${describeCall(one.call)}`,
      };
    }
    const unsure = calls.some(({ answer }) => answer === undefined);
    if (stored.length === 0 && !unsure) {
      const text = `${describeCall(first.call)} was told to be a duplicate, and no attempt stored it: all others were refused`;
      yield { kind: 'disagreement', text };
    }
  }
}

/** How often membership calls were made, by room and user that they are about. */
interface Attempts {
  sure: number;
  possible: number;
}

function* checkMemberships(history: History, logs: Logs, knowledge: Knowledge): Generator<Finding> {
  const leaving = new Map<string, Attempts>();
  const removing = new Map<string, Attempts>();
  for (const call of history.calls) {
    const changes = membershipCall(call);
    if (changes === undefined || call.answer?.ok === false) continue;
    const { room_id, user_id } = changes;
    if (changes.ends !== undefined) count(changes.ends === 'left' ? leaving : removing, room_id, user_id, call);
    const log = logs.get(room_id);
    if (call.answer?.ok !== true || log === undefined) continue;
    const known = knowledge.headBefore(room_id, call.invoked);
    const there =
      changes.ends === undefined
        ? log.terms(user_id).some(({ left }) => left > known)
        : log.terms(user_id).some(({ left }) => left > known && left !== Number.POSITIVE_INFINITY);
    if (!there) yield { kind: 'lost', text: `${describeCall(call)} about ${user_id} is not in the log of ${room_id}` };
  }
  for (const log of logs.values()) {
    yield* compareCounts(log, 'left', leaving);
    yield* compareCounts(log, 'removed', removing);
  }
}

function membershipCall(call: Call): { room_id: string; user_id: string; ends?: 'left' | 'removed' } | undefined {
  switch (call.command) {
    case 'join_room':
      return { room_id: call.payload.room_id, user_id: call.user_id };
    case 'add_member':
      return { room_id: call.payload.room_id, user_id: call.payload.user_id };
    case 'leave_room':
      return { room_id: call.payload.room_id, user_id: call.user_id, ends: 'left' };
    case 'remove_member':
      return { room_id: call.payload.room_id, user_id: call.payload.user_id, ends: 'removed' };
    default:
      return undefined;
  }
}

function count(attempts: Map<string, Attempts>, room_id: string, user_id: string, call: Call): void {
  const key = `${room_id} ${user_id}`;
  const found = attempts.get(key) ?? { sure: 0, possible: 0 };
  attempts.set(key, found);
  found.possible++;
  if (call.answer?.ok === true) found.sure++;
}

/** Each acknowledged leave or removal made one entry, and nothing else made any. */
function* compareCounts(log: RoomLog, how: 'left' | 'removed', attempts: Map<string, Attempts>): Generator<Finding> {
  const entries = new Map<string, number>();
  for (const { system } of log.messages) {
    if (system?.type !== 'user_left' || (system.removed_by === undefined) !== (how === 'left')) continue;
    entries.set(system.user_id, (entries.get(system.user_id) ?? 0) + 1);
  }
  for (const user_id of log.users()) {
    const { sure, possible } = attempts.get(`${log.room.id} ${user_id}`) ?? { sure: 0, possible: 0 };
    const found = entries.get(user_id) ?? 0;
    const text = `${user_id} ${how} room ${log.room.id} ${found} times by its log; acknowledged were ${sure}, possible ${possible}`;
    if (found < sure) yield { kind: 'lost', text };
    if (found > possible) yield { kind: 'doubled', text };
  }
}
