import { isBlank } from '../../protocol/blank.ts';
import { codePoints } from '../../protocol/code-points.ts';
import type { Wording } from '../../protocol/errors.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { Room, RoomType } from '../../protocol/room.ts';
import { atMost, WRONG } from '../../protocol/words.ts';
import { faultOfLook } from './name.ts';
import { Refusal } from './refusal.ts';

/** A room as stores keep it: what {@link Room} tells, without what only presence knows. */
export type StoredRoom = Omit<Room, 'online_count'>;

/** The same before the eyes of one user. */
export interface SeenRoom extends StoredRoom {
  /** Whether that user is a member of it. */
  readonly member: boolean;
}

const DAY_MS = 86_400_000;

/**
 * What the place of a room goes by in lists of users who are no members of it, in milliseconds since 1970; null when it
 * is not in them. Of a room with a password they learn the day of its newest activity, and not the moment.
 */
export function listedAt(room: {
  readonly type: RoomType;
  readonly password_hash: string | null;
  readonly active_at: number;
}): number | null {
  if (room.type === 'public') return room.active_at;
  return room.password_hash === null ? null : room.active_at - (room.active_at % DAY_MS);
}

/**
 * What a user is told of a room. What goes on in a private room is its members' affair: to others `seq` and
 * `online_count` are 0 and `owner_id` is null. `online`: how many of its members are, which may be newer than the rest.
 */
export function tellRoom({ member, ...room }: SeenRoom, online: number): Room {
  if (member || room.type === 'public') return { ...room, online_count: Math.min(online, room.user_count) };
  return { ...room, owner_id: null, seq: 0, online_count: 0 };
}

/** A room, as far as the rules look at it. */
export interface RuledRoom {
  readonly type: RoomType;
  readonly password_hash: string | null;
  readonly owner_id: string | null;
}

/** What the rules about a room look at: the room, if there is one, and whether the caller is a member. */
export interface RoomFacts<R extends RuledRoom = RuledRoom> {
  readonly room: R | undefined;
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

/**
 * What a search in room names looks for, trimmed as they are.
 * @throws Refusal `INVALID_INPUT` when nothing is left
 */
export function normalizeRoomQuery(query: string): string {
  const trimmed = query.trim();
  if (isBlank(trimmed)) throw new Refusal('INVALID_INPUT', { field: 'query', detail: WRONG.blank });
  return trimmed;
}

/** Whether lists show the room to this user, and errors may tell that it exists. */
export function maySee({ room, member }: RoomFacts): boolean {
  return room !== undefined && (member || room.type === 'public' || room.password_hash !== null);
}

/** The room, for whoever may know that it exists. @throws Refusal `ROOM_NOT_FOUND` */
export function requireSeen<R extends RuledRoom>(facts: RoomFacts<R>): R {
  if (facts.room === undefined || !maySee(facts)) throw new Refusal('ROOM_NOT_FOUND');
  return facts.room;
}

/** The room, for its members: to read, send, type, leave, list members. @throws Refusal `ROOM_NOT_FOUND`, `NOT_A_MEMBER` */
export function requireMember<R extends RuledRoom>(facts: RoomFacts<R>): R {
  const room = requireSeen(facts);
  if (!facts.member) throw new Refusal('NOT_A_MEMBER');
  return room;
}

/**
 * The room, for whoever may join it. `verified_hash` is the password hash that the given password was found to match,
 * so that a password changed since then refuses; null when none was given or it did not match.
 * @throws Refusal `ROOM_NOT_FOUND`, `WRONG_PASSWORD`
 */
export function requireJoinable<R extends RuledRoom>(facts: RoomFacts<R>, verified_hash: string | null): R {
  const room = requireSeen(facts);
  if (facts.member || room.type === 'public' || room.password_hash === verified_hash) return room;
  throw new Refusal('WRONG_PASSWORD');
}

/** The room, for its owner, who alone may add and remove members. @throws Refusal `ROOM_NOT_FOUND`, `NOT_A_MEMBER`, `FORBIDDEN` */
export function requireOwner<R extends RuledRoom>(facts: RoomFacts<R>, user_id: string): R {
  const room = requireMember(facts);
  if (room.owner_id !== user_id) throw new Refusal('FORBIDDEN');
  return room;
}

/** Lets a user who is a member of so many rooms become one of another. @throws Refusal `LIMIT_REACHED`, of this field */
export function requirePlace(rooms: number, max: number, field?: string): void {
  if (rooms >= max) throw new Refusal('LIMIT_REACHED', field === undefined ? {} : { field });
}

/** Who owns a room that `joined` has become a member of: a room has no owner only while it has no members. */
export function ownerAfterJoin(owner_id: string | null, joined: string): string {
  return owner_id ?? joined;
}

/** Who owns a room that `left` has left. `eldest` finds its longest-standing member, null when nobody is left. */
export function ownerAfterLeave(owner_id: string | null, left: string, eldest: () => string | null): string | null {
  return owner_id === left ? eldest() : owner_id;
}
