import type { Message } from '../../protocol/index.ts';
import { logEntry, messageIn } from '../support/entry.ts';
import { type Arrival, type History, succeeded } from './records.ts';

/** A state of a message that a client was told. */
export interface Sighting {
  readonly message: Message;
  readonly at: number;
  /** Which connection was told, and how. */
  readonly where: string;
}

/** The message that an event tells as an entry of the log, if the arrival is one. */
export function loggedMessage(arrival: Arrival): Message | undefined {
  return arrival.kind === 'event' ? messageIn(logEntry(arrival.event, arrival.payload)) : undefined;
}

/** The messages that an arrival tells. */
function messagesIn(arrival: Arrival): readonly Message[] {
  if (arrival.kind === 'event') {
    const entry = loggedMessage(arrival);
    if (entry !== undefined) return [entry];
    return arrival.event === 'room_info' ? arrival.payload.messages : [];
  }
  const { call } = arrival;
  const one = succeeded(call, 'send_message') ?? succeeded(call, 'update_message') ?? succeeded(call, 'delete_message');
  if (one !== undefined) return [one.message];
  const page = succeeded(call, 'join_room') ?? succeeded(call, 'get_messages');
  if (page !== undefined) return page.messages;
  const synced = succeeded(call, 'sync');
  return synced?.rooms.flatMap((room) => ('messages' in room ? room.messages : [])) ?? [];
}

/** The numbers up to which an arrival says that rooms have come. */
function headsIn(arrival: Arrival): readonly (readonly [string, number])[] {
  if (arrival.kind === 'event') {
    return arrival.event === 'room_info' ? [[arrival.payload.room.id, arrival.payload.room.seq]] : [];
  }
  const { call } = arrival;
  const signedIn = succeeded(call, 'authenticate');
  if (signedIn !== undefined) return signedIn.rooms.map((room) => [room.id, room.seq]);
  const joined = succeeded(call, 'join_room');
  if (joined !== undefined) return [[joined.room.id, joined.room.seq]];
  const synced = succeeded(call, 'sync');
  return synced?.rooms.flatMap((room) => ('head' in room ? [[room.room_id, room.head] as const] : [])) ?? [];
}

/** How high a number had come at each place, to be asked for any place. */
class Rising {
  readonly #at: number[] = [];
  readonly #highest: number[] = [];

  /** To be called in order of `at`. */
  learn(at: number, number: number): void {
    const highest = this.#highest.at(-1) ?? 0;
    if (number <= highest) return;
    this.#at.push(at);
    this.#highest.push(number);
  }

  before(at: number): number {
    let low = 0;
    let high = this.#at.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#at[middle] ?? 0) < at) low = middle + 1;
      else high = middle;
    }
    return this.#highest[low - 1] ?? 0;
  }
}

/**
 * What somebody had been told at each place of the order. Whatever anybody was told was committed before, so whatever
 * is invoked afterwards must know it: later reads may not be older, and later changes take higher numbers.
 */
export class Knowledge {
  readonly sightings: readonly Sighting[];
  readonly #heads = new Map<string, Rising>();
  readonly #changes = new Map<string, Rising>();

  constructor(history: History) {
    const arrivals = history.connections
      .flatMap((connection) => connection.arrivals.map((arrival) => ({ arrival, connection })))
      .sort((a, b) => a.arrival.at - b.arrival.at);
    const sightings: Sighting[] = [];
    for (const { arrival, connection } of arrivals) {
      const how = arrival.kind === 'event' ? `the event ${arrival.event}` : `the answer to ${arrival.call.command}`;
      for (const message of messagesIn(arrival)) {
        sightings.push({ message, at: arrival.at, where: `${connection.id} by ${how}` });
        rising(this.#heads, message.room_id).learn(arrival.at, message.rev);
        rising(this.#changes, message.id).learn(arrival.at, message.rev);
      }
      for (const [room_id, head] of headsIn(arrival)) rising(this.#heads, room_id).learn(arrival.at, head);
    }
    this.sightings = sightings;
  }

  /** The highest number of a room that anybody had been told before this place. */
  headBefore(room_id: string, at: number): number {
    return this.#heads.get(room_id)?.before(at) ?? 0;
  }

  /** The newest change of a message that anybody had been told before this place. */
  changeBefore(message_id: string, at: number): number {
    return this.#changes.get(message_id)?.before(at) ?? 0;
  }
}

function rising(map: Map<string, Rising>, key: string): Rising {
  const found = map.get(key) ?? new Rising();
  map.set(key, found);
  return found;
}
