import { codePoints } from '../../protocol/code-points.ts';
import type { Wording } from '../../protocol/errors.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { User } from '../../protocol/user.ts';
import { atMost, WRONG } from '../../protocol/words.ts';
import { faultOfLook } from './name.ts';
import { Refusal } from './refusal.ts';

/** A user as stores keep it: what {@link User} tells, without what only presence knows. */
export type StoredUser = Omit<User, 'is_active'>;

/** When a user was last online is kept to this precision, in milliseconds. */
export const SEEN_STEP_MS = 60 * 60 * 1_000;

/** What stands in place of the name of a user whose data was erased. */
export const ERASED_USERNAME = 'deleted user';

/** Characters that look like nothing that is known: whether two names of them look alike cannot be told. */
const UNKNOWN = /[\p{Co}\p{Cn}]/u;

/** The selector after an emoji such as ™, of which NFKC makes letters. */
const CHOSEN_FORM = /(?<=[\p{Emoji}&&\p{Changes_When_NFKC_Casefolded}])[\ufe0e\ufe0f]/gv;

/**
 * The name as it is kept and shown: NFKC, trimmed, inner white space as single spaces.
 * @throws Refusal `INVALID_INPUT` when it is empty, too long, or does not show what it is
 */
export function normalizeUsername(name: string): string {
  const refuse = (detail: Wording) => new Refusal('INVALID_INPUT', { field: 'username', detail });
  const nfkc = name.replace(CHOSEN_FORM, '').normalize('NFKC').trim();
  const username = nfkc.replace(/\s+/gu, ' ');
  if (codePoints(username) > LIMITS.username_max) throw refuse(atMost(LIMITS.username_max));
  const fault = faultOfLook(nfkc);
  if (fault !== undefined) throw refuse(fault);
  if (UNKNOWN.test(username)) throw refuse(WRONG.strange);
  return username;
}

/**
 * Names to try for someone whose own name was taken while away: "ada 2", "ada 3" …, cut so that each fits.
 * @param count how many to give
 */
export function alternativeNames(username: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const suffix = ` ${i + 2}`;
    return `${beginning(username, LIMITS.username_max - suffix.length)}${suffix}`;
  });
}

/** As much of a name as fits, without half an emoji or letter, and without a joiner that has nothing left to join. */
function beginning(name: string, max: number): string {
  let kept = '';
  for (const { segment } of new Intl.Segmenter('en').segment(name)) {
    if (codePoints(kept) + codePoints(segment) > max) break;
    kept += segment;
  }
  return kept.replace(/[\s\u200c]+$/u, '');
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
