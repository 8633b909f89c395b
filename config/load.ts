/**
 * Reads the settings: command line over environment over configuration file over defaults. Everything that is wrong
 * is found at once and told in one line each, before anything is created, so that a mistake never half-starts the
 * service.
 */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { Ajv, type ErrorObject } from 'ajv';
import { envSchema } from 'env-schema';
import { faultOf } from './database-url.ts';
import { explain, type GivenSettings, SettingsSchema, settingNames } from './schema.ts';

/** The settings as the service uses them: complete, checked, with absolute paths. */
export interface Settings extends Omit<GivenSettings, 'WORKERS' | 'SECRET_KEY' | 'TRUST_PROXY'> {
  WORKERS: number;
  /** The keys that cookies may be signed with, newest first; empty until one is made (see secret.ts). */
  SECRET_KEY: string[];
  TRUST_PROXY: boolean | string[];
  AUTO_MIGRATE: boolean;
  /** Where a key lies that the service made itself. */
  secretPath: string;
  /** The configuration file that was read, if any. */
  configFile?: string;
}

/** Thrown when settings are wrong; the message has one line for each of them. */
export class SettingsError extends Error {
  constructor(lines: string[]) {
    super(lines.join('\n'));
    this.name = 'SettingsError';
  }
}

interface Given {
  value: string;
  /** Where it was given, put so that it completes "given …". */
  origin: string;
}
type Source = Record<string, Given>;

interface LoadOptions {
  /** The project's folder, from which relative paths count. */
  root: string;
  environment: NodeJS.ProcessEnv;
  /** What the command line says, by the setting's name. */
  flags?: Record<string, string | undefined>;
}

/**
 * @returns the checked settings.
 * @throws {SettingsError} when a setting is wrong, unknown, missing, or its file can't be read.
 */
export function loadSettings({ root, environment, flags = {} }: LoadOptions): Settings {
  const configFile = environment.APP_CONFIG_FILE ? resolve(root, environment.APP_CONFIG_FILE) : undefined;
  const problems: string[] = [];
  const given: Source = {
    ...(configFile ? readConfigFile(configFile, root, problems) : {}),
    ...pick(environment, 'in the environment', root, problems),
    ...pick(flags, 'on the command line', root, problems),
  };
  const values = validate(given, problems);
  const settings: Settings = {
    ...values,
    DATABASE_URL: absoluteDatabaseUrl(values.DATABASE_URL, root),
    WORKERS: values.WORKERS === 'auto' ? usualWorkers(values) : Number(values.WORKERS),
    SECRET_KEY: values.SECRET_KEY?.split(',').map((key) => key.trim()) ?? [],
    TRUST_PROXY: parseTrustProxy(values.TRUST_PROXY),
    SESSION_IDLE: given.SESSION_IDLE
      ? values.SESSION_IDLE
      : Math.min(values.SESSION_IDLE, values.SESSION_LIFETIME),
    AUTO_MIGRATE: values.AUTO_MIGRATE ?? isSqlite(values),
    secretPath: resolve(root, 'data/secret.key'),
    ...(configFile ? { configFile } : {}),
  };
  if (isSqlite(settings)) {
    settings.secretPath = resolve(dirname(settings.DATABASE_URL.slice('sqlite:'.length)), 'secret.key');
  }
  checkTogether(settings, given, problems);
  if (problems.length > 0) throw new SettingsError(problems);
  return settings;
}

function readConfigFile(path: string, root: string, problems: string[]): Source {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    throw new SettingsError([
      `APP_CONFIG_FILE names ${path}, which can't be read: ${reason(error)}. Correct the path (relative ones count from ${root}) or unset it.`,
    ]);
  }
  for (const [index, line] of content.split(/\r?\n/).entries()) {
    if (!/^\s*(#.*)?$|^\s*(export\s+)?\w+\s*=/.test(line)) {
      problems.push(
        `Line ${index + 1} of ${path} is not of the form NAME=value, nor a comment that begins with #.`,
      );
    }
  }
  const values = parseEnv(content);
  for (const name of Object.keys(values)) {
    if (explain(name) || secretNamedBy(name)) continue;
    problems.push(`${name} (given in ${path}) is not a setting. There are: ${settingNames.join(', ')}.`);
  }
  return pick(values, `in ${path}`, root, problems);
}

/** The secret setting that NAME_FILE gives, or undefined. */
function secretNamedBy(name: string): string | undefined {
  const setting = name.endsWith('_FILE') ? name.slice(0, -'_FILE'.length) : '';
  return explain(setting)?.secret ? setting : undefined;
}

/** The settings among the values; an empty one counts as not given, and a secret's file is read. */
function pick(
  values: Record<string, string | undefined>,
  origin: string,
  root: string,
  problems: string[],
): Source {
  const found: Source = {};
  for (const [name, value] of Object.entries(values)) {
    if (!value) continue;
    if (explain(name)) found[name] = { value, origin };
    const setting = secretNamedBy(name);
    if (!setting) continue;
    if (values[setting]) {
      problems.push(`${setting} and ${name} are both given ${origin}. Give one of them.`);
      continue;
    }
    const path = resolve(root, value);
    try {
      found[setting] = {
        value: readFileSync(path, 'utf8').trim(),
        origin: `in ${path}, named by ${name} ${origin}`,
      };
    } catch (error) {
      problems.push(`${name} (given ${origin}) names ${path}, which can't be read: ${reason(error)}.`);
    }
  }
  return found;
}

// env-schema writes into the schema that it is given; Ajv remembers what it has compiled of it.
const schema = structuredClone(SettingsSchema);
const ajv = new Ajv({
  allErrors: true,
  coerceTypes: true,
  useDefaults: true,
  strict: false,
  // It is always the same, and right: to check that at each start would take 10 ms.
  validateSchema: false,
});

/** Converts and completes the settings; those that are wrong are told of and left out. */
function validate(given: Source, problems: string[]): GivenSettings {
  const data = Object.fromEntries(Object.entries(given).map(([name, { value }]) => [name, value]));
  try {
    return envSchema<GivenSettings>({ schema, data, env: false, ajv });
  } catch (error) {
    if (!(error instanceof Error && 'errors' in error && Array.isArray(error.errors))) throw error;
    const names = new Set<string>(error.errors.map((each: ErrorObject) => each.instancePath.slice(1)));
    for (const name of names) problems.push(wrong(name, given));
    const rest = Object.entries(given).filter(([name]) => !names.has(name));
    return validate(Object.fromEntries(rest), problems);
  }
}

function checkTogether(settings: Settings, given: Source, problems: string[]): void {
  for (const key of settings.SECRET_KEY) {
    if (key.length < 32 || new Set(key).size < 10 || /change|example|secret|password/i.test(key)) {
      problems.push(wrong('SECRET_KEY', given, ' (one key is too short or easy to guess)'));
      break;
    }
  }
  if (settings.SESSION_IDLE > settings.SESSION_LIFETIME) {
    problems.push(
      `SESSION_IDLE is ${settings.SESSION_IDLE} (given ${originOf('SESSION_IDLE', given)}), but must not be longer than SESSION_LIFETIME, which is ${settings.SESSION_LIFETIME} (given ${originOf('SESSION_LIFETIME', given)}).`,
    );
  }
  const fault = faultOf(settings.DATABASE_URL);
  if (fault !== undefined) problems.push(wrong('DATABASE_URL', given, fault && ` (${fault})`));
  if (!isSqlite(settings) && settings.WORKERS > settings.POOL_SIZE) {
    problems.push(
      `WORKERS is ${settings.WORKERS} (given ${originOf('WORKERS', given)}), but the workers share POOL_SIZE connections, which is ${settings.POOL_SIZE} (given ${originOf('POOL_SIZE', given)}), and each needs one. Give fewer workers or more connections.`,
    );
  }
  if (Array.isArray(settings.TRUST_PROXY) && !settings.TRUST_PROXY.every(isNetwork)) {
    problems.push(wrong('TRUST_PROXY', given));
  }
  if (settings.NODE_ENV !== 'production') return;
  if (settings.SECRET_KEY.length === 0 && !problems.some((line) => line.startsWith('SECRET_KEY'))) {
    problems.push(
      'SECRET_KEY is missing, and production needs one that is the same for every process and host. Make it with "npm run manage -- secret" and give it as SECRET_KEY, or its file as SECRET_KEY_FILE.',
    );
  }
  if (settings.AUTH_HACK_USER) problems.push(wrong('AUTH_HACK_USER', given));
}

function wrong(name: string, given: Source, why = ''): string {
  const schema = explain(name);
  const value = schema?.secret ? 'given, but not as it must be' : JSON.stringify(given[name]?.value);
  return `${name} is ${value}${why} (given ${originOf(name, given)}). It must be ${schema?.allowed}.`;
}

function originOf(name: string, given: Source): string {
  return given[name]?.origin ?? 'by default';
}

function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'this user may not read it';
  if (code === 'EISDIR') return 'it is a folder';
  return error instanceof Error ? error.message : String(error);
}

function isSqlite({ DATABASE_URL }: Pick<GivenSettings, 'DATABASE_URL'>): boolean {
  return DATABASE_URL.startsWith('sqlite:');
}

/** One for each processor, but no more than there are connections for. */
function usualWorkers(values: GivenSettings): number {
  return isSqlite(values) ? availableParallelism() : Math.min(availableParallelism(), values.POOL_SIZE);
}

function absoluteDatabaseUrl(url: string, root: string): string {
  if (!url.startsWith('sqlite:')) return url;
  return `sqlite:${resolve(root, url.slice('sqlite:'.length))}`;
}

function parseTrustProxy(value: string): Settings['TRUST_PROXY'] {
  if (value === 'true' || value === 'false') return value === 'true';
  return value.split(',').map((each) => each.trim());
}

/** An address, a network in CIDR notation, or one of the names that Fastify's proxy-addr knows. */
function isNetwork(value: string): boolean {
  if (['loopback', 'linklocal', 'uniquelocal'].includes(value)) return true;
  const [address = '', prefix] = value.split('/');
  const version = isIP(address);
  if (version === 0) return false;
  return (
    prefix === undefined ||
    (/^\d{1,3}$/.test(prefix) && Number(prefix) >= 1 && Number(prefix) <= (version === 4 ? 32 : 128))
  );
}
