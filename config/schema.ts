/**
 * The settings that an operator may give, each with what it is for, what is allowed and what holds when it is
 * absent. The README's table of settings and every message about a wrong setting say what stands here.
 */
import type { Static, TSchemaOptions } from 'typebox';
import { Type } from 'typebox';

interface Explained extends TSchemaOptions {
  /** What the setting is for. */
  description: string;
  /** What may be given, put so that it completes "must be …". */
  allowed: string;
  /** Whether its value must not appear in any message; it may then be given as a file, too: NAME_FILE. */
  secret?: boolean;
}

function choice<const Choices extends [string, ...string[]]>(
  choices: Choices,
  options: { description: string; default: Choices[number] },
) {
  return Type.Enum(choices, { ...options, allowed: `one of ${choices.join(', ')}` });
}

function wholeNumber(minimum: number, maximum: number, options: { description: string; default: number }) {
  return Type.Integer({
    ...options,
    minimum,
    maximum,
    allowed: `a whole number from ${minimum} to ${maximum}`,
  });
}

function text(options: Explained & { pattern: string; default?: string }) {
  return Type.String(options);
}

const years = (n: number) => n * 366 * 24 * 60 * 60;

export const SettingsSchema = Type.Object({
  NODE_ENV: choice(['development', 'test', 'production'], {
    default: 'development',
    description: 'What the service runs for. In production it insists on a strong secret and on HTTPS.',
  }),
  HOST: text({
    pattern: '^\\S+$',
    default: '127.0.0.1',
    allowed: 'an address or a host name of this machine',
    description: 'The address to listen on.',
  }),
  PORT: wholeNumber(0, 65535, {
    default: 5000,
    description: 'The port to listen on; 0 picks a free one.',
  }),
  WORKERS: text({
    pattern: '^(auto|[1-9][0-9]{0,2})$',
    default: 'auto',
    allowed: 'auto, or a whole number from 1 to 999',
    description: 'How many worker processes serve; auto is one for each processor, 1 runs without a primary.',
  }),
  DATABASE_URL: text({
    secret: true,
    // Two slashes would be taken for the beginning of a host's name by some and for a path by others.
    pattern: '^(sqlite:(?!:memory:)(?!//[^/]).+|mysql://.+)$',
    default: 'sqlite:data/rollcall.db',
    allowed:
      'sqlite:PATH or mysql://user:password@host:port/database, with special characters in the password as %XX',
    description: 'The database. A relative path counts from the project.',
  }),
  POOL_SIZE: wholeNumber(1, 10_000, {
    default: 20,
    description: 'How many connections to MySQL the service may have; its workers share them.',
  }),
  POOL_RECYCLE: wholeNumber(1, years(1), {
    default: 3600,
    description: 'Seconds after which a connection to MySQL is replaced before it is used again.',
  }),
  SECRET_KEY: Type.Optional(
    text({
      secret: true,
      pattern: '^.{32,}$',
      allowed:
        'made by "npm run manage -- secret": 32 characters at least; several keys, separated by commas, newest first',
      description: 'Signs the session cookies. Outside production one is made and kept beside the database.',
    }),
  ),
  LOG_LEVEL: choice(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
    default: 'info',
    description: 'The least level that is logged; debug also logs each request.',
  }),
  TRUST_PROXY: text({
    pattern: '^[0-9A-Za-z.:/, ]+$',
    default: 'false',
    allowed: 'false, true, or the addresses and networks of the proxies, separated by commas',
    description:
      'Whose X-Forwarded-… headers are believed. Behind a proxy that ends TLS it must name that proxy.',
  }),
  SESSION_IDLE: wholeNumber(10, years(1), {
    default: 2 * 60 * 60,
    description: 'Seconds without a request after which a session ends.',
  }),
  SESSION_LIFETIME: wholeNumber(10, years(1), {
    default: 24 * 60 * 60,
    description: 'Seconds after which a session ends however active it is.',
  }),
  REMEMBER_LIFETIME: wholeNumber(10, years(10), {
    default: 30 * 24 * 60 * 60,
    description: 'Seconds that a session lives, active or idle, whose sign-in asked to be remembered.',
  }),
  SIGN_UP: choice(['closed', 'open'], {
    default: 'closed',
    description: 'Whether people may make themselves an account: POST /api/sign/up.',
  }),
  AUDIT_RETENTION: wholeNumber(0, 36_500, {
    default: 0,
    description: 'Days after which entries of the audit trail are removed; 0 keeps them for ever.',
  }),
  DOCS: Type.Boolean({
    default: true,
    allowed: 'true or false',
    description: 'Whether /openapi.json and the page to try the API, /docs, are served.',
  }),
  AUTH_HACK_USER: Type.Optional(
    text({
      pattern: '^\\S+$',
      allowed: 'the name of a user, and never be given in production',
      description: 'The user that ?hack=1 stands for, to try things out without signing in.',
    }),
  ),
  AUTO_MIGRATE: Type.Optional(
    Type.Boolean({
      allowed: 'true or false',
      description: 'Whether the service brings the database up to date when it starts: true on SQLite.',
    }),
  ),
});

export type GivenSettings = Static<typeof SettingsSchema>;

/** @returns what is said of the setting of that name, or undefined when there is none. */
export function explain(name: string): { allowed: string; secret: boolean } | undefined {
  const schema: object | undefined = Object.entries(SettingsSchema.properties).find(
    ([key]) => key === name,
  )?.[1];
  return schema && { allowed: 'allowed' in schema ? String(schema.allowed) : '', secret: 'secret' in schema };
}

export const settingNames = Object.keys(SettingsSchema.properties);
