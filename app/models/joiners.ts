/**
 * Where characters that are shown as nothing are in their place, since a script or an emoji needs them. What JavaScript
 * has no property for is listed from the Unicode Character Database 14.
 */

/** Canonical_Combining_Class=Virama (DerivedCombiningClass.txt). */
const VIRAMA =
  '\\u094d\\u09cd\\u0a4d\\u0acd\\u0b4d\\u0bcd\\u0c4d\\u0ccd\\u0d3b\\u0d3c\\u0d4d\\u0dca\\u0e3a\\u0eba\\u0f84\\u1039\\u103a\\u1714\\u1715\\u1734\\u17d2\\u1a60\\u1b44\\u1baa\\u1bab\\u1bf2\\u1bf3\\u2d7f\\ua806\\ua82c\\ua8c4\\ua953\\ua9c0\\uaaf6\\uabed\\u{10a3f}\\u{11046}\\u{11070}\\u{1107f}\\u{110b9}\\u{11133}\\u{11134}\\u{111c0}\\u{11235}\\u{112ea}\\u{1134d}\\u{11442}\\u{114c2}\\u{115bf}\\u{1163f}\\u{116b6}\\u{1172b}\\u{11839}\\u{1193d}\\u{1193e}\\u{119e0}\\u{11a34}\\u{11a47}\\u{11a99}\\u{11c3f}\\u{11d44}\\u{11d45}\\u{11d97}';

/** Joining_Type=Dual_Joining or Left_Joining (DerivedJoiningType.txt), of the scripts in use today. */
const DUAL_JOINING =
  '\\u0620\\u0626\\u0628\\u062a-\\u062e\\u0633-\\u063f\\u0641-\\u0647\\u0649\\u064a\\u066e\\u066f\\u0678-\\u0687\\u069a-\\u06bf\\u06c1\\u06c2\\u06cc\\u06ce\\u06d0\\u06d1\\u06fa-\\u06fc\\u06ff\\u0712-\\u0714\\u071a-\\u071d\\u071f-\\u0727\\u0729\\u072b\\u072d\\u072e\\u074e-\\u0758\\u075c-\\u076a\\u076d-\\u0770\\u0772\\u0775-\\u0777\\u077a-\\u077f\\u07ca-\\u07ea\\u0841-\\u0845\\u0848\\u084a-\\u0853\\u0855\\u0860\\u0862-\\u0865\\u0868\\u0886\\u0889-\\u088d\\u08a0-\\u08a9\\u08af\\u08b0\\u08b3-\\u08b8\\u08ba-\\u08c8\\u1807\\u1820-\\u1878\\u1887-\\u18a8\\u18aa\\u{10d00}-\\u{10d21}\\u{10d23}\\u{1e900}-\\u{1e943}';

/** Joining_Type=Right_Joining, of the same scripts. */
const RIGHT_JOINING =
  '\\u0622-\\u0625\\u0627\\u0629\\u062f-\\u0632\\u0648\\u0671-\\u0673\\u0675-\\u0677\\u0688-\\u0699\\u06c0\\u06c3-\\u06cb\\u06cd\\u06cf\\u06d2\\u06d3\\u06d5\\u06ee\\u06ef\\u0710\\u0715-\\u0719\\u071e\\u0728\\u072a\\u072c\\u072f\\u074d\\u0759-\\u075b\\u076b\\u076c\\u0771\\u0773\\u0774\\u0778\\u0779\\u0840\\u0846\\u0847\\u0849\\u0854\\u0856-\\u0858\\u0867\\u0869\\u086a\\u0870-\\u0882\\u088e\\u08aa-\\u08ac\\u08ae\\u08b1\\u08b2\\u08b9\\u{10d22}';

const SELECTOR = /[\ufe00-\ufe0f]/u;
const IGNORED = /\p{Default_Ignorable_Code_Point}/gu;

/** Variation selectors: of emoji and keycaps, of Han characters, of Mongolian letters. */
const VARIATION_IN_PLACE =
  /(?<=[\p{Emoji}--[0-9#*]])[\ufe0e\ufe0f]|(?<=[0-9#*])\ufe0f(?=\u20e3)|(?<=\p{Unified_Ideograph})[\u{e0100}-\u{e01ef}]|(?<=\p{Script=Mongolian})[\u180b-\u180f]/gv;

/**
 * Joiners as RFC 5892, appendices A.1 and A.2, allows them: after a virama; and, not joining, between letters that would
 * join. Beside these the one before the virama of a Bengali or Kannada ra (The Unicode Standard, 12.2 and 12.8).
 */
const JOINER_IN_PLACE = new RegExp(
  `(?<=[${VIRAMA}])[\\u200c\\u200d]|(?<=[${DUAL_JOINING}][\\p{Mn}\\p{Me}]*)\\u200c(?=[\\p{Mn}\\p{Me}]*[${DUAL_JOINING}${RIGHT_JOINING}])|(?<=[\\u09b0\\u09f0\\u0cb0])\\u200d(?=[\\u09cd\\u0ccd])`,
  'gu',
);

/** An emoji that needs a variation selector to be shown as one; where a skin tone follows it does not. */
const TEXT_BY_DEFAULT = /[\p{Emoji}--\p{Emoji_Presentation}--[0-9#*]](?!\p{Emoji_Modifier})/gv;

// Stryker disable next-line Regex: the opposite of a property of strings does not parse
const EMOJI = /\p{RGI_Emoji}/gv;

/** A text without the joiners, selectors and tags that are in their place; those that are not are still there. */
export function withoutJoinersInPlace(text: string): string {
  const plain = text.replace(VARIATION_IN_PLACE, '');
  if (SELECTOR.test(plain)) return plain;
  const asEmoji = plain.replace(TEXT_BY_DEFAULT, '$&\ufe0f');
  return asEmoji.replace(EMOJI, (one) => one.replace(IGNORED, '')).replace(JOINER_IN_PLACE, '');
}
