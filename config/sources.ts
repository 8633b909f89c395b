/** Collects the settings as texts, with where each was given: the configuration file, the environment or the command line. Messages say it. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { codeOf, reasonOf } from './errors.ts';
import { findSetting, settingNames } from './schema.ts';
import { parseSettingsFile } from './settings-file.ts';

/** The message has one line for each invalid setting. */
export class SettingsError extends Error {
  constructor(lines: string[]) {
    super(lines.join('\n'));
    this.name = 'SettingsError';
  }
}

interface SourcedValue {
  value: string;
  /** The words after "given", such as "in the environment". */
  origin: string;
}

/** The settings that are given, by name. */
export type SourcedValues = Record<string, SourcedValue>;

/** @returns the words that say where the setting was given. */
export function originOf(name: string, sourced: SourcedValues): string {
  return sourced[name]?.origin ?? 'by default';
}

/** @returns the message that a setting is invalid, which does not show secrets. */
export function describeInvalid(name: string, sourced: SourcedValues, why = ''): string {
  const setting = findSetting(name);
  const value = setting?.secret ? 'invalid' : JSON.stringify(sourced[name]?.value);
  return `${name} is ${value}${why} (given ${originOf(name, sourced)}). It must be ${setting?.allowed}.`;
}

/** @returns what the configuration file gives. @throws {SettingsError} when it can't be read. */
export function readConfigFile(path: string, root: string, problems: string[]): SourcedValues {
  let text: string;
  try {
    text = readText(path);
  } catch (error) {
    throw new SettingsError([
      `APP_CONFIG_FILE names ${path}, which can't be read: ${describeReadError(error)}. Correct the path (relative ones start from ${root}) or unset it.`,
    ]);
  }
  const values = parseSettingsFile(text, path, problems);
  for (const name of Object.keys(values)) {
    if (findSetting(name) || secretSettingOf(name)) continue;
    problems.push(`${name} (given in ${path}) is not a setting. Valid settings: ${settingNames.join(', ')}.`);
  }
  return pickSettings(values, `in ${path}`, root, problems);
}

/** @returns NAME for NAME_FILE, if NAME is a secret setting. */
function secretSettingOf(name: string): string | undefined {
  const setting = name.endsWith('_FILE') ? name.slice(0, -'_FILE'.length) : '';
  return findSetting(setting)?.secret ? setting : undefined;
}

/** @returns the settings among the values, without blank ones, and with the contents of secrets' files. */
export function pickSettings(
  values: Record<string, string | undefined>,
  origin: string,
  root: string,
  problems: string[],
): SourcedValues {
  const found: SourcedValues = {};
  for (const [name, given = ''] of Object.entries(values)) {
    const value = given.trim();
    if (value === '') continue;
    const setting = secretSettingOf(name);
    if (!setting && !findSetting(name)) continue;
    // Node puts this character in the place of bytes of the environment that are not UTF-8.
    if (value.includes('\uFFFD')) problems.push(`${name} (given ${origin}) is not text in UTF-8.`);
    if (!setting) {
      found[name] = { value, origin };
      continue;
    }
    if (values[setting]?.trim()) {
      problems.push(`${setting} and ${name} are both given ${origin}. Give one of them.`);
      continue;
    }
    const path = resolve(root, value);
    const secret = readNamedFile(name, { value: path, origin }, problems, readText);
    if (secret !== undefined)
      found[setting] = { value: secret.trim(), origin: `in ${path}, named by ${name} ${origin}` };
  }
  return found;
}

/** @returns what `read` makes of the file that the setting names; undefined when it throws, which is added to the problems. */
export function readNamedFile<Content>(
  name: string,
  { value: path, origin }: SourcedValue,
  problems: string[],
  read: (path: string) => Content,
): Content | undefined {
  try {
    return read(path);
  } catch (error) {
    problems.push(
      `${name} (given ${origin}) names ${path}, which can't be read: ${describeReadError(error)}.`,
    );
    return undefined;
  }
}

/**
 * @returns the text without the byte order mark that some editors put at the start.
 * @throws when the file can't be read, or is not UTF-8: other bytes would become other characters unseen.
 */
export function readText(path: string): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
}

function describeReadError(error: unknown): string {
  const code = codeOf(error);
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'this user may not read it';
  if (code === 'EISDIR') return 'it is a folder';
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return 'it is not text in UTF-8';
  return reasonOf(error);
}
