import type { Message } from '../../protocol/index.ts';

/** An entry of a room's log, as an event tells it: with the message in its new state, or with what a client need not know. */
export interface LogEntry {
  readonly room_id: string;
  readonly rev: number;
}

/** The entry that an event tells: any but the end of the room that has `room_id` and `rev` at its top level. */
export function logEntry(event: string, payload: unknown): LogEntry | undefined {
  if (event === 'room_deleted' || typeof payload !== 'object' || payload === null) return undefined;
  return 'room_id' in payload && 'rev' in payload ? (payload as LogEntry) : undefined;
}

/** The message that an entry holds; undefined for one of a kind that is not known. */
export function messageIn(entry: LogEntry | undefined): Message | undefined {
  return entry !== undefined && 'seq' in entry && 'content' in entry ? (entry as Message) : undefined;
}
