import { listedAt, ownerAfterJoin, ownerAfterLeave, type RoomFacts } from '../../models/room.ts';
import type { Database } from './database.ts';
import { ROOM_COLUMNS, type RoomRow } from './rows.ts';

/** How many rooms and memberships are kept before all are forgotten and read anew. */
const MAX_KEPT = 50_000;

/**
 * Rooms and memberships as the writer knows them, kept from one transaction to the next, so that a send costs one
 * insert: it is the only writer of the file, but for the command-line tools, whose commits `data_version` shows.
 * Numbers taken in a transaction are written back once, before its COMMIT.
 */
export class RoomCache {
  readonly #db: Database;
  readonly #rooms = new Map<string, RoomRow>();
  /** By user, then by room. */
  readonly #members = new Map<string, Map<string, boolean>>();
  #memberships = 0;
  readonly #changed = new Set<RoomRow>();
  #dataVersion = -1;
  /** The newest activity that it stored, in milliseconds since 1970. */
  #newest = 0;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Call after BEGIN: forgets what another connection may have changed. */
  begin(): void {
    const version = this.#db.dataVersion();
    if (version !== this.#dataVersion || this.#rooms.size > MAX_KEPT || this.#memberships > MAX_KEPT) this.forget();
    this.#dataVersion = version;
  }

  /** Call before COMMIT: writes back the numbers that were taken. */
  flush(): void {
    for (const room of this.#changed) {
      const sql = 'UPDATE rooms SET seq = ?, active_at = ?, listed_at = ? WHERE id = ?';
      this.#db.run(sql, room.seq, room.active_at, listedAt(room), room.id);
    }
    this.#changed.clear();
  }

  /** Sets the activity of rooms that lies in the future to now, in the order that it was in. */
  settle(now: number): void {
    this.flush();
    this.forget();
    const sql = `SELECT ${ROOM_COLUMNS} FROM rooms r WHERE r.active_at > ? ORDER BY r.active_at DESC, r.id DESC`;
    for (const [place, room] of this.#db.all<RoomRow>(sql, now).entries()) {
      // Before whatever is done from now on.
      room.active_at = now - 1 - place;
      this.#changed.add(room);
    }
    this.flush();
    this.#newest = now;
  }

  /** Call after ROLLBACK: what is kept may never have happened. */
  forget(): void {
    this.#rooms.clear();
    this.#members.clear();
    this.#memberships = 0;
    this.#changed.clear();
  }

  /** Call when a room is deleted. */
  forgetRoom(room_id: string): void {
    const room = this.#rooms.get(room_id);
    if (room !== undefined) this.#changed.delete(room);
    this.#rooms.delete(room_id);
  }

  /** Call when a user is retired: it is a member of nothing from then on. */
  forgetUser(user_id: string): void {
    this.#members.delete(user_id);
  }

  /** The room, if there is one. */
  room(room_id: string): RoomRow | undefined {
    const kept = this.#rooms.get(room_id);
    if (kept !== undefined) return kept;
    const row = this.#db.get<RoomRow>(`SELECT ${ROOM_COLUMNS} FROM rooms r WHERE r.id = ?`, room_id);
    if (row !== undefined) this.#rooms.set(room_id, row);
    return row;
  }

  /** Whether the user is a member, and not retired: who is leaves its rooms one after another, but may do nothing there. */
  isMember(room_id: string, user_id: string): boolean {
    const kept = this.#members.get(user_id)?.get(room_id);
    if (kept !== undefined) return kept;
    const sql = `SELECT 1 FROM members m JOIN users u ON u.id = m.user_id
      WHERE m.room_id = ? AND m.user_id = ? AND u.retired_at IS NULL`;
    const member = this.#db.get(sql, room_id, user_id) !== undefined;
    this.#keep(room_id, user_id, member);
    return member;
  }

  /** What the rules look at. */
  facts(room_id: string, user_id: string): RoomFacts & { room: RoomRow | undefined } {
    const room = this.room(room_id);
    return { room, member: room !== undefined && this.isMember(room_id, user_id) };
  }

  /**
   * Takes the room's next number. `at` is when something was done in it, null when nothing was; no room's activity is
   * older than one that was stored before.
   */
  next(room: RoomRow, at: number | null): number {
    room.seq += 1;
    if (at !== null) {
      this.#newest = Math.max(this.#newest, at);
      room.active_at = this.#newest;
    }
    this.#changed.add(room);
    return room.seq;
  }

  /** Makes a user a member, by the entry `seq`. */
  addMember(room: RoomRow, user_id: string, seq: number): void {
    this.#db.run('INSERT INTO members (room_id, user_id, joined_seq) VALUES (?, ?, ?)', room.id, user_id, seq);
    this.#keep(room.id, user_id, true);
    this.#setMembers(room, room.user_count + 1, ownerAfterJoin(room.owner_id, user_id));
  }

  /** Ends a membership. @returns the new owner, when the one who left owned the room and someone is left */
  removeMember(room: RoomRow, user_id: string): string | null {
    this.#db.run('DELETE FROM members WHERE room_id = ? AND user_id = ?', room.id, user_id);
    this.#keep(room.id, user_id, false);
    const { owner_id } = room;
    this.#setMembers(
      room,
      room.user_count - 1,
      ownerAfterLeave(owner_id, user_id, () => this.#eldest(room)),
    );
    return room.owner_id === owner_id ? null : room.owner_id;
  }

  /** Gives the room to a member. */
  setOwner(room: RoomRow, user_id: string): void {
    this.#setMembers(room, room.user_count, user_id);
  }

  /** The longest-standing member; one who is retired and about to leave only when there is no other. */
  #eldest(room: RoomRow): string | null {
    const staying = `SELECT m.user_id FROM members m JOIN users u ON u.id = m.user_id
      WHERE m.room_id = ? AND u.retired_at IS NULL ORDER BY m.joined_seq LIMIT 1`;
    const any = 'SELECT user_id FROM members WHERE room_id = ? ORDER BY joined_seq LIMIT 1';
    const first = (sql: string) => this.#db.get<{ user_id: string }>(sql, room.id)?.user_id;
    return first(staying) ?? first(any) ?? null;
  }

  #keep(room_id: string, user_id: string, member: boolean): void {
    const kept = this.#members.get(user_id);
    if (kept === undefined) this.#members.set(user_id, new Map([[room_id, member]]));
    else kept.set(room_id, member);
    this.#memberships++;
  }

  #setMembers(room: RoomRow, user_count: number, owner_id: string | null): void {
    room.user_count = user_count;
    room.owner_id = owner_id;
    this.#db.run('UPDATE rooms SET user_count = ?, owner_id = ? WHERE id = ?', user_count, owner_id, room.id);
  }
}

/** Whether the user is a member of the room. */
export function isMember(db: Database, room_id: string, user_id: string): boolean {
  return db.get('SELECT 1 FROM members WHERE room_id = ? AND user_id = ?', room_id, user_id) !== undefined;
}

/** The room and whether the user is a member, as the reader sees it. */
export function roomFacts(db: Database, room_id: string, user_id: string): RoomFacts & { room: RoomRow | undefined } {
  const room = db.get<RoomRow>(`SELECT ${ROOM_COLUMNS} FROM rooms r WHERE r.id = ?`, room_id);
  return { room, member: room !== undefined && isMember(db, room_id, user_id) };
}
