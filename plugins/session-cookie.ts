/**
 * The cookie that carries a session: its name and attributes, and its signature. Its value is `secret.signature`; the
 * secret is 256 random bits, the signature an HMAC-SHA-256 (RFC 2104) of it, both in base64url. The newest key signs,
 * every key is accepted, so that a key can be replaced without signing anybody out.
 */
import { createHmac, createSecretKey, hash, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto';
import { fastifyCookie } from '@fastify/cookie';
import fp from 'fastify-plugin';

interface SessionCookie {
  name: string;
  attributes: { path: '/'; httpOnly: true; sameSite: 'lax'; secure: boolean };
  /** @returns a new secret. */
  makeSecret(): string;
  /** @returns the cookie's value for a secret. */
  sign(secret: string): string;
  /** @returns the secret in a cookie's value, or undefined when none of our keys signed it. */
  unsign(value: string): string | undefined;
  /** @returns the secret in a request's Cookie header (RFC 6265, section 4.2), or undefined. */
  read(header: string | undefined): string | undefined;
  /** @returns a Set-Cookie header (RFC 6265, section 4.1) with the secret; without `expires` it ends with the browser. */
  header(secret: string, expires?: Date): string;
  /** @returns what the database knows the session by. */
  keyOf(secret: string): string;
}

declare module 'fastify' {
  interface FastifyInstance {
    sessionCookie: SessionCookie;
  }
}

interface SessionCookieOptions {
  keys: string[];
  /** Whether the cookie only travels over HTTPS, and says so in its name. */
  secure: boolean;
}

/** 256 bits in base64url. */
const LENGTH = 43;

function signature(key: KeyObject, secret: string): string {
  return createHmac('sha256', key).update(secret).digest('base64url');
}

export default fp<SessionCookieOptions>(
  async (app, options) => {
    const keys = options.keys.map((key) => createSecretKey(Buffer.from(key)));
    const [newest] = keys;
    if (!newest) throw new Error('The session cookie needs a key to sign with.');
    const name = options.secure ? '__Host-rollcall' : 'rollcall';
    const start = `${name}=`;

    function unsign(value: string): string | undefined {
      if (value.length !== 2 * LENGTH + 1 || value[LENGTH] !== '.') return undefined;
      const secret = value.slice(0, LENGTH);
      const given = Buffer.from(value.slice(LENGTH + 1));
      // As text: of the last of its letters two bits would not count.
      const right = keys.some(
        (key) => given.length === LENGTH && timingSafeEqual(Buffer.from(signature(key, secret)), given),
      );
      return right ? secret : undefined;
    }

    const sign = (secret: string) => `${secret}.${signature(newest, secret)}`;
    const attributes: SessionCookie['attributes'] = {
      path: '/',
      httpOnly: true,
      sameSite: 'lax',
      secure: options.secure,
    };

    app.decorate('sessionCookie', {
      name,
      attributes,
      makeSecret: () => randomBytes(32).toString('base64url'),
      sign,
      header: (secret, expires) =>
        fastifyCookie.serialize(name, sign(secret), { ...attributes, ...(expires ? { expires } : {}) }),
      unsign,
      read(header) {
        // Found by hand: this is on the way of every signed-in request, and a parser would read every cookie.
        if (header === undefined) return undefined;
        // A browser may send several of one name, of other services on this host: ours is the one that we signed.
        for (let at = header.indexOf(start); at >= 0; at = header.indexOf(start, at + 1)) {
          if (at > 0 && header[at - 1] !== ' ' && header[at - 1] !== ';') continue;
          const end = header.indexOf(';', at);
          const secret = unsign(header.slice(at + start.length, end < 0 ? undefined : end).trimEnd());
          if (secret) return secret;
        }
        return undefined;
      },
      keyOf: (secret) => hash('sha256', secret, 'base64url'),
    });
  },
  { name: 'session-cookie' },
);
