/**
 * Reads a configuration file: a line `NAME=value` for each setting. It is read by hand because the readers at hand let a value go
 * on past its line: an empty setting would then swallow the next one.
 */

/** A name, with or without `export`, and the rest of the line. */
const ASSIGNMENT = /^(?:export\s+)?([A-Za-z_]\w*)\s*=(.*)$/;

/** A quoted value, with nothing or a comment behind it. */
const QUOTED = /^(["'`])(.*?)\1(?:\s+#.*|\s*)$/;

/**
 * Reads the text of a configuration file, and adds to the problems what is wrong with it. Each setting is one line; a `#` begins a
 * comment only at the start of a line or after a blank; a value in quotes is taken as it is.
 */
export function parseSettingsFile(text: string, path: string, problems: string[]): Record<string, string> {
  // Without a prototype, which a line __proto__=x would set.
  const values: Record<string, string> = Object.create(null);
  const lineOf = new Map<string, number>();
  for (const [index, each] of text.split(/\r\n|\r|\n/).entries()) {
    const content = each.trim();
    if (content === '' || content.startsWith('#')) continue;
    const [line, [, name, rest = ''] = []] = [index + 1, ASSIGNMENT.exec(content) ?? []];
    const refuse = (problem: string) => problems.push(`Line ${line} of ${path} ${problem}.`);
    const value = parseValue(rest);
    const earlier = name && lineOf.get(name);
    if (!name) {
      refuse('is not of the form NAME=value, nor a comment that begins with #');
    } else if (earlier) {
      refuse(`gives ${name} again, which line ${earlier} gives already`);
    } else if (value === undefined) {
      refuse(`gives ${name} a value that begins with a quote and does not end with it`);
    } else {
      lineOf.set(name, line);
      values[name] = value;
    }
  }
  return values;
}

/** @returns the value behind the equals sign, or undefined when its quotes are wrong. */
function parseValue(rest: string): string | undefined {
  const text = rest.trim();
  if (/^["'`]/.test(text)) return QUOTED.exec(text)?.[2];
  return rest.replace(/\s#.*/, '').trim();
}
