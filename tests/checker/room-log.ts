import type { Message } from '../../protocol/index.ts';
import type { Stored, StoredRoom } from './stored.ts';

/** A time of membership: from the entry that began it to the entry that ended it (`Infinity`: it lasts). */
export interface Term {
  readonly joined: number;
  readonly left: number;
}

/** One room's log as the database tells it, with the memberships that follow from it. */
export class RoomLog {
  readonly room: StoredRoom;
  readonly messages: readonly Message[];
  readonly byId = new Map<string, Message>();
  /** By the number of their newest change. */
  readonly byRev = new Map<number, Message>();
  /** What cannot be: a join of a member, an end of no membership. */
  readonly contradictions: string[] = [];
  readonly #terms = new Map<string, { joined: number; left: number }[]>();
  readonly #owners: { readonly from: number; readonly user_id: string | null }[] = [];

  /** @param messages of this room, in order of `seq` */
  constructor(room: StoredRoom, messages: readonly Message[]) {
    this.room = room;
    this.messages = messages;
    for (const message of messages) {
      this.byId.set(message.id, message);
      this.byRev.set(message.rev, message);
      const { system, seq } = message;
      if (system?.type === 'user_joined') this.#join(system, seq);
      if (system?.type === 'user_left') this.#leave(system, seq);
      if (system?.type === 'role_changed') this.#owners.push({ from: seq, user_id: system.user_id });
    }
    if (room.deleted !== true) return;
    for (const term of [...this.#terms.values()].flat()) term.left = Math.min(term.left, room.seq + 1);
  }

  /** The memberships of a user, oldest first. */
  terms(user_id: string): readonly Term[] {
    return this.#terms.get(user_id) ?? [];
  }

  /** Everyone who was ever a member. */
  users(): Iterable<string> {
    return this.#terms.keys();
  }

  /** Whether someone is a member once the entries up to `number` are applied. */
  isMember(user_id: string, number: number): boolean {
    return this.terms(user_id).some(({ joined, left }) => joined <= number && number < left);
  }

  /** Who owns the room once the entries up to `number` are applied. */
  owner(number: number): string | null {
    return this.#owners.findLast(({ from }) => from <= number)?.user_id ?? null;
  }

  #join({ user_id, new_owner_id }: { user_id: string; new_owner_id?: string | undefined }, seq: number): void {
    const terms = this.#terms.get(user_id) ?? [];
    this.#terms.set(user_id, terms);
    if (terms.at(-1)?.left === Number.POSITIVE_INFINITY) {
      this.contradictions.push(`entry ${seq} lets ${user_id} join, who is a member already`);
    } else terms.push({ joined: seq, left: Number.POSITIVE_INFINITY });
    if (this.#owners.length === 0) this.#owners.push({ from: seq, user_id });
    else if (new_owner_id !== undefined) this.#owners.push({ from: seq, user_id: new_owner_id });
  }

  #leave(system: { user_id: string; new_owner_id?: string | undefined }, seq: number): void {
    const term = this.#terms.get(system.user_id)?.at(-1);
    if (term?.left !== Number.POSITIVE_INFINITY) {
      this.contradictions.push(`entry ${seq} lets ${system.user_id} leave, who is no member`);
      return;
    }
    term.left = seq;
    if (this.owner(seq) === system.user_id) this.#owners.push({ from: seq, user_id: system.new_owner_id ?? null });
  }
}

/** The logs of all rooms, by id. */
export function readLogs(stored: Stored): Map<string, RoomLog> {
  const byRoom = Map.groupBy(stored.messages, (message) => message.room_id);
  return new Map(
    stored.rooms.map((room) => {
      const messages = (byRoom.get(room.id) ?? []).toSorted((a, b) => a.seq - b.seq);
      return [room.id, new RoomLog(room, messages)];
    }),
  );
}

/** A message for people: `#7 (now 9) of ada: "hello"`. */
export function describeMessage({ seq, rev, username, content, deleted, system }: Message): string {
  const what = system?.type ?? (deleted ? 'deleted' : JSON.stringify(content.slice(0, 60)));
  return `#${seq}${rev === seq ? '' : ` (change ${rev})`} of ${username}: ${what}`;
}
