import type { ErrorCode, Wording } from '../../protocol/errors.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { codePoints, type Room, type RoomType } from '../../protocol/models.ts';
import { atMost } from '../../protocol/words.ts';
import { faultOfLook } from './name.ts';
import { Refusal } from './refusal.ts';

/** A room as stores keep it: what {@link Room} tells, without what only presence knows. */
export type StoredRoom = Omit<Room, 'online_count'>;

/** What the rules about a room look at: the room, if there is one, and whether the caller is a member. */
export interface RoomFacts {
  readonly room:
    | { readonly type: RoomType; readonly password_hash: string | null; readonly owner_id: string | null }
    | undefined;
  readonly member: boolean;
}

/**
 * A room name as it is kept: trimmed.
 * @throws Refusal `INVALID_INPUT` when nothing is left, it is too long, or it does not show what it is
 */
export function normalizeRoomName(name: string): string {
  const trimmed = name.trim();
  const refuse = (detail: Wording) => new Refusal('INVALID_INPUT', { field: 'name', detail });
  if (codePoints(trimmed) > LIMITS.room_name_max) throw refuse(atMost(LIMITS.room_name_max));
  const fault = faultOfLook(trimmed);
  if (fault !== undefined) throw refuse(fault);
  return trimmed;
}

/** Whether lists show the room to this user, and errors may tell that it exists. */
export function maySee({ room, member }: RoomFacts): boolean {
  return room !== undefined && (member || room.type === 'public' || room.password_hash !== null);
}

/** Why someone who needs membership (to read, send, type, leave, list members) is refused, if so. */
export function refuseNonMember(facts: RoomFacts): ErrorCode | undefined {
  if (!maySee(facts)) return 'ROOM_NOT_FOUND';
  return facts.member ? undefined : 'NOT_A_MEMBER';
}

/**
 * Why someone may not join, if so. `verified_hash` is the password hash that the given password was found to match,
 * so that a password changed since then refuses; null when none was given or it did not match.
 */
export function refuseJoin(facts: RoomFacts, verified_hash: string | null): ErrorCode | undefined {
  if (facts.member) return undefined;
  const { room } = facts;
  if (room === undefined || !maySee(facts)) return 'ROOM_NOT_FOUND';
  if (room.type === 'public') return undefined;
  return room.password_hash === verified_hash ? undefined : 'WRONG_PASSWORD';
}

/** Why someone may not add or remove members, if so: only the owner may. */
export function refuseManage(facts: RoomFacts, user_id: string): ErrorCode | undefined {
  return refuseNonMember(facts) ?? (facts.room?.owner_id === user_id ? undefined : 'FORBIDDEN');
}

/** Who owns a room that `joined` has become a member of: a room has no owner only while it has no members. */
export function ownerAfterJoin(owner_id: string | null, joined: string): string {
  return owner_id ?? joined;
}

/** Who owns a room that `left` has left. `eldest` finds its longest-standing member, null when nobody is left. */
export function ownerAfterLeave(owner_id: string | null, left: string, eldest: () => string | null): string | null {
  return owner_id === left ? eldest() : owner_id;
}
