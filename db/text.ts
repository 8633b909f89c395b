/** How names are compared: the same on every engine, because the comparison is made here and stored as a key. */

/**
 * @returns what names and e-mail addresses are compared by: compatibility forms (full-width letters, ligatures) and
 * case make no difference. See Unicode Standard Annex 15, NFKC.
 */
export function comparable(text: string): string {
  return text.normalize('NFKC').toLowerCase().normalize('NFKC');
}
