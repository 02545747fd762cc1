import { INVISIBLE, isBlank } from '../../protocol/blank.ts';
import type { Wording } from '../../protocol/errors.ts';
import { WRONG } from '../../protocol/words.ts';
import { withoutJoinersInPlace } from './joiners.ts';

/** Controls, formats (those for direction among them), line separators, halves of characters, and what is not shown. */
const UNSEEN = new RegExp(`[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}${INVISIBLE}]`, 'u');

/** More marks on one letter than any script needs (UTS 39, 5.4); the stacks of Tibetan and Myanmar are higher. */
const STACKED = /(?:(?![\p{Script=Tibetan}\p{Script=Myanmar}])[\p{Mn}\p{Me}]){5}|[\p{Mn}\p{Me}]{9}|([\p{Mn}\p{Me}])\1/u;

/** What is wrong with the look of a name, of a user or a room; undefined when it can be seen and told from others. */
export function faultOfLook(name: string): Wording | undefined {
  if (isBlank(name)) return WRONG.blank;
  const shown = withoutJoinersInPlace(name.normalize('NFC'));
  if (UNSEEN.test(shown)) return WRONG.unseen;
  if (/^\s*\p{M}/u.test(shown)) return WRONG.loneMark;
  if (STACKED.test(shown)) return WRONG.piledMarks;
  return undefined;
}
