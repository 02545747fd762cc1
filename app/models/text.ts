/**
 * What two texts that count as the same share: compatibility forms and letter case are ignored (NFKC, Unicode case
 * mapping), and İ I ı i are one letter, so that neither a Turkish nor an English keyboard can imitate a name.
 */
export function foldCase(text: string): string {
  const folded = text.normalize('NFKC').toUpperCase().toLowerCase();
  return folded
    .replace(/i\u0307|ı/gu, 'i')
    .replace(/ς/gu, 'σ')
    .normalize('NFKC');
}
