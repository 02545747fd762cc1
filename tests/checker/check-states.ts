import { isDeepStrictEqual } from 'node:util';
import type { Message } from '../../protocol/index.ts';
import type { Finding } from './findings.ts';
import type { Knowledge, Sighting } from './knowledge.ts';
import type { History } from './records.ts';
import { describeMessage, type RoomLog } from './room-log.ts';

/** Whatever anybody was told agrees with what anybody else was told, and with the database. */
export function* checkStates(
  history: History,
  logs: ReadonlyMap<string, RoomLog>,
  knowledge: Knowledge,
): Generator<Finding> {
  const first = new Map<string, Sighting>();
  for (const sighting of knowledge.sightings) {
    const { message } = sighting;
    const key = `${message.room_id} ${message.rev}`;
    const before = first.get(key);
    if (before === undefined) {
      first.set(key, sighting);
      yield* compareWithDatabase(sighting, logs.get(message.room_id));
    } else if (!isDeepStrictEqual(before.message, message)) {
      yield {
        kind: 'disagreement',
        text: `number ${message.rev} of room ${message.room_id} was told in two ways:${both(before, sighting)}`,
      };
    }
  }
  yield* checkNumbers(history, logs, new Set([...first.keys(), ...history.beside]));
  for (const client of history.finals) {
    for (const held of client.rooms) {
      const log = logs.get(held.room_id);
      if (log !== undefined) yield* compareHeld(`${client.client} in room ${held.room_id}`, held, log);
    }
  }
}

function both(a: Sighting, b: Sighting): string {
  return [a, b].map(({ where, message }) => `\n    ${where}: ${JSON.stringify(message)}`).join('');
}

function* compareWithDatabase({ message, where }: Sighting, log: RoomLog | undefined): Generator<Finding> {
  const what = `${describeMessage(message)} in room ${message.room_id}, told to ${where},`;
  const row = log?.byId.get(message.id);
  if (row === undefined) {
    yield { kind: 'lost', text: `${what} is not in the database` };
  } else if (row.rev < message.rev) {
    yield { kind: 'lost', text: `${what} is an older one in the database: ${describeMessage(row)}` };
  } else if (row.rev === message.rev ? !isDeepStrictEqual(row, message) : !sameMessage(row, message)) {
    const ways = `\n    ${JSON.stringify(message)}\n    ${JSON.stringify(row)}`;
    yield { kind: 'disagreement', text: `${what} is another one in the database:${ways}` };
  }
}

/** Whether two states are of one message: what never changes is the same, and what is deleted stays so. */
function sameMessage(now: Message, before: Message): boolean {
  const lasting = ({ seq, room_id, user_id, username, timestamp, client_id, system }: Message) => [
    seq,
    room_id,
    user_id,
    username,
    timestamp,
    client_id,
    system,
  ];
  return isDeepStrictEqual(lasting(now), lasting(before)) && !before.deleted;
}

/** Every number up to the head is somebody's: a message's place or newest change, or a change that was overtaken. */
function* checkNumbers(
  history: History,
  logs: ReadonlyMap<string, RoomLog>,
  told: ReadonlySet<string>,
): Generator<Finding> {
  const unknown = history.calls.filter(
    ({ command, answer }) => answer === undefined && (command === 'update_message' || command === 'delete_message'),
  ).length;
  const holes: string[] = [];
  for (const [room_id, log] of logs) {
    const places = new Set(log.messages.map(({ seq }) => seq));
    for (let number = 1; number <= log.room.seq; number++) {
      if (places.has(number) || log.byRev.has(number) || told.has(`${room_id} ${number}`)) continue;
      holes.push(`${number} in room ${room_id}`);
    }
  }
  // A change whose answer nobody got, and which was overtaken before anybody was told of it, leaves no trace.
  if (holes.length <= unknown) return;
  yield { kind: 'gap', text: `${holes.length} numbers were taken by nothing, the first ${holes[0]}` };
}

function* compareHeld(
  who: string,
  held: { cursor: number; floor: number; messages: readonly Message[] },
  log: RoomLog,
): Generator<Finding> {
  if (held.cursor !== log.room.seq) {
    yield { kind: 'disagreement', text: `${who} ends at ${held.cursor}, the database at ${log.room.seq}` };
  }
  const byId = new Map(held.messages.map((message) => [message.id, message]));
  for (const message of log.messages) {
    if (message.seq < held.floor) continue;
    const has = byId.get(message.id);
    if (has === undefined) yield { kind: 'lost', text: `${who} does not hold ${describeMessage(message)}` };
    else if (!isDeepStrictEqual(has, message)) {
      const text = `${who} holds ${describeMessage(has)} where the database has ${describeMessage(message)}`;
      yield { kind: 'disagreement', text };
    }
  }
}

/** The texts that commands carried which can only have been refused: no attempt succeeded or is unknown. */
export function* checkRefused(history: History, knowledge: Knowledge, logs: Iterable<RoomLog>): Generator<Finding> {
  const outcomes = new Map<string, { refused: number; other: number }>();
  for (const call of history.calls) {
    if (call.command !== 'send_message' && call.command !== 'update_message') continue;
    const outcome = outcomes.get(call.payload.content) ?? { refused: 0, other: 0 };
    outcomes.set(call.payload.content, outcome);
    if (call.answer?.ok === false) outcome.refused++;
    else outcome.other++;
  }
  const wasRefused = (content: string) => outcomes.get(content)?.other === 0;
  const told = knowledge.sightings.map(({ message, where }) => ({ message, where }));
  const held = [...logs].flatMap((log) => log.messages.map((message) => ({ message, where: 'the database' })));
  const named = new Set<string>();
  for (const { message, where } of [...held, ...told]) {
    if (message.system !== undefined || !wasRefused(message.content) || named.has(message.content)) continue;
    named.add(message.content);
    yield { kind: 'disagreement', text: `${describeMessage(message)} was refused, and is in ${where}` };
  }
}
