/**
 * The settings with their purpose, allowed values and defaults. Every message about an invalid setting quotes this
 * schema, and a test compares the table in docs/settings.md with it.
 */
import type { Static, TSchema } from 'typebox';
import { Type } from 'typebox';

interface Setting {
  description: string;
  /** The words after "must be" in a message. */
  allowed: string;
  /** Whether messages must not show the value, and NAME_FILE may name a file that holds it. */
  secret?: boolean;
}

function setting<Schema extends TSchema>(schema: Schema, about: Setting): Schema & Setting {
  return Object.assign(schema, about);
}

function choice<const Choices extends [string, ...string[]]>(
  choices: Choices,
  options: { description: string; default: Choices[number] },
) {
  return setting(Type.Enum(choices), { ...options, allowed: `one of ${choices.join(', ')}` });
}

function wholeNumber(minimum: number, maximum: number, options: { description: string; default?: number }) {
  // The text is checked before it is converted, since Ajv would take "0x10" and "1e3" as well.
  const digits = { type: 'string', pattern: '^\\d+$' };
  const schema = Type.Unsafe<number>({ allOf: [digits, { type: 'integer', minimum, maximum }] });
  return setting(schema, { ...options, allowed: `a whole number from ${minimum} to ${maximum}` });
}

function text(options: Setting & { pattern: string; default?: string }) {
  return setting(Type.String(), options);
}

function trueOrFalse(options: { description: string; default?: boolean }) {
  return setting(Type.Boolean(), { ...options, allowed: 'true or false' });
}

/** The lowest that PASSWORD_MIN_LENGTH may be, in characters. */
export const SHORTEST_PASSWORD = 8;

const years = (n: number) => n * 366 * 24 * 60 * 60;

export const SettingsSchema = Type.Object({
  NODE_ENV: choice(['development', 'test', 'production'], {
    default: 'development',
    description: 'The environment. Production requires a strong secret and HTTPS.',
  }),
  HOST: text({
    pattern: '^\\S+$',
    default: '127.0.0.1',
    allowed: 'an address or a host name of this machine',
    description: 'The address to listen on.',
  }),
  PORT: wholeNumber(0, 65535, {
    default: 5000,
    description: 'The port to listen on; 0 selects a free one.',
  }),
  WORKERS: text({
    pattern: '^(auto|[1-9][0-9]{0,2})$',
    default: 'auto',
    allowed: 'auto, or a whole number from 1 to 999',
    description: 'The number of worker processes; auto is one for each processor.',
  }),
  DATABASE_URL: text({
    secret: true,
    // Two slashes are ambiguous: a host or a path may follow them.
    pattern: '^(sqlite:(?!:memory:)(?!//[^/]).+|mysql://.+)$',
    default: 'sqlite:data/rollcall.db',
    allowed:
      'sqlite:PATH or mysql://user:password@host:port/database, with commas between several servers (host:port,host:port) and special characters in the password as %XX',
    description: "The database. A relative path starts from the project's folder.",
  }),
  POOL_SIZE: wholeNumber(1, 10_000, {
    default: 20,
    description: 'The largest number of connections to MySQL, which the workers share.',
  }),
  POOL_RECYCLE: wholeNumber(1, years(1), {
    default: 3600,
    description: 'The age in seconds after which a connection to MySQL is replaced.',
  }),
  SECRET_KEY: Type.Optional(
    text({
      secret: true,
      pattern: '^.{32,}$',
      allowed:
        'made by "npm run -s manage -- secret": 32 characters at least; several keys, separated by commas, newest first',
      description: 'Signs the session cookies. Outside production the service makes one beside the database.',
    }),
  ),
  LOG_LEVEL: choice(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
    default: 'info',
    description: 'The lowest level that is logged; debug also logs each request.',
  }),
  LOG_REQUESTS: trueOrFalse({
    default: false,
    description: 'Whether each request is a line of the log, at the level info.',
  }),
  TRUST_PROXY: text({
    pattern: '^[0-9A-Za-z.:/, ]+$',
    default: 'false',
    allowed:
      'false, true, or the addresses and networks of the proxies (at most a /8 of IPv4 or a /7 of IPv6 each), separated by commas',
    description:
      'The proxies whose X-Forwarded-… headers are trusted. It must name a proxy that terminates TLS.',
  }),
  PUBLIC_URL: Type.Optional(
    text({
      pattern: '^\\S+$',
      allowed: 'an origin such as https://accounts.example.org, without a path, and https in production',
      description: 'The origin by which browsers reach the service. The default is what the request names.',
    }),
  ),
  ORIGINS: Type.Optional(
    text({
      pattern: '^\\S.*$',
      allowed:
        'origins such as https://app.example.org, separated by commas, without paths, and https in production',
      description: 'The other origins whose pages may call the API with the session cookie.',
    }),
  ),
  SESSION_IDLE: wholeNumber(10, years(1), {
    default: 2 * 60 * 60,
    description: 'Seconds without a request after which a session expires.',
  }),
  SESSION_LIFETIME: wholeNumber(10, years(1), {
    default: 24 * 60 * 60,
    description: 'Seconds after which even an active session expires.',
  }),
  REMEMBER_LIFETIME: wholeNumber(10, years(10), {
    default: 30 * 24 * 60 * 60,
    description: 'The lifetime in seconds of sessions whose sign-in asked to be remembered, active or idle.',
  }),
  MAX_SESSIONS: wholeNumber(1, 10_000, {
    default: 100,
    description: 'The most sessions of a user at once; one more ends those that were not seen for longest.',
  }),
  TOKEN_LIFETIME: wholeNumber(60, years(10), {
    default: 365 * 24 * 60 * 60,
    description: 'The longest life of a new API token in seconds, and that of one made without a wish.',
  }),
  SIGN_UP: choice(['closed', 'open'], {
    default: 'closed',
    description: 'Whether anyone may create an account: POST /api/sign/up.',
  }),
  // A service must allow passwords of 64 characters.
  PASSWORD_MIN_LENGTH: wholeNumber(SHORTEST_PASSWORD, 64, {
    default: SHORTEST_PASSWORD,
    description: 'The fewest characters of a new password; 15 are advised.',
  }),
  PASSWORD_BLOCKLIST: Type.Optional(
    text({
      pattern: '.',
      allowed: 'the path of a text file with a password a line',
      description: 'A file of passwords that nobody may choose, besides the commonest.',
    }),
  ),
  BREACHED_PASSWORDS_FILE: Type.Optional(
    text({
      pattern: '.',
      allowed: "the path of the file of SHA-1 hashes that haveibeenpwned's downloader makes",
      description: 'A file of the hashes of breached passwords, which nobody may choose.',
    }),
  ),
  AUDIT_RETENTION: wholeNumber(0, 36_500, {
    default: 0,
    description: 'Days after which audit events are purged; 0 keeps them for ever.',
  }),
  DOCS: Type.Optional(
    trueOrFalse({
      description:
        'Whether the service serves /openapi.json and the API explorer /docs. The default is false in production.',
    }),
  ),
  METRICS_PORT: Type.Optional(
    wholeNumber(0, 65535, {
      description: 'The port of the metrics for Prometheus; 0 selects a free one. Without it there are none.',
    }),
  ),
  METRICS_HOST: text({
    pattern: '^\\S+$',
    default: '127.0.0.1',
    allowed: 'an address or a host name of this machine',
    description: 'The address to serve the metrics on.',
  }),
  AUTH_HACK_USER: Type.Optional(
    text({
      pattern: '^\\S+$',
      allowed:
        'the name of a user, and be given only with NODE_ENV=development or NODE_ENV=test and a loopback address as HOST',
      description: 'The user as whom requests with ?hack=1 are authenticated, for development.',
    }),
  ),
  AUTO_MIGRATE: Type.Optional(
    trueOrFalse({
      description: 'Whether a start makes and migrates the database. The default is true on SQLite.',
    }),
  ),
});

/** The settings before paths and automatic values are resolved (see load.ts). */
export type RawSettings = Static<typeof SettingsSchema>;

const settings = new Map<string, Setting>(Object.entries(SettingsSchema.properties));

/** @returns the setting of that name, or undefined when there is none. */
export const findSetting = (name: string) => settings.get(name);

export const settingNames = [...settings.keys()];
