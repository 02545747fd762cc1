import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import {
  allErrors,
  COMMANDS,
  COMMON_ERRORS,
  type CommandName,
  EVENTS,
  type EventName,
  LIMITS,
  Refused,
  Room,
} from '../../protocol/index.ts';
import { type LogEntry, logEntry } from './entry.ts';

/** How far one connection has followed the log of one room. */
interface Place {
  /** The number up to which it knows everything; undefined until a snapshot or a first entry tells. */
  cursor: number | undefined;
  /** The highest number that arrived as an event. */
  delivered: number;
  /** Whether its own `user_left_room` came, after which the room is silent. */
  left: boolean;
}

/**
 * Holds everything that one connection is told against the protocol, whatever the test at hand looks for: the shape of
 * each answer and event to the last field, their size, the refusals a command may give, and the log of each room, whose
 * numbers arrive in order, without gap and none twice, never above a snapshot before that snapshot, and never after the
 * end of the membership.
 */
export class Verifier {
  /** What broke the protocol, in words. */
  readonly violations: string[] = [];
  private userId: string | undefined;
  private readonly places = new Map<string, Place>();

  /** Notes a breach. */
  report(violation: string): void {
    this.violations.push(violation);
  }

  /** Checks an event; false when the protocol knows no event of that name. */
  event(name: string, payload: unknown): name is EventName {
    if (!Object.hasOwn(EVENTS, name)) {
      this.report(`an event ${name} that the protocol does not know: ${brief(payload)}`);
      return false;
    }
    this.shape(`the event ${name}`, EVENTS[name as EventName].payload, payload);
    this.follow(name as EventName, payload);
    return true;
  }

  /** Checks the arguments that an acknowledgement was called with. */
  answer(command: string, args: unknown[]): void {
    if (args.length !== 1) this.report(`${command} was answered with ${args.length} arguments`);
    const answer = args[0] as { ok?: unknown };
    if (answer?.ok === true && Object.hasOwn(COMMANDS, command)) {
      const { ok: _, ...result } = answer;
      this.shape(`the answer to ${command}`, COMMANDS[command as CommandName].result, result);
      this.snapshots(command as CommandName, result);
      return;
    }
    this.shape(`the refusal of ${command}`, Refused, answer);
    const code = Refused.safeParse(answer).data?.error.code;
    const known = Object.hasOwn(COMMANDS, command);
    const may: readonly string[] = known ? allErrors(COMMANDS[command as CommandName]) : COMMON_ERRORS;
    if (code !== undefined && code !== 'UNKNOWN_COMMAND' && !may.includes(code)) {
      this.report(`${command} answered ${code}, which the protocol does not list for it`);
    }
  }

  /** The connection ended: what comes on the next one starts afresh. */
  ended(): void {
    this.places.clear();
  }

  private shape(what: string, schema: z.ZodType, value: unknown): void {
    const parsed = schema.safeParse(value);
    if (!parsed.success) this.report(`${what} breaks its schema: ${parsed.error.message} in ${brief(value)}`);
    else if (!isDeepStrictEqual(parsed.data, value)) this.report(`${what} holds undeclared fields: ${brief(value)}`);
    const bytes = Buffer.byteLength(JSON.stringify(value) ?? '');
    if (bytes > LIMITS.answer_bytes) this.report(`${what} has ${bytes} bytes`);
  }

  private place(roomId: string): Place {
    const known = this.places.get(roomId) ?? { cursor: undefined, delivered: 0, left: false };
    this.places.set(roomId, known);
    return known;
  }

  private follow(name: EventName, payload: unknown): void {
    if (name === 'connect_response') this.userId = EVENTS.connect_response.payload.safeParse(payload).data?.user.id;
    if (name === 'room_info') {
      const room = EVENTS.room_info.payload.safeParse(payload).data?.room;
      if (room === undefined) return;
      const place = this.place(room.id);
      if (place.left) this.places.set(room.id, { cursor: room.seq, delivered: 0, left: false });
      else place.cursor ??= room.seq;
    }
    if (name === 'user_left_room') {
      const gone = EVENTS.user_left_room.payload.safeParse(payload).data;
      if (gone !== undefined && gone.user_id === this.userId) this.leave(gone.room_id, gone.seq);
    }
    const entry = logEntry(name, payload);
    if (entry !== undefined) this.entry(entry);
  }

  private leave(roomId: string, seq: number): void {
    const place = this.place(roomId);
    if (place.delivered > seq) {
      this.report(`entry ${place.delivered} of room ${roomId} came to one whose membership ended at ${seq}`);
    }
    place.left = true;
  }

  private entry(entry: LogEntry): void {
    const place = this.place(entry.room_id);
    const at = `entry ${entry.rev} of room ${entry.room_id}`;
    if (place.left) this.report(`${at} came after the end of the membership`);
    if (entry.rev <= place.delivered) this.report(`${at} came after entry ${place.delivered}`);
    if (place.cursor !== undefined && entry.rev > place.cursor + 1) {
      this.report(`${at} came while everything up to ${place.cursor} was known: a gap`);
    }
    place.delivered = Math.max(place.delivered, entry.rev);
    place.cursor = Math.max(place.cursor ?? 0, entry.rev);
  }

  private snapshots(command: CommandName, result: object): void {
    if (command === 'authenticate') {
      const session = COMMANDS.authenticate.result.safeParse(result).data;
      this.userId = session?.user.id;
      for (const room of session?.rooms ?? []) this.snapshot(room);
    }
    if (command === 'join_room') {
      const room = Room.safeParse((result as { room?: unknown }).room).data;
      if (room !== undefined) this.snapshot(room);
    }
  }

  private snapshot(room: Room): void {
    const place = this.place(room.id);
    if (place.delivered > room.seq) {
      this.report(`entry ${place.delivered} of room ${room.id} came before the answer whose snapshot is ${room.seq}`);
    }
    place.cursor = Math.max(place.cursor ?? 0, room.seq);
  }
}

function brief(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 500);
}
