/**
 * Reads a configuration file: a line `NAME=value` for each setting. It is read by hand because the readers at hand let a value go
 * on past its line: an empty setting would then swallow the next one.
 */

/** The settings of a file, and what is wrong with it, by line. */
interface SettingsFile {
  values: Record<string, string>;
  problems: { line: number; problem: string }[];
}

/** A name, with or without `export`, and the rest of the line. */
const ASSIGNMENT = /^(?:export\s+)?([A-Za-z_]\w*)\s*=(.*)$/;

/** A quoted value, with nothing or a comment behind it. */
const QUOTED = /^(["'`])(.*?)\1(?:\s+#.*|\s*)$/;

/**
 * Reads the text of a configuration file. Each setting is one line; a `#` begins a comment only at the start of a line or after a
 * blank; a value in quotes is taken as it is.
 */
export function parseSettingsFile(text: string): SettingsFile {
  // Without a prototype, which a line __proto__=x would set.
  const values: SettingsFile['values'] = Object.create(null);
  const problems: SettingsFile['problems'] = [];
  const lineOf = new Map<string, number>();
  for (const [index, each] of text.split(/\r\n|\r|\n/).entries()) {
    const content = each.trim();
    if (content === '' || content.startsWith('#')) continue;
    const [line, [, name, rest = ''] = []] = [index + 1, ASSIGNMENT.exec(content) ?? []];
    const value = parseValue(rest);
    const earlier = name && lineOf.get(name);
    if (!name) {
      problems.push({ line, problem: 'is not of the form NAME=value, nor a comment that begins with #' });
    } else if (earlier) {
      problems.push({ line, problem: `gives ${name} again, which line ${earlier} gives already` });
    } else if (value === undefined) {
      problems.push({
        line,
        problem: `gives ${name} a value that begins with a quote and does not end with it`,
      });
    } else {
      lineOf.set(name, line);
      values[name] = value;
    }
  }
  return { values, problems };
}

/** @returns the value behind the equals sign, or undefined when its quotes are wrong. */
function parseValue(rest: string): string | undefined {
  const text = rest.trim();
  if (/^["'`]/.test(text)) return QUOTED.exec(text)?.[2];
  return rest.replace(/\s#.*/, '').trim();
}
