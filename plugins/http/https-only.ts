/**
 * In production, cookies and tokens count over HTTPS only, and so do changes, whose bodies carry passwords and codes. Who sends them
 * over plain HTTP shows them to everybody on the way, so the request is refused and not redirected: the mistake is to be seen.
 */
import fp from 'fastify-plugin';
import { isChange } from './cross-site.ts';

export default fp(
  async (app) => {
    const cookie = `${app.sessionCookie.name}=`;

    app.addHook('onRequest', (request, _reply, done) => {
      const { method, headers } = request;
      const needsHttps =
        isChange(method) || headers.authorization !== undefined || headers.cookie?.includes(cookie);
      if (!needsHttps || request.protocol === 'https') return done();
      done(
        app.problem({
          kind: 'https-required',
          detail:
            'In production, credentials and changes are taken over HTTPS only. If a proxy ends TLS in front of the service, name that proxy in the setting TRUST_PROXY and let it send X-Forwarded-Proto.',
        }),
      );
    });
  },
  { name: 'https-only', dependencies: ['errors', 'session-cookie'] },
);
