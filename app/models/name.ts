import { INVISIBLE, isBlank } from '../../protocol/blank.ts';
import { withoutJoinersInPlace } from './joiners.ts';

/** Controls, formats (those for direction among them), line separators, halves of characters, and what is not shown. */
const UNSEEN = new RegExp(`[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}${INVISIBLE}]`, 'u');

/** More marks on one letter than any script needs (UTS 39, 5.4); the stacks of Tibetan and Myanmar are higher. */
const STACKED = /(?:(?![\p{Script=Tibetan}\p{Script=Myanmar}])[\p{Mn}\p{Me}]){5}|[\p{Mn}\p{Me}]{9}|([\p{Mn}\p{Me}])\1/u;

/** What is wrong with the look of a name, of a user or a room; undefined when it can be seen and told from others. */
export function faultOfLook(name: string): string | undefined {
  if (isBlank(name)) return 'must not be blank';
  const shown = withoutJoinersInPlace(name.normalize('NFC'));
  if (UNSEEN.test(shown)) return 'must not hold control or invisible characters';
  if (/^\s*\p{M}/u.test(shown)) return 'must not begin with a mark that belongs on a letter';
  if (STACKED.test(shown)) return 'must not pile marks up on a letter';
  return undefined;
}
