/** Reads origins (RFC 6454) as the settings give them, into the form in which browsers send them. */

/** @returns the origin in the form of the header Origin: lower case, without the default port. Undefined for other text, such as a URL with a path. */
export function parseOrigin(text: string): string | undefined {
  return /^https?:\/\/[^\s/?#@\\*]+$/i.test(text) ? URL.parse(text)?.origin : undefined;
}
