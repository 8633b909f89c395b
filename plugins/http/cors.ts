/** Lets pages of the origins in ORIGINS call the API with the session cookie, and read its answers (CORS, in the Fetch standard). */
import cors from '@fastify/cors';
import fp from 'fastify-plugin';
import { METHODS } from './route-table.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Given with ORIGINS. @returns what lets the page of a request read an answer for which no hook has run. */
    corsHeaders?: (request: FastifyRequest) => Record<string, string>;
  }
}

/** The headers of answers that clients work with. Others are hidden from pages of other origins. */
const EXPOSED = [
  'Allow',
  'ETag',
  'Link',
  'Location',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'WWW-Authenticate',
  'X-Request-Id',
];

export default fp<{ origins: readonly string[] }>(
  async (app, { origins }) => {
    const listed = new Set(origins);
    app.decorate('corsHeaders', ({ headers: { origin } }) => {
      const vary = { vary: 'Origin' };
      if (origin === undefined || !listed.has(origin)) return vary;
      return {
        ...vary,
        'access-control-allow-origin': origin,
        'access-control-allow-credentials': 'true',
        'access-control-expose-headers': EXPOSED.join(', '),
      };
    });
    await app.register(cors, {
      // A function, since a list would answer the preflights of all origins.
      origin: (origin, answer) => answer(null, origin !== undefined && listed.has(origin)),
      credentials: true,
      methods: METHODS,
      allowedHeaders: ['Content-Type', 'Authorization', 'If-Match'],
      exposedHeaders: EXPOSED,
      // In seconds: how long browsers remember a preflight.
      maxAge: 600,
      // Else OPTIONS of a listed page that is no preflight would be 400, and no problem document.
      strictPreflight: false,
    });
  },
  { name: 'cors', dependencies: ['route-table'] },
);
