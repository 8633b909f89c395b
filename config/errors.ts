/** What an error says of itself, whoever threw it: Node, a package or our own code. */

/** @returns why something failed, for a message. Some errors have a code and no message. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || String(codeOf(error) ?? error.name);
}

/** @returns the code, such as ENOENT, undefined for an error without one. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
