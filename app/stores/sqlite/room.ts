import { LIMITS } from '../../../protocol/limits.ts';
import type { RoomType } from '../../../protocol/room.ts';
import { WRONG } from '../../../protocol/words.ts';
import { decodeCursor, encodeCursor } from '../../models/cursor.ts';
import { Refusal } from '../../models/refusal.ts';
import {
  listedAt,
  requireJoinable,
  requireMember,
  requireOwner,
  requireSeen,
  type SeenRoom,
} from '../../models/room.ts';
import { foldCase } from '../../models/text.ts';
import type { Joining, Membership, RoomListInput, RoomSnapshot } from '../store.ts';
import type { Database } from './database.ts';
import { memberships } from './membership.ts';
import { type MessagesPage, newestMessages, type Written } from './message.ts';
import { isMember, type RoomCache, roomFacts } from './room-cache.ts';
import { listRooms } from './room-list.ts';
import { ROOM_COLUMNS, type RoomRow, toRoom, toUser, USER_COLUMNS, type UserRow } from './rows.ts';

/** How many members `join_room` tells of. */
const USERS_SHOWN = 100;

/** The input of {@link roomWrites}' `create`. */
interface CreateInput {
  room_id: string;
  message_id: string;
  name: string;
  type: RoomType;
  password_hash: string | null;
  client_id: string | null;
  user_id: string;
  rooms_max: number;
  at: number;
}

/** What the writer does with rooms and memberships. */
export function roomWrites(db: Database, rooms: RoomCache) {
  const { candidate, addMember, removeMember } = memberships(db, rooms);

  return {
    create(input: CreateInput): Written<{ room: SeenRoom; duplicate: boolean }> {
      const { room_id, name, type, password_hash, user_id, at, client_id } = input;
      const before = client_id === null ? undefined : roomByClientId(db, user_id, client_id);
      if (before !== undefined) {
        const member = rooms.isMember(before.id, user_id);
        return { value: { room: { ...toRoom(before), member }, duplicate: true }, entries: [] };
      }
      // Before anything is written: a refusal takes back nothing.
      candidate(input);
      db.run(
        `INSERT INTO rooms (id, name, name_key, type, password_hash, created_by, owner_id, created_at, active_at, seq,
                            user_count, client_id, listed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?, ?)`,
        room_id,
        name,
        foldCase(name),
        type,
        password_hash,
        user_id,
        user_id,
        at,
        at,
        client_id,
        listedAt({ type, password_hash, active_at: at }),
      );
      const room = requireSeen({ room: rooms.room(room_id), member: true });
      const entry = addMember(room, input);
      return { value: { room: { ...toRoom(room), member: true }, duplicate: false }, entries: [entry] };
    },

    join(input: Membership & Joining & { verified_hash: string | null }): Written<null> {
      const facts = rooms.facts(input.room_id, input.user_id);
      const room = requireJoinable(facts, input.verified_hash);
      return { value: null, entries: facts.member ? [] : [addMember(room, input)] };
    },

    leave(input: Membership): Written<null> {
      const room = requireMember(rooms.facts(input.room_id, input.user_id));
      return { value: null, entries: [removeMember(room, input)] };
    },

    add(input: Membership & Joining & { by: string }): Written<boolean> {
      const room = requireOwner(rooms.facts(input.room_id, input.by), input.by);
      const already = rooms.isMember(input.room_id, input.user_id);
      return { value: !already, entries: already ? [] : [addMember(room, input, input.by)] };
    },

    remove(input: Membership & { by: string }): Written<null> {
      const room = requireOwner(rooms.facts(input.room_id, input.by), input.by);
      if (!rooms.isMember(input.room_id, input.user_id)) throw new Refusal('USER_NOT_FOUND');
      if (input.user_id === input.by) throw new Refusal('INVALID_INPUT', { field: 'user_id', detail: WRONG.oneself });
      return { value: null, entries: [removeMember(room, input, input.by)] };
    },
  };
}

function roomByClientId(db: Database, user_id: string, client_id: string): RoomRow | undefined {
  return db.get<RoomRow>(
    `SELECT ${ROOM_COLUMNS} FROM rooms r WHERE created_by = ? AND client_id = ?`,
    user_id,
    client_id,
  );
}

/** What the reader does with rooms and memberships. */
export function roomReads(db: Database) {
  return {
    byClientId({ user_id, client_id }: { user_id: string; client_id: string }): SeenRoom | undefined {
      const row = roomByClientId(db, user_id, client_id);
      return row && { ...toRoom(row), member: isMember(db, row.id, user_id) };
    },

    access(input: { room_id: string; user_id: string }): {
      type: RoomType;
      password_hash: string | null;
      member: boolean;
    } {
      const facts = roomFacts(db, input.room_id, input.user_id);
      const { type, password_hash } = requireSeen(facts);
      return { type, password_hash, member: facts.member };
    },

    heads({ room_ids }: { room_ids: readonly string[] }): { room_id: string; head: number }[] {
      return room_ids.flatMap((room_id) => {
        const row = db.get<{ seq: number }>('SELECT seq FROM rooms WHERE id = ?', room_id);
        return row === undefined ? [] : [{ room_id, head: row.seq }];
      });
    },

    requireMember({ room_id, user_id }: { room_id: string; user_id: string }): null {
      requireMember(roomFacts(db, room_id, user_id));
      return null;
    },

    snapshot({
      room_id,
      user_id,
    }: {
      room_id: string;
      user_id: string;
    }): Omit<RoomSnapshot, 'messages'> & MessagesPage {
      const room = requireMember(roomFacts(db, room_id, user_id));
      const users = membersPage(db, { room_id, after: 0, limit: USERS_SHOWN }).map(toUser);
      const bytes = LIMITS.answer_bytes - Buffer.byteLength(JSON.stringify(users)) - USERS_SHOWN * 20 - 2_048;
      const limit = LIMITS.page_default;
      const page = newestMessages(db, { room_id, before: Number.MAX_SAFE_INTEGER, limit, bytes });
      return { room: toRoom(room), users, ...page };
    },

    members(input: { room_id: string; user_id: string; after: string | undefined; limit: number }) {
      requireMember(roomFacts(db, input.room_id, input.user_id));
      const after = input.after === undefined ? 0 : Number(decodeCursor(input.after, ['number'])[0]);
      const rows = membersPage(db, { room_id: input.room_id, after, limit: input.limit + 1 });
      const items = rows.slice(0, input.limit);
      const last = rows.length > input.limit ? items.at(-1) : undefined;
      return { items: items.map(toUser), next: last ? encodeCursor([last.joined_seq]) : null };
    },

    list: (input: RoomListInput) => listRooms(db, input),
  };
}

function membersPage(db: Database, { room_id, after, limit }: { room_id: string; after: number; limit: number }) {
  return db.all<UserRow & { joined_seq: number }>(
    `SELECT ${USER_COLUMNS}, m.joined_seq FROM members m JOIN users u ON u.id = m.user_id
     WHERE m.room_id = ? AND m.joined_seq > ? AND u.retired_at IS NULL ORDER BY m.joined_seq LIMIT ?`,
    room_id,
    after,
    limit,
  );
}
