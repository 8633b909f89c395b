/**
 * Headers that tell browsers what they must not do with an answer. They are the same for every answer, so that one object holds
 * them; /docs alone has a policy of its own (openapi.ts).
 */
import fp from 'fastify-plugin';

type Headers = Readonly<Record<string, string>>;

declare module 'fastify' {
  interface FastifyInstance {
    /** What every answer has, also where no hook has run. */
    securityHeaders: Headers;
  }
}

/** What keeps other origins out, and the address of the page to itself. JSON is nothing to show, so it may load nothing. */
const ALWAYS: Headers = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** One year (RFC 6797, section 6.1). */
const HTTPS_ONLY: Headers = { 'strict-transport-security': 'max-age=31536000; includeSubDomains' };

export default fp<{ isProduction: boolean }>(
  async (app, { isProduction }) => {
    const headers = isProduction ? { ...ALWAYS, ...HTTPS_ONLY } : ALWAYS;
    app.decorate('securityHeaders', headers);
    app.addHook('onRequest', (_request, reply, done) => {
      reply.headers(headers);
      done();
    });
  },
  { name: 'security-headers' },
);
