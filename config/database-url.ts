/**
 * Reads and checks DATABASE_URL. mysql2 ignores unknown parameters, so a misspelt one that asks for TLS would leave the
 * connection in plain text. It may name several servers, which `URL` can't read: `mysql://user@a,b:3307,[::1]/database`.
 */

/** One of the servers that DATABASE_URL names. */
export interface DatabaseServer {
  /** For messages: its address, without user and password. */
  name: string;
  /** For mysql2: the URL with this server alone. `ssl=true` means there TLS with a trusted certificate for its host. */
  url: string;
  /** Where it listens. */
  address: { path: string } | { host: string; port: number };
}

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

/** @returns the URL without the user, the password and the parameters of MySQL's, to be shown. */
export function describeDatabase(url: string): string {
  return url.replace(/^(mysql:\/\/)(?:.*@)?([^?]*).*/, '$1$2');
}

/**
 * @returns what is wrong with the URL, without any secret of it: undefined when it is valid, and empty when there is
 * nothing to add to the allowed form.
 */
export function findUrlProblem(url: string): string | undefined {
  if (sqliteFile(url) !== undefined) {
    return url.includes('?') ? 'a path of SQLite has no parameters, and no question mark' : undefined;
  }
  const parsed = splitServers(url).map(parseUrl);
  const [first] = parsed;
  if (!first || parsed.includes(undefined)) return '';
  const several = parsed.length > 1;
  if (several && parsed.some((server) => server?.hostname === '')) return '';
  if (several && first.searchParams.has('socketPath'))
    return 'its parameter socketPath names one server, but there are several';
  return findParameterProblem(first);
}

/** @returns the servers of a valid URL, in its order: at least one. */
export function databaseServers(url: string): [DatabaseServer, ...DatabaseServer[]] {
  const [first, ...others] = splitServers(url);
  return [serverOf(first), ...others.map(serverOf)];
}

function serverOf(url: string): DatabaseServer {
  const parsed = new URL(url);
  // By default mysql2 does not check the host of a certificate.
  if (parsed.searchParams.get('ssl') === 'true') parsed.searchParams.set('ssl', '{"verifyIdentity":true}');
  const path = parsed.searchParams.get('socketPath');
  if (path !== null) return { name: path, url: parsed.href, address: { path } };
  const host = decodeURIComponent(parsed.hostname.replace(/^\[(.*)\]$/, '$1')) || 'localhost';
  const port = Number(parsed.port) || 3306;
  const name = `${parsed.hostname || host}:${port}`;
  return { name, url: parsed.href, address: { host, port } };
}

/** @returns a URL for each server. The user and the password, which may have commas, come before the last @. */
function splitServers(url: string): [string, ...string[]] {
  const [, user = '', servers = '', rest = ''] = /^(mysql:\/\/(?:[^/?#]*@)?)([^/?#]*)(.*)$/s.exec(url) ?? [];
  if (!servers.includes(',')) return [url];
  const [first = '', ...others] = servers.split(',').map((server) => `${user}${server}${rest}`);
  return [first, ...others];
}

function findParameterProblem({ searchParams }: URL): string | undefined {
  const seen = new Set<string>();
  for (const [name, value] of searchParams) {
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

/** @returns undefined for an invalid URL, or one whose password has special characters that are not written as %XX. */
function parseUrl(url: string): URL | undefined {
  try {
    const parsed = new URL(url);
    for (const part of [parsed.username, parsed.password, parsed.hostname, parsed.pathname])
      decodeURIComponent(part);
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
