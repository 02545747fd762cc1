import { ERRORS, type ErrorCode, type Locale, type Wording } from './errors.ts';

/**
 * What people are told of a refusal, in whole sentences. What is wrong with a field is worded as what follows its name:
 * "must be text". This file uses no library, so that the SDK can ship it.
 */

/** What people know by a name; other fields are for programs, and keep theirs. */
const FIELD_NAMES: Readonly<Record<string, Wording>> = {
  username: { en: 'The username', tr: 'Kullanıcı adı' },
  token: { en: 'The token', tr: 'Belirteç' },
  name: { en: 'The room name', tr: 'Oda adı' },
  password: { en: 'The password', tr: 'Parola' },
  content: { en: 'The message', tr: 'Mesaj' },
  query: { en: 'What is searched for', tr: 'Aranan metin' },
};

const PAYLOAD: Wording = { en: 'What was sent', tr: 'Gönderilen' };

const grouped = (count: number, locale: Locale) => (count < 1_000 ? `${count}` : count.toLocaleString(locale));
const plural = (count: number, unit: string) => `${grouped(count, 'en')} ${unit}${count === 1 ? '' : 's'}`;

/** What is wrong with a field, where no number belongs to it. */
export const WRONG = {
  missing: { en: 'is missing', tr: 'eksik' },
  invalid: { en: 'is not valid', tr: 'geçerli değil' },
  unknown: { en: 'is not a field of this command', tr: 'bu komutun alanlarından değil' },
  noText: { en: 'must be text', tr: 'metin olmalı' },
  noNumber: { en: 'must be a whole number', tr: 'tam sayı olmalı' },
  noBoolean: { en: 'must be true or false', tr: 'true ya da false olmalı' },
  noList: { en: 'must be a list', tr: 'liste olmalı' },
  noObject: { en: 'must be one object', tr: 'tek bir nesne olmalı' },
  noId: { en: 'must be an id: a UUID in lower case', tr: 'bir kimlik olmalı: küçük harfli UUID' },
  noCursor: { en: 'must be the `next` of an earlier page', tr: 'önceki bir sayfanın `next` değeri olmalı' },
  malformed: { en: 'must be well-formed Unicode without NUL', tr: 'NUL içermeyen düzgün Unicode olmalı' },
  blank: { en: 'must not be blank', tr: 'boş olamaz' },
  unseen: {
    en: 'must not hold control or invisible characters',
    tr: 'denetim karakteri ya da görünmeyen karakter içeremez',
  },
  strange: {
    en: 'must not hold characters that Unicode does not know',
    tr: 'Unicode’un bilmediği karakter içeremez',
  },
  loneMark: { en: 'must not begin with an accent', tr: 'bir aksanla başlayamaz' },
  piledMarks: { en: 'must not pile up accents on a letter', tr: 'bir harfe üst üste aksan yığamaz' },
  oneOfTwo: { en: 'or the token must be given, not both', tr: 'ya da belirteç verilmeli, ikisi birden değil' },
  both: { en: 'must not be given together with `before`', tr: '`before` ile birlikte verilemez' },
  publicRoom: { en: 'must not be given for a public room', tr: 'genel oda için verilemez' },
  oneself: { en: 'must not be you: to leave, use leave_room', tr: 'siz olamazsınız: çıkmak için leave_room kullanın' },
} as const satisfies Readonly<Record<string, Wording>>;

/** A text, or a list, that is too short. */
export function atLeast(count: number, of: 'character' | 'item' = 'character'): Wording {
  const unit = of === 'item' ? 'öğe' : 'karakter';
  return { en: `must have at least ${plural(count, of)}`, tr: `en az ${grouped(count, 'tr')} ${unit} içermeli` };
}

/** A text, or a list, that is too long. */
export function atMost(count: number, of: 'character' | 'item' = 'character'): Wording {
  const unit = of === 'item' ? 'öğe' : 'karakter';
  return { en: `must have at most ${plural(count, of)}`, tr: `en çok ${grouped(count, 'tr')} ${unit} içerebilir` };
}

/** A number that is too small. */
export const noLessThan = (least: number): Wording => ({
  en: `must be at least ${grouped(least, 'en')}`,
  tr: `en az ${grouped(least, 'tr')} olmalı`,
});

/** A number that is too large. */
export const noMoreThan = (most: number): Wording => ({
  en: `must be at most ${grouped(most, 'en')}`,
  tr: `en çok ${grouped(most, 'tr')} olabilir`,
});

/** JSON that nests too deep. */
export const noDeeperThan = (depth: number): Wording => ({
  en: `must not nest deeper than ${grouped(depth, 'en')}`,
  tr: `${grouped(depth, 'tr')} düzeyden derin olamaz`,
});

/** A value that is none of those there are. */
export const oneOf = (values: readonly unknown[]): Wording => ({
  en: `must be one of: ${values.join(', ')}`,
  tr: `şunlardan biri olmalı: ${values.join(', ')}`,
});

/** The sentence that says what is wrong with a field, or with the whole payload. */
export function aboutField(field: string | undefined, wrong: Wording, locale: Locale): string {
  const name = field === undefined ? PAYLOAD[locale] : nameOf(field, locale);
  return `${name} ${wrong[locale]}.`;
}

function nameOf(field: string, locale: Locale): string {
  return (Object.hasOwn(FIELD_NAMES, field) ? FIELD_NAMES[field]?.[locale] : undefined) ?? field;
}

const UNITS = [
  { ms: 86_400_000, en: 'day', tr: 'gün' },
  { ms: 3_600_000, en: 'hour', tr: 'saat' },
  { ms: 60_000, en: 'minute', tr: 'dakika' },
  { ms: 1_000, en: 'second', tr: 'saniye' },
] as const;

/** The sentence that says when to try again: never too early; up to one and a half of a unit in the smaller one. */
function tryAgain(ms: number, locale: Locale): string {
  const unit = UNITS.find((one) => ms > one.ms * 1.5) ?? UNITS[3];
  const count = Math.max(1, Math.ceil(ms / unit.ms));
  return locale === 'tr'
    ? `${grouped(count, 'tr')} ${unit.tr} sonra yeniden deneyin.`
    : `Try again in ${plural(count, unit.en)}.`;
}

const SHORTLY: Wording = { en: 'Try again shortly.', tr: 'Birazdan yeniden deneyin.' };

/** What people are told of a name that they may have instead. */
export const isFree = (name: string): Wording => ({ en: `“${name}” is free.`, tr: `“${name}” boşta.` });

/** What people are told of a code: what it means and, where waiting helps, how long. */
export function aboutCode(code: ErrorCode, retryAfterMs: number | undefined, locale: Locale): string {
  const { message } = ERRORS[code];
  if (retryAfterMs !== undefined) return `${message[locale]} ${tryAgain(retryAfterMs, locale)}`;
  return code === 'RATE_LIMITED' || code === 'OVERLOADED' ? `${message[locale]} ${SHORTLY[locale]}` : message[locale];
}
