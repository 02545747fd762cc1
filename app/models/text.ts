import { INVISIBLE } from '../../protocol/blank.ts';

const NOT_SHOWN = new RegExp(`[${INVISIBLE}]+`, 'gu');

/**
 * What two texts that count as the same share: compatibility forms, letter case and what is not shown are ignored (NFKC,
 * Unicode case mapping), and İ I ı i are one letter, so that neither a Turkish nor an English keyboard can imitate a name.
 */
export function foldCase(text: string): string {
  const shown = text.normalize('NFKC').replace(NOT_SHOWN, '').normalize('NFKC');
  const folded = shown.toUpperCase().toLowerCase();
  return folded
    .replace(/i\u0307|ı/gu, 'i')
    .replace(/ς/gu, 'σ')
    .normalize('NFKC');
}
