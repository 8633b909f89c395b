/**
 * The cookie that carries a session: its name and attributes, and its signature. Its value is `secret.signature`; the
 * secret is 256 random bits, the signature an HMAC-SHA-256 (RFC 2104) of it, both in base64url. The newest key signs,
 * every key is accepted, so that a key can be replaced without signing anybody out.
 */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { fastifyCookie } from '@fastify/cookie';
import fp from 'fastify-plugin';
import { memoize } from '../schemas/memoize.ts';
import { keyOf } from '../schemas/secrets.ts';

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
  secretIn(header: string | undefined): string | undefined;
  /** @returns the key (see schemas/secrets.ts) of the session that a request's Cookie header names, or undefined. */
  keyIn(header: string | undefined): string | undefined;
  /** @returns a Set-Cookie header (RFC 6265, section 4.1) with the secret; without `expires` it ends with the browser. */
  header(secret: string, expires?: Date): string;
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

/** What SHA-256 works on at once, and what it makes, in bytes. */
const BLOCK = 64;
const DIGEST = 32;

/**
 * @returns a function that gives the HMAC-SHA-256 (RFC 2104, section 2) of a secret, in base64url. It is put together from
 * two hashes, since Node's own Hmac is an object for each call: 12 of the 85 µs of a signed-in request, this 3.
 */
function makeSigner(key: string): (secret: string) => string {
  const bytes = Buffer.from(key);
  const padded = Buffer.alloc(BLOCK);
  (bytes.length > BLOCK ? hash('sha256', bytes, 'buffer') : bytes).copy(padded);
  const inner = Buffer.concat([padded.map((byte) => byte ^ 0x36), Buffer.alloc(LENGTH)]);
  const outer = Buffer.concat([padded.map((byte) => byte ^ 0x5c), Buffer.alloc(DIGEST)]);
  return (secret) => {
    inner.write(secret, BLOCK, 'latin1');
    // As text between the two: a Buffer of its own costs more than the hash.
    outer.write(hash('sha256', inner, 'binary'), BLOCK, 'latin1');
    return hash('sha256', outer, 'base64url');
  };
}

export default fp<SessionCookieOptions>(
  async (app, options) => {
    const signers = options.keys.map(makeSigner);
    const [sign] = signers;
    if (!sign) throw new Error('The session cookie needs a key to sign with.');
    const name = options.secure ? '__Host-rollcall' : 'rollcall';
    const start = `${name}=`;

    function unsign(value: string): string | undefined {
      if (value.length !== 2 * LENGTH + 1 || value[LENGTH] !== '.') return undefined;
      const secret = value.slice(0, LENGTH);
      const given = Buffer.from(value.slice(LENGTH + 1));
      // As text: of the last of its letters two bits would not count.
      const right = signers.some(
        (signer) => given.length === LENGTH && timingSafeEqual(Buffer.from(signer(secret)), given),
      );
      return right ? secret : undefined;
    }

    function secretIn(header = ''): string | undefined {
      // Found by hand: this is on the way of every signed-in request, and a parser would read every cookie. A browser may
      // send several of one name, of other services on this host: ours is the one that we signed.
      for (let at = header.indexOf(start); at >= 0; at = header.indexOf(start, at + 1)) {
        if (at > 0 && header[at - 1] !== ' ' && header[at - 1] !== ';') continue;
        const end = header.indexOf(';', at);
        const secret = unsign(header.slice(at + start.length, end < 0 ? undefined : end).trimEnd());
        if (secret) return secret;
      }
      return undefined;
    }

    function keyIn(header: string): string | undefined {
      const secret = secretIn(header);
      return secret && keyOf(secret);
    }

    // Only that it is signed, and what its session is called, is remembered; whether there is such a session is asked of the
    // database each time. For a client who sends several requests that is 2.5 of the 27 µs of each. A header takes 250 to 400
    // bytes, and without a cookie that we signed nobody can have one remembered.
    const knownKeyIn = memoize(keyIn, 50_000);

    const signed = (secret: string) => `${secret}.${sign(secret)}`;
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
      sign: signed,
      header: (secret, expires) =>
        fastifyCookie.serialize(name, signed(secret), { ...attributes, ...(expires ? { expires } : {}) }),
      unsign,
      secretIn,
      keyIn: (header = '') => knownKeyIn(header),
    });
  },
  { name: 'session-cookie' },
);
