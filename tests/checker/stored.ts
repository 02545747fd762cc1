import type { Message, System } from '../../protocol/index.ts';
import { type DataPlace, openSql, testEngine } from '../support/data.ts';

/** A room as the database holds it. */
export interface StoredRoom {
  readonly id: string;
  readonly created_by: string;
  readonly owner_id: string | null;
  readonly user_count: number;
  readonly seq: number;
  /** It was deleted; this is how it was before. */
  readonly deleted?: boolean;
}

/** A membership as the database holds it. */
export interface StoredMember {
  readonly room_id: string;
  readonly user_id: string;
  readonly joined_seq: number;
}

/** The database at the end, its messages as clients see them. */
export interface Stored {
  /** What SQLite's own check says, `ok`; PostgreSQL has none. */
  readonly integrity: string;
  readonly rooms: readonly StoredRoom[];
  readonly members: readonly StoredMember[];
  readonly messages: readonly Message[];
}

interface MessageRow {
  readonly id: string;
  readonly room_id: string;
  readonly seq: number;
  readonly rev: number;
  readonly user_id: string;
  readonly username: string;
  readonly content: string;
  readonly timestamp: number;
  readonly system: string | null;
  readonly edited_at: number | null;
  readonly deleted_at: number | null;
  readonly client_id: string | null;
}

/** Reads a database that no server uses any more. It knows the tables, and shares no code with the server. */
export async function readStored(server: DataPlace): Promise<Stored> {
  await using sql = await openSql(server);
  const check = testEngine() === 'sqlite' ? 'PRAGMA integrity_check' : "SELECT 'ok' AS integrity_check";
  const [integrity] = await sql.all<{ integrity_check: string }>(check);
  const messages = await sql.all<MessageRow>('SELECT * FROM messages ORDER BY room_id, seq');
  return {
    integrity: integrity?.integrity_check ?? 'nothing',
    rooms: await sql.all<StoredRoom>('SELECT id, created_by, owner_id, user_count, seq FROM rooms'),
    members: await sql.all<StoredMember>('SELECT room_id, user_id, joined_seq FROM members'),
    messages: messages.map(toMessage),
  };
}

const time = (ms: number): string => new Date(ms).toISOString();
const timeOrNull = (ms: number | null): string | null => (ms === null ? null : time(ms));

function toMessage(row: MessageRow): Message {
  return {
    id: row.id,
    room_id: row.room_id,
    seq: row.seq,
    rev: row.rev,
    user_id: row.user_id,
    username: row.username,
    content: row.content,
    timestamp: time(row.timestamp),
    is_system_message: row.system !== null,
    ...(row.system !== null && { system: JSON.parse(row.system) as System }),
    edited: row.edited_at !== null,
    edited_at: timeOrNull(row.edited_at),
    deleted: row.deleted_at !== null,
    deleted_at: timeOrNull(row.deleted_at),
    ...(row.client_id !== null && { client_id: row.client_id }),
  };
}
