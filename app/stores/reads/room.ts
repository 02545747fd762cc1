import { LIMITS } from '../../../protocol/limits.ts';
import type { Message } from '../../../protocol/message.ts';
import type { RoomType } from '../../../protocol/room.ts';
import type { RawJson } from '../../models/raw-json.ts';
import { requireMember, requireSeen, type SeenRoom, type StoredRoom } from '../../models/room.ts';
import type { StoredUser } from '../../models/user.ts';
import { ask, each } from '../query.ts';
import { read } from '../read.ts';
import { toRoom, toUser } from '../rows.ts';
import { membersPage } from './members.ts';
import { messagesBefore, raw, shownBefore } from './message-pages.ts';
import { factsByClientId, roomFacts, toFacts } from './room-facts.ts';
import { listPage, questionsOfList, type RoomListInput } from './room-list.ts';

/** How many members `join_room` tells of. */
const USERS_SHOWN = 100;

/** Someone before a room. */
interface Who {
  readonly room_id: string;
  readonly user_id: string;
}

/** A room as someone enters it, in one snapshot. */
export interface RoomSnapshot {
  /** `seq` in it is the number up to which this snapshot tells everything. */
  readonly room: StoredRoom;
  readonly users: readonly StoredUser[];
  readonly messages: RawJson<Message[]>;
  readonly has_more: boolean;
}

/** What joining needs to know of a room. */
export interface RoomAccess {
  readonly type: RoomType;
  readonly password_hash: string | null;
  readonly member: boolean;
}

const SEQ = 'SELECT seq FROM rooms WHERE id = ?';

/** What is read of rooms and memberships. */
export const roomReads = {
  /** The room that this user made with this key before, if any. */
  byClientId: read(function* ({ user_id, client_id }: { user_id: string; client_id: string }) {
    const [rows] = yield* ask(factsByClientId(user_id, client_id));
    const { room, member } = toFacts(rows);
    return room && ({ ...toRoom(room), member } satisfies SeenRoom);
  }),

  /** What joining needs: the password hash of a room that the user may see. Refuses `ROOM_NOT_FOUND`. */
  access: read(function* (input: Who) {
    const [rows] = yield* ask(roomFacts(input));
    const facts = toFacts(rows);
    const { type, password_hash } = requireSeen(facts);
    return { type, password_hash, member: facts.member } satisfies RoomAccess;
  }),

  /** The room with its newest messages and first users, for a member. Refuses `ROOM_NOT_FOUND`, `NOT_A_MEMBER`. */
  snapshot: read(
    function* (input: Who) {
      const { room_id } = input;
      const limit = LIMITS.page_default;
      const [facts, members, ...messages] = yield* ask(
        roomFacts(input),
        membersPage({ room_id, after: 0, limit: USERS_SHOWN }),
        ...messagesBefore({ room_id, from: Number.MAX_SAFE_INTEGER, limit }),
      );
      const room = requireMember(toFacts(facts));
      const users = members.map(toUser);
      const bytes = LIMITS.answer_bytes - Buffer.byteLength(JSON.stringify(users)) - USERS_SHOWN * 20 - 2_048;
      return { room: toRoom(room), users, ...shownBefore(messages, { limit, bytes }) };
    },
    { revive: (snapshot): RoomSnapshot => raw(snapshot) },
  ),

  /**
   * The rooms that a user may see (`mine`: is a member of), newest activity first; a room with a password stands before
   * its members by its newest activity, before others by the day of it.
   */
  list: read(
    function* (input: RoomListInput) {
      return listPage(yield* ask(...questionsOfList(input)), input.limit);
    },
    { turn: ({ user_id }) => user_id },
  ),

  /** The newest number of each of these rooms; a room that is gone is absent. */
  heads: read(function* ({ room_ids }: { room_ids: readonly string[] }) {
    const tuples = room_ids.map((room_id) => [room_id]);
    const [found] = yield* ask(each<{ seq: number }>(SEQ, tuples));
    return room_ids.flatMap((room_id, i) => found[i]?.map(({ seq }) => ({ room_id, head: seq })) ?? []);
  }),

  /** Lets a member act in a room. Refuses `ROOM_NOT_FOUND`, `NOT_A_MEMBER`. */
  requireMember: read(function* (input: Who) {
    const [rows] = yield* ask(roomFacts(input));
    requireMember(toFacts(rows));
  }),
};
