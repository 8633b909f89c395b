/** How names are compared: the same on every engine, because the comparison is made here and stored as a key. */

/**
 * @returns what names and e-mail addresses are compared by: compatibility forms (full-width letters, ligatures) and
 * case make no difference. See Unicode Standard Annex 15, NFKC.
 */
export function normalizeIdentifier(text: string): string {
  return text.normalize('NFKC').toLowerCase().normalize('NFKC');
}

/** How much of a display name can be looked for, in characters. */
export const SEARCH_PREFIX_LENGTH = 64;

/** @returns what a display name is looked for by. */
export function searchPrefix(name: string): string {
  // Without spaces at the ends, of which engines think differently when they compare.
  return [...normalizeIdentifier(name).trim()].slice(0, SEARCH_PREFIX_LENGTH).join('').trimEnd();
}
