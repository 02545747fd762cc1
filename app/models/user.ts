import { codePoints } from '../../protocol/code-points.ts';
import type { Wording } from '../../protocol/errors.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { User } from '../../protocol/user.ts';
import { atMost, WRONG } from '../../protocol/words.ts';
import { faultOfLook } from './name.ts';
import { Refusal } from './refusal.ts';
import { foldCase } from './text.ts';

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
  const { username, fault } = readUsername(name);
  if (fault !== undefined) throw new Refusal('INVALID_INPUT', { field: 'username', detail: fault });
  return username;
}

function readUsername(name: string): { username: string; fault: Wording | undefined } {
  const nfkc = name.replace(CHOSEN_FORM, '').normalize('NFKC').trim();
  const username = nfkc.replace(/\s+/gu, ' ');
  if (codePoints(username) > LIMITS.username_max) return { username, fault: atMost(LIMITS.username_max) };
  return { username, fault: faultOfLook(nfkc) ?? (UNKNOWN.test(username) ? WRONG.strange : undefined) };
}

/** Whether nobody may have a name of this key, which {@link foldCase} gives. */
export function isReserved(name_key: string): boolean {
  return name_key === foldCase(ERASED_USERNAME);
}

/** Numbers of suggested names have up to so many digits: nobody takes a good part of a million names. */
const DIGITS_MAX = 6;

/**
 * Valid names like one that is taken: "ada 7", and then with longer numbers, for where the short ones are taken. By chance,
 * so that many who ask at once get different ones. None of a name that nobody may have.
 * @param random a number from 0 to below 1
 */
export function namesLike(username: string, random: () => number = Math.random): string[] {
  const stem = username.replace(/(?<=.) \d+$/u, '');
  if (isReserved(foldCase(stem))) return [];
  const names: string[] = [];
  for (let digits = 1; digits <= DIGITS_MAX; digits++) {
    const least = Math.max(2, 10 ** (digits - 1));
    const suffix = ` ${least + Math.floor(random() * (10 ** digits - least))}`;
    const { username: name, fault } = readUsername(`${beginning(stem, LIMITS.username_max - suffix.length)}${suffix}`);
    if (fault === undefined) names.push(name);
  }
  return names;
}

const SEGMENTER = new Intl.Segmenter('en');

/** As much of a name as fits, without half an emoji or letter, and without a joiner that has nothing left to join. */
function beginning(name: string, max: number): string {
  let kept = '';
  let length = 0;
  for (const { segment } of SEGMENTER.segment(name)) {
    length += codePoints(segment);
    if (length > max) break;
    kept += segment;
  }
  return kept.replace(/[\s\u200c]+$/u, '');
}
