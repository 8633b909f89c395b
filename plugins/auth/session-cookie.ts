/**
 * The cookie that carries a session: its name, attributes and signature. The value is `secret.signature`: the secret is 256
 * random bits, the signature its HMAC-SHA-256 (RFC 2104), both in base64url. The newest key signs and every key is
 * accepted, so replacing a key signs nobody out. A cookie that an older key signed is sent anew (authenticate.ts).
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { fastifyCookie } from '@fastify/cookie';
import type { FastifySessionOptions } from '@fastify/session';
import fp from 'fastify-plugin';
import { keyOf } from '../../accounts/secrets.ts';
import type { SessionRow } from '../../db/queries/sessions.ts';
import { memoize } from './memoize.ts';

/** What a cookie says that one of our keys signed. */
interface SignedSecret {
  /** The cookie's value. */
  value: string;
  secret: string;
  /** The session's key (see accounts/secrets.ts). */
  key: string;
  /** Whether another key than the newest signed it. */
  isOlder: boolean;
}

interface SessionCookie {
  name: string;
  attributes: { path: '/'; httpOnly: true; sameSite: 'lax'; secure: boolean };
  /** @returns a new secret. */
  makeSecret(): string;
  /** @returns the cookie's value for a secret. */
  sign(secret: string): string;
  /** @returns the secret in a cookie's value, or undefined when none of our keys signed it. */
  unsign(value: string): string | undefined;
  /** Signs for @fastify/session. */
  signer: Exclude<FastifySessionOptions['secret'], string | string[]>;
  /** @returns our cookie in a Cookie header (RFC 6265, section 4.2), or undefined when it has none that we signed. */
  find(header: string | undefined): SignedSecret | undefined;
  /** @returns a Set-Cookie header (RFC 6265, section 4.1). Unless the session is remembered, the cookie ends with the browser. */
  header(secret: string, session: Pick<SessionRow, 'remembered' | 'endsAt'>): string;
}

declare module 'fastify' {
  interface FastifyInstance {
    sessionCookie: SessionCookie;
  }
}

interface SessionCookieOptions {
  keys: string[];
  /** Whether the cookie travels over HTTPS only, and says so in its name. */
  secure: boolean;
}

/** How many cookies of older keys the signer remembers at most. */
const OLDER_KEYS = 10_000;

/** The length of 256 bits in base64url. */
const LENGTH = 43;

/**
 * @fastify/session clears a cookie whose value is not the one that its signer gives. So the signer gives back the value that it
 * was given, or a cookie that an older key signed would be cleared.
 */
function makeSigner(
  sign: SessionCookie['sign'],
  verify: (value: string) => SignedSecret | undefined,
): SessionCookie['signer'] {
  const older = new Map<string, string>();
  return {
    sign: (secret) => older.get(secret) ?? sign(secret),
    unsign(sent) {
      const signed = verify(sent);
      if (!signed) return { valid: false, renew: false, value: null };
      const { value, secret, isOlder } = signed;
      if (older.size >= OLDER_KEYS) older.clear();
      if (isOlder) older.set(secret, value);
      return { valid: true, renew: false, value: secret };
    },
  };
}

export default fp<SessionCookieOptions>(
  async (app, { keys, secure }) => {
    const [newest] = keys;
    if (!newest) throw new Error('The session cookie needs a key to sign with.');
    const name = secure ? '__Host-rollcall' : 'rollcall';
    const start = `${name}=`;
    const attributes = { path: '/', httpOnly: true, sameSite: 'lax', secure } as const;

    const signature = (key: string, secret: string) =>
      createHmac('sha256', key).update(secret).digest('base64url');
    const sign = (secret: string) => `${secret}.${signature(newest, secret)}`;

    function verify(value: string): SignedSecret | undefined {
      if (value.length !== 2 * LENGTH + 1 || value[LENGTH] !== '.') return undefined;
      const secret = value.slice(0, LENGTH);
      const sent = Buffer.from(value.slice(LENGTH + 1));
      // Compared as text: two bits of the last letter do not count in base64url.
      const signer = keys.findIndex(
        (key) => sent.length === LENGTH && timingSafeEqual(Buffer.from(signature(key, secret)), sent),
      );
      return signer < 0 ? undefined : { value, secret, key: keyOf(secret), isOlder: signer > 0 };
    }
    // Remembers only that a value is signed: the database is asked for the session each time.
    const verifyOnce = memoize(verify, 50_000);
    const unsign = (value: string) => verifyOnce(value)?.secret;

    app.decorate('sessionCookie', {
      name,
      attributes,
      makeSecret: () => randomBytes(32).toString('base64url'),
      sign,
      header: (secret, { remembered, endsAt }) =>
        fastifyCookie.serialize(name, sign(secret), {
          ...attributes,
          ...(remembered ? { expires: new Date(endsAt) } : {}),
        }),
      unsign,
      signer: makeSigner(sign, verifyOnce),
      find(header = '') {
        // By hand, as every signed-in request does this. Other services on this host may set a cookie of the same name: ours
        // is the one that we signed.
        for (let at = header.indexOf(start); at >= 0; at = header.indexOf(start, at + 1)) {
          if (at > 0 && header[at - 1] !== ' ' && header[at - 1] !== ';') continue;
          const end = header.indexOf(';', at);
          const valid = verifyOnce(header.slice(at + start.length, end < 0 ? undefined : end).trimEnd());
          if (valid) return valid;
        }
        return undefined;
      },
    });
  },
  { name: 'session-cookie' },
);
