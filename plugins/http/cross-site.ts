/**
 * Refuses changes that pages of other origins send, with the cookie that the browser adds (cross-site request forgery, CSRF). The
 * browser says where a request comes from by Sec-Fetch-Site (Fetch Metadata), older ones by Origin. Programs send neither, and
 * pass. SameSite=Lax does not suffice: another port and a sibling host are the same site.
 */
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';

/** Methods that change nothing (RFC 9110, section 9.2.1). */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/** @returns whether a request of that method may change something. */
export const isChange = (method: string) => !SAFE.has(method);

/** What no browser adds by itself, unlike Basic and other schemes of RFC 9110, section 11. */
const BEARER = /^Bearer /i;

interface CrossSiteOptions {
  /** The origin of this service; without it, what the request names, as trusted proxies say. */
  publicUrl?: string | undefined;
  /** The other origins whose pages may call. */
  origins: readonly string[];
}

export default fp<CrossSiteOptions>(
  async (app, { publicUrl, origins }) => {
    const listed = new Set(origins);
    const cookie = `${app.sessionCookie.name}=`;

    const ownOrigin = ({ protocol, host }: FastifyRequest) =>
      publicUrl ?? URL.parse(`${protocol}://${host}`)?.origin;

    function mayChange(request: FastifyRequest): boolean {
      const { origin, authorization, 'sec-fetch-site': site } = request.headers;
      // With the cookie, the session would count, whatever the token is.
      const hasCookie = request.headers.cookie?.includes(cookie) ?? false;
      if (authorization !== undefined && BEARER.test(authorization) && !hasCookie) return true;
      if (origin !== undefined && listed.has(origin)) return true;
      if (site !== undefined) return site === 'same-origin' || site === 'none';
      return origin === undefined || origin === ownOrigin(request);
    }

    app.addHook('onRequest', (request, _reply, done) => {
      if (!isChange(request.method) || mayChange(request)) return done();
      done(
        app.problem({
          kind: 'cross-site',
          detail: `A page of another origin sent this change${originOf(request)}. If its pages may call the service, list the origin in the setting ORIGINS; if it is the service's own, set PUBLIC_URL to it.`,
        }),
      );
    });
  },
  { name: 'cross-site', dependencies: ['errors', 'session-cookie'] },
);

/** @returns the words that name the origin, as far as the request does. */
const originOf = ({ headers: { origin } }: FastifyRequest) =>
  origin === undefined ? '' : ` (${JSON.stringify(origin)})`;
