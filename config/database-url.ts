/**
 * Reads and checks DATABASE_URL. mysql2 ignores unknown parameters, so a misspelt one that asks for TLS would leave the
 * connection in plain text.
 */

const PARAMETERS: Record<string, { allowed: string; accepts: (value: string) => boolean }> = {
  ssl: {
    allowed: 'true, false, or a JSON object such as {"ca":"…"}, with special characters as %XX',
    accepts: (value) => value === 'true' || value === 'false' || isJsonObject(value),
  },
  socketPath: { allowed: "the path of the server's socket", accepts: (value) => value.startsWith('/') },
};

/** @returns the file of a SQLite database, or undefined for a server's. */
export function sqliteFile(url: string): string | undefined {
  return url.startsWith('sqlite:') ? url.slice('sqlite:'.length) : undefined;
}

/**
 * @returns what is wrong with the URL, without any secret of it: undefined when it is valid, and empty when there is
 * nothing to add to the allowed form.
 */
export function findUrlProblem(url: string): string | undefined {
  if (sqliteFile(url) !== undefined) {
    return url.includes('?') ? 'a path of SQLite has no parameters, and no question mark' : undefined;
  }
  const parsed = parseUrl(url);
  if (!parsed) return '';
  const seen = new Set<string>();
  for (const [name, value] of parsed.searchParams) {
    const parameter = PARAMETERS[name];
    // An unescaped ? in a password makes the rest of it look like a parameter, which must not be shown.
    if (!parameter && !/^[\w-]{1,30}$/.test(name)) return '';
    const known = Object.keys(PARAMETERS).join(', ');
    if (!parameter) return `it has a parameter ${name}, but there are only these: ${known}`;
    if (!parameter.accepts(value)) return `its parameter ${name} must be ${parameter.allowed}`;
    if (seen.has(name)) return `its parameter ${name} is given twice`;
    seen.add(name);
  }
  return undefined;
}

/**
 * @returns the URL for mysql2, in which `ssl=true` means TLS with a trusted certificate for that host. By default
 * mysql2 does not check the host.
 */
export function driverUrl(url: string): string {
  const parsed = new URL(url);
  if (parsed.searchParams.get('ssl') === 'true') parsed.searchParams.set('ssl', '{"verifyIdentity":true}');
  return parsed.href;
}

/** @returns undefined for an invalid URL, or one whose password has special characters that are not written as %XX. */
function parseUrl(url: string): URL | undefined {
  try {
    const parsed = new URL(url);
    for (const part of [parsed.username, parsed.password, parsed.pathname]) decodeURIComponent(part);
    return parsed.pathname.length > 1 && parsed.hash === '' && !parsed.search.includes('@')
      ? parsed
      : undefined;
  } catch {
    return undefined;
  }
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
