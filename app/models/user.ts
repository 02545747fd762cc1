import { LIMITS } from '../../protocol/limits.ts';
import { codePoints, type User } from '../../protocol/models.ts';
import { Refusal } from './refusal.ts';

/** A user as stores keep it: what {@link User} tells, without what only presence knows. */
export type StoredUser = Omit<User, 'is_active'>;

/** What stands in place of the name of a user whose data was erased. */
export const ERASED_USERNAME = 'deleted user';

/** Control, format (bidirectional and zero-width among them), private, unassigned and invisible filler characters. */
const FORBIDDEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}\u115f\u1160\u17b4\u17b5\u3164\uffa0]|\u034f/u;

/**
 * The name as it is kept and shown: NFKC, trimmed, inner white space as single spaces.
 * @throws Refusal `INVALID_INPUT` when it is too short, too long or holds a character that cannot be seen.
 */
export function normalizeUsername(name: string): string {
  const refuse = (detail: string) => new Refusal('INVALID_INPUT', { field: 'username', detail });
  if (FORBIDDEN.test(name)) throw refuse('must not hold control, bidirectional or zero-width characters');
  const username = name.normalize('NFKC').replace(/\s+/gu, ' ').trim();
  if (FORBIDDEN.test(username)) throw refuse('must not hold control, bidirectional or zero-width characters');
  const length = codePoints(username);
  if (length < LIMITS.username_min) throw refuse(`must be at least ${LIMITS.username_min} characters`);
  if (length > LIMITS.username_max) throw refuse(`must be at most ${LIMITS.username_max} characters`);
  return username;
}

/**
 * Names to try for someone whose own name was taken while away: "ada 2", "ada 3" …, cut so that each fits.
 * @param count how many to give
 */
export function alternativeNames(username: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const suffix = ` ${i + 2}`;
    const kept = [...username].slice(0, LIMITS.username_max - suffix.length).join('');
    return `${kept.trimEnd()}${suffix}`;
  });
}

/** Whether a user was erased: nobody else has that name. `name_key`: the name folded; null when it is not the user's. */
export function isErased({ username, name_key }: { username: string; name_key: string | null }): boolean {
  return name_key === null && username === ERASED_USERNAME;
}

/** Who holds a name, as far as the rule of names looks at it. */
export interface NameHolder {
  readonly id: string;
  /** Whether the holder is a member of a room with others in it. */
  readonly has_company: boolean;
}

/**
 * Whether a name may be taken over. `absent_holder` is the holder that the caller has found to be offline (null:
 * it found none); another holder has come since and keeps the name.
 */
export function mayTakeName(holder: NameHolder | undefined, absent_holder: string | null): boolean {
  if (holder === undefined) return true;
  return holder.id === absent_holder && !holder.has_company;
}
