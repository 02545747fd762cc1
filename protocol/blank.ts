/** What cannot be seen in a text. This file uses no library. */

/** Glyphs that are empty though Unicode does not ignore them: Braille, Khitan, Duployan, musical, hieroglyphic, object. */
const EMPTY_GLYPHS = '\\u2800\\ufffc\\u{16fe4}\\u{1bc9d}\\u{1d159}\\u{13441}\\u{13442}';

/** Characters that are shown as nothing, white space left out; for a character class with the flag `u` or `v`. */
export const INVISIBLE = `\\p{Default_Ignorable_Code_Point}\\ufff9-\\ufffb${EMPTY_GLYPHS}`;

const VISIBLE = new RegExp(`[^\\s\\p{Cc}${INVISIBLE}]`, 'u');

/** Whether a text shows nothing to whoever reads it. */
export function isBlank(text: string): boolean {
  return !VISIBLE.test(text);
}
