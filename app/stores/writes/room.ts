import type { RoomType } from '../../../protocol/room.ts';
import { WRONG } from '../../../protocol/words.ts';
import { Refusal } from '../../models/refusal.ts';
import { listedAt, requireJoinable, requireMember, requireOwner, type SeenRoom } from '../../models/room.ts';
import { foldCase } from '../../models/text.ts';
import type { Wanted } from '../known-rows.ts';
import { STAYS, toRoom } from '../rows.ts';
import type { Row } from '../tables.ts';
import { write } from '../write.ts';
import { inRoom, roomFacts } from './log.ts';
import { addMember, candidate, type Joining, type Membership, removeMember } from './membership.ts';

/** A room to make; `room_id` is used unless `client_id` repeats. */
export interface CreateInput extends Joining {
  readonly room_id: string;
  readonly message_id: string;
  readonly name: string;
  readonly type: RoomType;
  readonly password_hash: string | null;
  readonly client_id: string | null;
  readonly at: number;
}

const room = ({ room_id }: { readonly room_id: string }) => [room_id];
const user = ({ user_id }: { readonly user_id: string }) => [user_id];

/** Of a room whose id only the transaction tells. */
const MEMBERSHIP = `SELECT m.user_id FROM members m JOIN users u ON u.id = m.user_id
  WHERE m.room_id = ? AND m.user_id = ? AND ${STAYS}`;

/** Changes of rooms and of who is in them. */
export const roomWrites = {
  /** Makes a room with its creator as owner and first member. Refuses `UNAUTHENTICATED`, `LIMIT_REACHED`. */
  create: write({
    rooms: room,
    users: user,
    reads({ room_id, user_id, client_id }: CreateInput): Wanted[] {
      const own: Wanted[] = client_id === null ? [] : [['rooms', 'client_id', user_id, client_id]];
      return [['users', 'id', user_id], ['rooms', 'id', room_id], ...own];
    },
    run(tx, input): { room: SeenRoom; duplicate: boolean } {
      const { user_id, client_id } = input;
      const before = client_id === null ? undefined : tx.get('rooms', 'client_id', user_id, client_id);
      if (before !== undefined) {
        const member = tx.all(MEMBERSHIP, before.id, user_id).length > 0;
        return { room: { ...toRoom(before), member }, duplicate: true };
      }
      const creator = candidate(tx, input);
      const made = tx.insert('rooms', newRoom(input, tx.activity.note(input.at)));
      addMember(tx, { room: made, user: creator }, input);
      return { room: { ...toRoom(made), member: true }, duplicate: false };
    },
  }),

  /**
   * Makes a user a member; `verified_hash` is the password hash that the given password matched. A member stays one, and
   * who joins a room that nobody is in owns it.
   */
  join: write({
    rooms: room,
    users: user,
    reads: ({ room_id, user_id }: Membership & Joining & { readonly verified_hash: string | null }) =>
      inRoom(room_id, user_id),
    run(tx, input): void {
      const facts = roomFacts(tx, input.room_id, input.user_id);
      const joined = requireJoinable(facts, input.verified_hash);
      if (!facts.member) addMember(tx, { room: joined, user: candidate(tx, input) }, input);
    },
  }),

  /** Ends a membership; the room passes to its longest-standing member when its owner leaves. */
  leave: write({
    rooms: room,
    reads: ({ room_id, user_id }: Membership) => inRoom(room_id, user_id),
    run(tx, input): void {
      const left = requireMember(roomFacts(tx, input.room_id, input.user_id));
      removeMember(tx, left, input, { active_at: input.at });
    },
  }),

  /** Makes `user_id` a member by the word of the owner `by`; false when it was one before. */
  add: write({
    rooms: room,
    users: user,
    reads: ({ room_id, user_id, by }: Membership & Joining & { readonly by: string }) => [
      ...inRoom(room_id, by),
      ...inRoom(room_id, user_id),
    ],
    run(tx, input): boolean {
      const owned = requireOwner(roomFacts(tx, input.room_id, input.by), input.by);
      if (roomFacts(tx, input.room_id, input.user_id).member) return false;
      addMember(tx, { room: owned, user: candidate(tx, input, input.by), added_by: input.by }, input);
      return true;
    },
  }),

  /** Ends the membership of `user_id` by the word of the owner `by`. */
  remove: write({
    rooms: room,
    reads: ({ room_id, user_id, by }: Membership & { readonly by: string }) => [
      ...inRoom(room_id, by),
      ...inRoom(room_id, user_id),
    ],
    run(tx, input): void {
      const owned = requireOwner(roomFacts(tx, input.room_id, input.by), input.by);
      if (!roomFacts(tx, input.room_id, input.user_id).member) throw new Refusal('USER_NOT_FOUND');
      if (input.user_id === input.by) throw new Refusal('INVALID_INPUT', { field: 'user_id', detail: WRONG.oneself });
      removeMember(tx, owned, input, { removed_by: input.by, active_at: input.at });
    },
  }),
};

function newRoom(input: CreateInput, active_at: number): Row<'rooms'> {
  const { room_id, name, type, password_hash, user_id, client_id, at } = input;
  return {
    id: room_id,
    name,
    name_key: foldCase(name),
    type,
    password_hash,
    created_by: user_id,
    owner_id: user_id,
    created_at: at,
    active_at,
    seq: 0,
    user_count: 0,
    client_id,
    listed_at: listedAt({ type, password_hash, active_at }),
  };
}
