/** LOG_REQUESTS: one line of the log for each request, once its answer has gone or its client has left. Probes have none. */
import fp from 'fastify-plugin';
import { clientAddress } from './client-address.ts';

/** The client chooses the path of what is not found: so many characters of it are logged. */
const MAX_PATH = 256;

export default fp(
  async (app) => {
    app.addHook('onRequest', (request, reply, done) => {
      if (request.routeOptions.config.probe) return done();
      const began = performance.now();
      // When the connection has closed, its address is gone.
      const address = clientAddress(request);
      // Fastify's onResponse is not called when the client leaves first.
      reply.raw.once('close', () => {
        const { method, url, routeOptions, user } = request;
        request.log.info(
          {
            method,
            route: routeOptions.url,
            // The query could hold what is secret.
            path: url.split('?', 1)[0]?.slice(0, MAX_PATH),
            status: reply.statusCode,
            aborted: !reply.raw.writableFinished || undefined,
            duration: Math.round((performance.now() - began) * 10) / 10,
            user: user?.id,
            address,
            bytes: Number(reply.getHeader('content-length') ?? 0),
          },
          'request answered',
        );
      });
      done();
    });
  },
  { name: 'request-log' },
);
