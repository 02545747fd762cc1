import type { Message } from '../../protocol/index.ts';
import { describeCall } from './check-writes.ts';
import type { Finding } from './findings.ts';
import type { Knowledge } from './knowledge.ts';
import { type Call, type History, succeeded } from './records.ts';
import { describeMessage, type RoomLog } from './room-log.ts';

type Logs = ReadonlyMap<string, RoomLog>;

/** Answers to reads are whole, in order, no older than what was known when they were asked for, and to members only. */
export function* checkReads(history: History, logs: Logs, knowledge: Knowledge): Generator<Finding> {
  for (const call of history.calls) {
    yield* checkSync(call, logs, knowledge);
    yield* checkPage(call, logs, knowledge);
    yield* checkJoin(call, logs, knowledge);
    yield* checkSignIn(call, logs, knowledge);
    yield* checkRefusal(call, logs, knowledge);
  }
}

function* checkSync(call: Call, logs: Logs, knowledge: Knowledge): Generator<Finding> {
  const result = succeeded(call, 'sync');
  if (result === undefined || call.command !== 'sync') return;
  for (const room of result.rooms) {
    const log = logs.get(room.room_id);
    const asked = call.payload.rooms.find(({ room_id }) => room_id === room.room_id)?.seq ?? 0;
    if (log === undefined || !('head' in room)) continue;
    const what = `${describeCall(call)} from ${asked} of room ${room.room_id}`;
    if (!log.isMember(call.user_id, room.head)) {
      yield { kind: 'unauthorised', text: `${what} was answered at ${room.head} to someone who is no member there` };
    }
    yield* checkFresh(call, room.room_id, room.head, knowledge);
    if (room.reset) {
      if (call.payload.epoch === result.epoch && asked <= room.head) {
        yield { kind: 'disagreement', text: `${what} was reset at ${room.head} with no reason` };
      }
      continue;
    }
    const to = room.has_more ? (room.messages.at(-1)?.rev ?? asked) : room.head;
    yield* checkOrder(what, room.messages, (message) => message.rev, { from: asked, to });
    const given = new Set(room.messages.map(({ rev }) => rev));
    for (let number = asked + 1; number <= to; number++) {
      const missing = log.byRev.get(number);
      if (missing === undefined || given.has(number)) continue;
      yield { kind: 'gap', text: `${what} answered up to ${to} without ${describeMessage(missing)}` };
    }
    yield* checkNewest(call, room.messages, knowledge);
  }
}

function* checkPage(call: Call, logs: Logs, knowledge: Knowledge): Generator<Finding> {
  const result = succeeded(call, 'get_messages');
  if (result === undefined || call.command !== 'get_messages') return;
  const { room_id, before, after } = call.payload;
  const log = logs.get(room_id);
  if (log === undefined) return;
  const what = `${describeCall(call)} of room ${room_id}`;
  const { messages, has_more } = result;
  const highest = Math.max(0, ...messages.map(({ rev }) => rev));
  if (!log.terms(call.user_id).some(({ left }) => highest < left)) {
    yield { kind: 'unauthorised', text: `${what} told change ${highest} to someone removed before it` };
  }
  const known = knowledge.headBefore(room_id, call.invoked);
  const first = messages.at(0)?.seq;
  const last = messages.at(-1)?.seq;
  const forward = after !== undefined;
  const from = forward ? after : has_more ? (first ?? 0) - 1 : 0;
  const newest = Math.min(Math.max(last ?? 0, known), (before ?? Number.POSITIVE_INFINITY) - 1);
  const to = forward && has_more ? (last ?? 0) : newest;
  yield* checkOrder(what, messages, (message) => message.seq, { from, to });
  yield* checkWhole(what, messages, log, { from, to });
  yield* checkNewest(call, messages, knowledge);
}

function* checkJoin(call: Call, logs: Logs, knowledge: Knowledge): Generator<Finding> {
  const result = succeeded(call, 'join_room');
  const log = logs.get(result?.room.id ?? '');
  if (result === undefined || log === undefined) return;
  const { room, messages, has_more } = result;
  const what = `${describeCall(call)} of room ${room.id}, at ${room.seq},`;
  if (!log.isMember(call.user_id, room.seq)) {
    yield { kind: 'unauthorised', text: `${what} was answered to someone who is no member there` };
  }
  yield* checkFresh(call, room.id, room.seq, knowledge);
  const from = has_more ? (messages.at(0)?.seq ?? room.seq) - 1 : 0;
  yield* checkOrder(what, messages, (message) => message.seq, { from, to: room.seq });
  yield* checkWhole(what, messages, log, { from, to: room.seq });
  yield* checkNewest(call, messages, knowledge);
  const late = messages.find(({ rev }) => rev > room.seq);
  if (late !== undefined) yield { kind: 'disagreement', text: `${what} holds a later ${describeMessage(late)}` };
}

function* checkSignIn(call: Call, logs: Logs, knowledge: Knowledge): Generator<Finding> {
  const result = succeeded(call, 'authenticate');
  if (result === undefined) return;
  const listed = new Set<string>();
  for (const { id, seq } of result.rooms) {
    listed.add(id);
    const log = logs.get(id);
    if (log !== undefined && !log.isMember(result.user.id, seq)) {
      yield { kind: 'unauthorised', text: `${describeCall(call)} lists room ${id} at ${seq}, not the user's there` };
    }
    yield* checkFresh(call, id, seq, knowledge);
  }
  for (const [id, log] of logs) {
    if (listed.has(id) || !isMemberThroughout(log, result.user.id, knowledge.headBefore(id, call.invoked))) continue;
    yield { kind: 'lost', text: `${describeCall(call)} does not list room ${id}, which was the user's all the time` };
  }
}

/** `NOT_A_MEMBER` is not told to someone who is a member from before the call to the end. */
function* checkRefusal(call: Call, logs: Logs, knowledge: Knowledge): Generator<Finding> {
  if (call.answer?.ok !== false || call.answer.error.code !== 'NOT_A_MEMBER' || !('room_id' in call.payload)) return;
  const { room_id } = call.payload;
  const log = logs.get(room_id ?? '');
  if (log === undefined || !isMemberThroughout(log, call.user_id, knowledge.headBefore(log.room.id, call.invoked)))
    return;
  yield { kind: 'disagreement', text: `${describeCall(call)} was told NOT_A_MEMBER in room ${room_id}, being one` };
}

function isMemberThroughout(log: RoomLog, user_id: string, from: number): boolean {
  return log.terms(user_id).some(({ joined, left }) => joined <= from && left === Number.POSITIVE_INFINITY);
}

function* checkFresh(call: Call, room_id: string, head: number, knowledge: Knowledge): Generator<Finding> {
  const known = knowledge.headBefore(room_id, call.invoked);
  if (head >= known) return;
  const text = `${describeCall(call)} tells ${head} as the head of room ${room_id}, where ${known} was known before`;
  yield { kind: 'lost', text };
}

function* checkNewest(call: Call, messages: readonly Message[], knowledge: Knowledge): Generator<Finding> {
  for (const message of messages) {
    const known = knowledge.changeBefore(message.id, call.invoked);
    if (message.rev >= known) continue;
    const text = `${describeCall(call)} holds ${describeMessage(message)}, whose change ${known} was known before`;
    yield { kind: 'lost', text };
  }
}

function* checkOrder(
  what: string,
  messages: readonly Message[],
  number: (message: Message) => number,
  { from, to }: { from: number; to: number },
): Generator<Finding> {
  let last = from;
  for (const message of messages) {
    const next = number(message);
    if (next > last && next <= to) {
      last = next;
      continue;
    }
    const kind = next === last ? 'doubled' : 'reordered';
    yield { kind, text: `${what} has ${describeMessage(message)} after ${last}, in a page up to ${to}` };
  }
}

/** The places of messages never change, so a page holds every one between its ends. */
function* checkWhole(
  what: string,
  messages: readonly Message[],
  log: RoomLog,
  { from, to }: { from: number; to: number },
): Generator<Finding> {
  const given = new Set(messages.map(({ id }) => id));
  for (const message of log.messages) {
    if (message.seq <= from || message.seq > to || given.has(message.id)) continue;
    yield { kind: 'gap', text: `${what} leaves out ${describeMessage(message)}` };
  }
}
