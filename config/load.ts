/**
 * Loads the settings. The command line takes precedence over the environment, which takes precedence over the
 * configuration file and the defaults. Invalid settings are reported one per line, and the service does not start.
 */
import { readlinkSync, realpathSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { Ajv, type ErrorObject } from 'ajv';
import { envSchema } from 'env-schema';
import ipaddr from 'ipaddr.js';
import { findUrlProblem, sqliteFile } from './database-url.ts';
import { parseOrigin } from './origins.ts';
import { checkBreachedFile, readBlocklist } from './password-files.ts';
import { type RawSettings, SettingsSchema } from './schema.ts';
import {
  describeInvalid,
  originOf,
  pickSettings,
  readConfigFile,
  readNamedFile,
  SettingsError,
  type SourcedValues,
} from './sources.ts';
import { findUnsafe } from './unsafe.ts';

/** The settings as the service uses them: complete, valid, with absolute paths. */
export interface Settings
  extends Omit<RawSettings, 'WORKERS' | 'SECRET_KEY' | 'TRUST_PROXY' | 'ORIGINS' | 'PASSWORD_BLOCKLIST'> {
  WORKERS: number;
  /** The keys that sign cookies, newest first; empty until one is made (see secret.ts). */
  SECRET_KEY: string[];
  TRUST_PROXY: boolean | string[];
  /** In the form of URL.origin, as PUBLIC_URL is. */
  ORIGINS: string[];
  DOCS: boolean;
  AUTO_MIGRATE: boolean;
  /** The passwords in the file. */
  PASSWORD_BLOCKLIST: string[];
  /** The file of the key that the service makes itself. */
  secretPath: string;
  configFile?: string;
}

interface LoadOptions {
  /** The folder that relative paths start from. */
  root: string;
  environment: NodeJS.ProcessEnv;
  /** The command line's settings, by name. */
  flags?: Record<string, string | undefined>;
}

/** @throws {SettingsError} when a setting is invalid, unknown or missing, or when its file can't be read. */
export function loadSettings({ root, environment, flags = {} }: LoadOptions): Settings {
  const named = environment.APP_CONFIG_FILE?.trim();
  const configFile = named ? resolve(root, named) : undefined;
  const problems: string[] = [];
  const sourced: SourcedValues = {
    ...(configFile ? readConfigFile(configFile, root, problems) : {}),
    ...pickSettings(environment, 'in the environment', root, problems),
    ...pickSettings(flags, 'on the command line', root, problems),
  };
  const values = validateEach(sourced, problems);
  const relative = sqliteFile(values.DATABASE_URL);
  const file = relative && resolve(root, relative);
  const readFile = <Content>(name: string, read: (path: string) => Content) => {
    const given = sourced[name];
    return given && readNamedFile(name, { ...given, value: resolve(root, given.value) }, problems, read);
  };
  const breachedFile = readFile('BREACHED_PASSWORDS_FILE', checkBreachedFile);
  // On MySQL, each worker needs a connection.
  const mostWorkers = file ? Number.POSITIVE_INFINITY : values.POOL_SIZE;
  const settings: Settings = {
    ...values,
    DATABASE_URL: file ? `sqlite:${file}` : values.DATABASE_URL,
    WORKERS:
      values.WORKERS === 'auto' ? Math.min(availableParallelism(), mostWorkers) : Number(values.WORKERS),
    SECRET_KEY: values.SECRET_KEY?.split(',').map((key) => key.trim()) ?? [],
    TRUST_PROXY: parseTrustProxy(values.TRUST_PROXY),
    ...parseOrigins(values, sourced, problems),
    DOCS: values.DOCS ?? values.NODE_ENV !== 'production',
    SESSION_IDLE: sourced.SESSION_IDLE
      ? values.SESSION_IDLE
      : Math.min(values.SESSION_IDLE, values.SESSION_LIFETIME),
    AUTO_MIGRATE: values.AUTO_MIGRATE ?? file !== undefined,
    PASSWORD_BLOCKLIST: readFile('PASSWORD_BLOCKLIST', readBlocklist) ?? [],
    ...(breachedFile ? { BREACHED_PASSWORDS_FILE: breachedFile } : {}),
    secretPath: file ? resolve(dirname(followLinks(file)), 'secret.key') : resolve(root, 'data/secret.key'),
    ...(configFile ? { configFile } : {}),
  };
  validateTogether(settings, mostWorkers, sourced, problems);
  if (problems.length > 0) throw new SettingsError(problems);
  return settings;
}

// A copy, because env-schema modifies the schema.
const schema = structuredClone(SettingsSchema);
const ajv = new Ajv({
  allErrors: true,
  coerceTypes: true,
  useDefaults: true,
  strict: false,
  // The schema is constant and valid, so checking it would only slow each start down.
  validateSchema: false,
});

/** @returns the settings with their types and defaults, without the invalid ones, which are added to the problems. */
function validateEach(sourced: SourcedValues, problems: string[]): RawSettings {
  const data = Object.fromEntries(Object.entries(sourced).map(([name, { value }]) => [name, value]));
  try {
    return envSchema<RawSettings>({ schema, data, env: false, ajv });
  } catch (error) {
    if (!(error instanceof Error && 'errors' in error && Array.isArray(error.errors))) throw error;
    const invalid = new Set<string>(error.errors.map((each: ErrorObject) => each.instancePath.slice(1)));
    for (const name of invalid) problems.push(describeInvalid(name, sourced));
    const rest = Object.entries(sourced).filter(([name]) => !invalid.has(name));
    return validateEach(Object.fromEntries(rest), problems);
  }
}

function validateTogether(
  settings: Settings,
  mostWorkers: number,
  sourced: SourcedValues,
  problems: string[],
): void {
  if (settings.SECRET_KEY.some(isWeak))
    problems.push(describeInvalid('SECRET_KEY', sourced, ' (one key is too short or easy to guess)'));
  if (settings.SESSION_IDLE > settings.SESSION_LIFETIME) {
    problems.push(
      `SESSION_IDLE is ${settings.SESSION_IDLE} (given ${originOf('SESSION_IDLE', sourced)}), but must not be longer than SESSION_LIFETIME, which is ${settings.SESSION_LIFETIME} (given ${originOf('SESSION_LIFETIME', sourced)}).`,
    );
  }
  const problem = findUrlProblem(settings.DATABASE_URL);
  if (problem !== undefined)
    problems.push(describeInvalid('DATABASE_URL', sourced, problem && ` (${problem})`));
  if (settings.WORKERS > mostWorkers) {
    problems.push(
      `WORKERS is ${settings.WORKERS} (given ${originOf('WORKERS', sourced)}), but the workers share POOL_SIZE connections, which is ${settings.POOL_SIZE} (given ${originOf('POOL_SIZE', sourced)}), and each needs one. Set fewer workers or more connections.`,
    );
  }
  if (settings.PORT !== 0 && settings.METRICS_PORT === settings.PORT) {
    problems.push(
      `METRICS_PORT is ${settings.METRICS_PORT} (given ${originOf('METRICS_PORT', sourced)}), but must be another port than PORT.`,
    );
  }
  if (Array.isArray(settings.TRUST_PROXY) && !settings.TRUST_PROXY.every(isNetwork)) {
    problems.push(describeInvalid('TRUST_PROXY', sourced));
  }
  if (
    settings.NODE_ENV === 'production' &&
    settings.SECRET_KEY.length === 0 &&
    !problems.some((line) => line.startsWith('SECRET_KEY'))
  ) {
    problems.push(
      'SECRET_KEY is missing. Production requires one that is the same for every process and host. Make it with "npm run -s manage -- secret", and set SECRET_KEY to it or SECRET_KEY_FILE to its file.',
    );
  }
  problems.push(...findUnsafe(settings, sourced));
}

function isWeak(key: string): boolean {
  return key.length < 32 || new Set(key).size < 10 || /change|example|secret|password/i.test(key);
}

/** @returns the file behind symbolic links, there or not yet: two paths to one database must find the same key. */
function followLinks(path: string): string {
  for (const follow of [realpathSync, followOnce]) {
    try {
      return follow(path);
    } catch {
      // The file is not there yet, or is no link. The opening of the database tells what is wrong with the path.
    }
  }
  return path;
}

function followOnce(path: string): string {
  return resolve(dirname(path), readlinkSync(path));
}

function parseTrustProxy(value: string): Settings['TRUST_PROXY'] {
  if (value === 'true' || value === 'false') return value === 'true';
  return value.split(',').map((each) => each.trim());
}

/** @returns PUBLIC_URL and ORIGINS in the form of browsers. What is no origin is left out, and added to the problems. */
function parseOrigins(
  { PUBLIC_URL, ORIGINS }: RawSettings,
  sourced: SourcedValues,
  problems: string[],
): Pick<Settings, 'PUBLIC_URL' | 'ORIGINS'> {
  const publicUrl = parseOrigin(PUBLIC_URL ?? '');
  if (PUBLIC_URL && !publicUrl) problems.push(describeInvalid('PUBLIC_URL', sourced));
  const origins = ORIGINS?.split(',').map((each) => parseOrigin(each.trim())) ?? [];
  if (origins.includes(undefined)) problems.push(describeInvalid('ORIGINS', sourced));
  return {
    ...(publicUrl ? { PUBLIC_URL: publicUrl } : {}),
    ORIGINS: origins.filter((origin) => origin !== undefined),
  };
}

/** An address, a network in CIDR notation, or one of the names that Fastify's proxy-addr knows. */
function isNetwork(value: string): boolean {
  if (['loopback', 'linklocal', 'uniquelocal'].includes(value)) return true;
  const { IPv4, IPv6 } = ipaddr;
  if (IPv4.isValidFourPartDecimal(value) || IPv6.isValid(value)) return true;
  const isCidr = IPv4.isValidCIDRFourPartDecimal(value) || IPv6.isValidCIDR(value);
  return isCidr && isNarrow(ipaddr.parseCIDR(value));
}

/** @returns whether the network is no larger than the largest of private ones, 10.0.0.0/8 and fc00::/7. One of all clients is `true`. */
function isNarrow([address, bits]: ReturnType<typeof ipaddr.parseCIDR>): boolean {
  // ::ffff:0:0/96 are all IPv4 addresses.
  if ('isIPv4MappedAddress' in address) return bits >= (address.isIPv4MappedAddress() ? 96 + 8 : 7);
  return bits >= 8;
}
