/** Compares names here and not in SQL, so that every engine compares alike: the normalized form is stored as a key. */

/** Folds case and compatibility forms, such as full-width letters and ligatures (NFKC, Unicode Standard Annex 15). */
export function normalizeIdentifier(text: string): string {
  return text.normalize('NFKC').toLowerCase().normalize('NFKC');
}

/** How many characters of a display name the search compares. */
export const SEARCH_PREFIX_LENGTH = 64;

export function searchPrefix(name: string): string {
  // Engines differ in how they compare spaces at the end, so it has none.
  return [...normalizeIdentifier(name).trim()].slice(0, SEARCH_PREFIX_LENGTH).join('').trimEnd();
}
