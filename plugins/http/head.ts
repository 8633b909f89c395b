/**
 * HEAD answers with the headers of GET, and Fastify adds the length of the body that GET would send. An answer of 204 has none and must
 * not name its length (RFC 9110, section 8.6), not even 0.
 */
import type { onSendHookHandler } from 'fastify';
import fp from 'fastify-plugin';

const dropLength: onSendHookHandler = (_request, reply, payload, done) => {
  if (reply.statusCode === 204) reply.removeHeader('content-length');
  done(null, payload);
};

export default fp(
  async (app) => {
    app.addHook('onRoute', (route) => {
      const response: unknown = route.schema?.response;
      const isEmpty = typeof response === 'object' && response !== null && '204' in response;
      // After Fastify's own hook, which sets it.
      if (route.method === 'HEAD' && isEmpty) route.onSend = [...[route.onSend ?? []].flat(), dropLength];
    });
  },
  { name: 'head' },
);
