/**
 * Compares names here and not in SQL, so that every engine compares alike: normalized forms are stored as keys. Whoever changes
 * what these functions return also writes a migration whose data step makes the stored keys anew (see docs/migrations.md).
 */
import { domainToASCII } from 'node:url';

/** No text becomes longer than this factor, in characters: no character folds to more than three. */
export const KEY_GROWTH = 3;

/** How many characters of a text the search compares. */
export const SEARCH_PREFIX_LENGTH = 64;

// Letters, digits and !#$%&'*+/=?^_`{|}~- between single dots (RFC 5322, section 3.2.3), and beyond ASCII anything (RFC 6531).
const LOCAL_PART = /^[\w!#$%&'*+/=?^`{|}~\u0080-\u{10ffff}-]+(\.[\w!#$%&'*+/=?^`{|}~\u0080-\u{10ffff}-]+)*$/u;
// Labels of letters, digits and dashes (RFC 1123, section 2.1). The last one is no number, or it would be an IP address.
const DOMAIN = /^(?=.{1,253}$)(?!.*\.\d+$|\d+$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.|$))+(?<!\.)$/;

/**
 * Full case folding: what CaseFolding.txt of Unicode maps by its statuses C and F. It is made of Node's mappings, since
 * folding is to upper-case and back, but for ı, whose upper-case is that of i, and ς, which toLowerCase makes of σ at the
 * end of a word. Cherokee folds to lower-case here and to upper-case there, which makes no difference to what is equal.
 * @see https://www.unicode.org/Public/17.0.0/ucd/CaseFolding.txt
 */
export function foldCase(text: string): string {
  const parts = text.split('ı').map((part) => part.toLowerCase().toUpperCase().toLowerCase());
  return parts.join('ı').replaceAll('ς', 'σ');
}

/**
 * @returns the form by which usernames and e-mail addresses are the same. It folds case and compatibility forms, such as
 * full-width letters and ligatures (NFKC, Unicode Standard Annex 15). Domains are compared as DNS does, in ASCII.
 */
export function normalizeIdentifier(text: string): string {
  const compatible = text.normalize('NFKC');
  const at = compatible.lastIndexOf('@') + 1;
  const domain = at > 0 ? asciiDomain(compatible.slice(at)) : undefined;
  // An address without a valid domain may be there since earlier versions. It is compared as text.
  const folded = foldCase(domain === undefined ? compatible : compatible.slice(0, at)).normalize('NFKC');
  return folded + (domain ?? '');
}

/** @returns whether mail can be sent there, as far as can be told by its form. */
export function isEmailAddress(text: string): boolean {
  const compatible = text.normalize('NFKC');
  const at = compatible.lastIndexOf('@');
  return (
    LOCAL_PART.test(compatible.slice(0, Math.max(at, 0))) &&
    asciiDomain(compatible.slice(at + 1)) !== undefined
  );
}

/** @returns the domain as DNS has it (Unicode Technical Standard 46), or undefined when it is none. */
function asciiDomain(domain: string): string | undefined {
  // domainToASCII parses a URL, in which a host ends at a slash and %61 is an a.
  if (/[^a-z0-9.\-\u0080-\u{10ffff}]/iu.test(domain)) return undefined;
  const ascii = domainToASCII(domain).replace(/\.$/, '');
  return DOMAIN.test(ascii) ? ascii : undefined;
}

/** @returns the beginning of the text as the search compares it: without case, compatibility forms and combining marks. */
export function searchPrefix(text: string): string {
  const folded = foldCase(text.normalize('NFKC'));
  const bare = folded.normalize('NFKD').replaceAll(/\p{M}/gu, '').normalize('NFKC');
  // Engines differ in how they compare spaces at the end, so it has none.
  return [...bare.trim()].slice(0, SEARCH_PREFIX_LENGTH).join('').trimEnd();
}
