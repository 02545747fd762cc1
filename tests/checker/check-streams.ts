import type { Message } from '../../protocol/index.ts';
import type { Finding } from './findings.ts';
import { loggedMessage } from './knowledge.ts';
import { type Arrival, type ConnectionHistory, succeeded } from './records.ts';
import { describeMessage, type RoomLog } from './room-log.ts';

/** What a connection was told of one room so far. */
interface Stream {
  /** The last number delivered, or that of the snapshot; undefined when it does not receive the room. */
  last: number | undefined;
  /** The number of the user's own removal, once it was delivered. */
  removed: number | undefined;
  /** Whether it was told that there is no such room any more. */
  gone: boolean;
  readonly seen: Set<number>;
  /** The last things that arrived, for people. */
  readonly trace: string[];
}

/**
 * What was delivered to one connection, room by room: every number above its snapshot, one after another, none twice,
 * none before the snapshot, none above its user's removal; and all of them, when it lived to the end.
 */
export function* checkStream(connection: ConnectionHistory, logs: ReadonlyMap<string, RoomLog>): Generator<Finding> {
  const streams = new Map<string, Stream>();
  for (const arrival of connection.arrivals) {
    for (const [room_id, step] of stepsOf(arrival, connection.user_id)) {
      const stream = streams.get(room_id) ?? {
        last: undefined,
        removed: undefined,
        gone: false,
        seen: new Set(),
        trace: [],
      };
      streams.set(room_id, stream);
      stream.trace.push(`${arrival.at} ${step.text}`);
      if (stream.trace.length > 12) stream.trace.shift();
      const log = logs.get(room_id);
      for (const { kind, text } of takeStep(stream, step, { log, user_id: connection.user_id })) {
        const trace = stream.trace.map((line) => `\n    ${line}`).join('');
        yield { kind, text: `${connection.id} in room ${room_id}: ${text}; what it was told last:${trace}` };
      }
    }
  }
  if (connection.ended === undefined && connection.user_id !== '') yield* checkEnd(connection, streams, logs);
}

/** What an arrival means for the stream of a room. */
type Step =
  | { readonly is: 'snapshot'; readonly number: number; readonly text: string }
  | { readonly is: 'entry'; readonly message: Message; readonly text: string }
  | { readonly is: 'end'; readonly number: number; readonly text: string }
  | { readonly is: 'gone'; readonly text: string }
  | { readonly is: 'notice'; readonly text: string };

function stepsOf(arrival: Arrival, user_id: string): (readonly [string, Step])[] {
  const entry = loggedMessage(arrival);
  if (entry !== undefined) return [[entry.room_id, { is: 'entry', message: entry, text: describeMessage(entry) }]];
  if (arrival.kind === 'answer') return snapshotsOf(arrival);
  switch (arrival.event) {
    case 'room_info': {
      const { id, seq } = arrival.payload.room;
      return [[id, { is: 'snapshot', number: seq, text: `room_info at ${seq}` }]];
    }
    case 'user_left_room': {
      const { room_id, seq, user_id: left } = arrival.payload;
      const text = `user_left_room of ${left} at ${seq}`;
      return [[room_id, left === user_id ? { is: 'end', number: seq, text } : { is: 'notice', text }]];
    }
    case 'room_deleted':
      return [[arrival.payload.room_id, { is: 'gone', text: 'room_deleted' }]];
    case 'user_joined_room':
      return [[arrival.payload.room.id, { is: 'notice', text: `user_joined_room at ${arrival.payload.seq}` }]];
    case 'typing_status':
      return [[arrival.payload.room_id, { is: 'notice', text: 'typing_status' }]];
    default:
      return [];
  }
}

function snapshotsOf({ call }: Arrival & { kind: 'answer' }): (readonly [string, Step])[] {
  const signedIn = succeeded(call, 'authenticate');
  if (signedIn !== undefined) {
    return signedIn.rooms.map(({ id, seq }) => [id, { is: 'snapshot', number: seq, text: `signed in at ${seq}` }]);
  }
  const created = succeeded(call, 'create_room');
  if (created !== undefined && created.duplicate === undefined) {
    return [[created.room.id, { is: 'snapshot', number: created.room.seq, text: `created at ${created.room.seq}` }]];
  }
  const joined = succeeded(call, 'join_room');
  if (joined === undefined) return [];
  return [[joined.room.id, { is: 'snapshot', number: joined.room.seq, text: `join_room answered ${joined.room.seq}` }]];
}

function* takeStep(
  stream: Stream,
  step: Step,
  about: { log: RoomLog | undefined; user_id: string },
): Generator<Finding> {
  if (stream.gone) yield { kind: 'unauthorised', text: `${step.text} came after room_deleted` };
  switch (step.is) {
    case 'gone':
      stream.last = undefined;
      stream.gone = true;
      break;
    case 'entry':
      yield* takeEntry(stream, step.message, about);
      break;
    case 'snapshot':
      yield* takeSnapshot(stream, step.number, about.log);
      break;
    case 'end':
      stream.last = undefined;
      stream.removed = step.number;
      break;
    case 'notice':
      if (stream.last !== undefined) break;
      if (stream.removed === undefined) yield { kind: 'reordered', text: `${step.text} came before any snapshot` };
      else yield { kind: 'unauthorised', text: `${step.text} came after the user's removal at ${stream.removed}` };
      break;
  }
}

/** A snapshot begins a stream, or stands at its place in it: after all that is not above it, before all that is. */
function* takeSnapshot(stream: Stream, number: number, log: RoomLog | undefined): Generator<Finding> {
  if (stream.last === undefined) {
    stream.last = number;
    stream.removed = undefined;
  } else if (number < stream.last) {
    yield { kind: 'reordered', text: `${stream.last} was delivered before the snapshot at ${number} was answered` };
  } else {
    yield* findSkipped(log, stream.last + 1, number, `the snapshot at ${number} was answered after ${stream.last}`);
    stream.last = number;
  }
}

/** A number may be skipped only when its change was overtaken by a newer one of the same message. */
function* findSkipped(log: RoomLog | undefined, from: number, to: number, what: string): Generator<Finding> {
  for (let number = from; number <= to; number++) {
    const missing = log?.byRev.get(number);
    if (missing !== undefined) yield { kind: 'gap', text: `${what}, without ${describeMessage(missing)}` };
  }
}

function* takeEntry(
  stream: Stream,
  message: Message,
  { log, user_id }: { log: RoomLog | undefined; user_id: string },
): Generator<Finding> {
  const { rev } = message;
  const repeated = stream.seen.has(rev);
  stream.seen.add(rev);
  if (log !== undefined && !mayReceive(log, user_id, rev)) {
    yield { kind: 'unauthorised', text: `${rev} was delivered to someone who was no member then` };
  }
  if (stream.last === undefined || stream.removed !== undefined) {
    if (stream.removed === undefined) yield { kind: 'reordered', text: `${rev} was delivered before any snapshot` };
    else yield { kind: 'unauthorised', text: `${rev} was delivered after the user's removal at ${stream.removed}` };
    return;
  }
  if (rev <= stream.last) {
    const kind = repeated ? 'doubled' : 'reordered';
    yield { kind, text: `${rev} was delivered after ${stream.last}${repeated ? ', a second time' : ''}` };
    return;
  }
  yield* findSkipped(log, stream.last + 1, rev - 1, `${rev} was delivered after ${stream.last}`);
  stream.last = rev;
  if (message.system?.type === 'user_left' && message.system.user_id === user_id) stream.removed = rev;
}

/** A member receives from its join to its removal, that one included. */
function mayReceive(log: RoomLog, user_id: string, number: number): boolean {
  return log.terms(user_id).some(({ joined, left }) => joined <= number && number <= left);
}

function* checkEnd(
  { id, user_id }: ConnectionHistory,
  streams: ReadonlyMap<string, Stream>,
  logs: ReadonlyMap<string, RoomLog>,
): Generator<Finding> {
  for (const [room_id, log] of logs) {
    const last = streams.get(room_id)?.last;
    if (log.room.deleted === true) {
      if (last !== undefined) yield { kind: 'lost', text: `${id} was not told that room ${room_id} was deleted` };
      continue;
    }
    if (!log.isMember(user_id, log.room.seq)) continue;
    if (last === undefined) {
      yield { kind: 'lost', text: `${id} lived to the end and receives nothing of room ${room_id}, its user's` };
      continue;
    }
    for (let number = last + 1; number <= log.room.seq; number++) {
      const missing = log.byRev.get(number);
      if (missing === undefined) continue;
      const text = `${id} lived to the end in room ${room_id} and got nothing after ${last}: ${describeMessage(missing)}`;
      yield { kind: 'lost', text };
    }
  }
}
