/**
 * What may stand in DATABASE_URL. mysql2 takes any parameter and passes over those that it does not know: a misspelt
 * one that asks for TLS would leave the connection in plain text.
 */

/** The parameters that may be given, and which values. */
const PARAMETERS: Record<string, { allowed: string; accepts: (value: string) => boolean }> = {
  ssl: {
    allowed: 'true, false, or a JSON object such as {"ca":"…"}, with special characters as %XX',
    accepts: (value) => value === 'true' || value === 'false' || isObject(value),
  },
  socketPath: { allowed: "the path of the server's socket", accepts: (value) => value.startsWith('/') },
};

/**
 * @returns why the URL can't be used, put so that it stands in brackets: empty when there is no more to say than how it
 * must be, undefined when nothing is wrong. It shows nothing of what may be a secret.
 */
export function faultOf(url: string): string | undefined {
  if (url.startsWith('sqlite:')) return undefined;
  const parsed = parse(url);
  if (!parsed) return '';
  const seen = new Set<string>();
  for (const [name, value] of parsed.searchParams) {
    const parameter = PARAMETERS[name];
    // What follows a ? in a password looks like a parameter, too.
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
 * @returns the URL for mysql2, in which `ssl=true` stands for TLS with an ordinary certificate: one that is trusted, and
 * is for that host, which mysql2 does not ask of its own accord.
 */
export function driverUrl(url: string): string {
  const parsed = new URL(url);
  if (parsed.searchParams.get('ssl') === 'true') parsed.searchParams.set('ssl', '{"verifyIdentity":true}');
  return parsed.href;
}

/** Special characters in its password must be written as %XX, or it can't be taken apart. */
function parse(url: string): URL | undefined {
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

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
