/**
 * Measures requests, sign-ins, passwords and the process, for Prometheus. It is loaded with METRICS_PORT only. The primary asks each worker
 * for its values and adds them up (cluster/metrics.ts). Each value with the label `worker` belongs to one worker, which can't know its
 * number; the primary writes it.
 */
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { BusyError } from '../accounts/errors.ts';
import { METHODS } from './http/route-table.ts';
import { makeRegistry } from './process-metrics.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** The values of this process; there with METRICS_PORT only. */
    metrics?: Registry;
  }
  interface FastifyRequest {
    /** When it came, in milliseconds of performance.now(). */
    startedAt: number;
  }
}

/** In seconds: reads take the first, what looks at a password those in the middle. Each bucket is a series for each route. */
const BUCKETS = [0.001, 0.005, 0.025, 0.1, 0.25, 1, 5];

/** Clients choose the method and the path. What is not ours is one series, or they would fill the memory of Prometheus. */
const KNOWN_METHODS = new Set([...METHODS, 'OPTIONS']);
const STATUS_CLASSES = ['', '1xx', '2xx', '3xx', '4xx', '5xx'];

const SIGN_IN = '/api/sign/in';
const SIGN_IN_RESULTS: Record<number, string> = {
  200: 'signed-in',
  401: 'wrong',
  429: 'throttled',
  503: 'unavailable',
};
/** Such as a body that is none, or a page of another site. */
const INVALID = 'invalid';

export default fp(
  async (app) => {
    const registry = makeRegistry('');
    const registers = [registry];
    app.decorate('metrics', registry);

    const requests = new Histogram({
      name: 'rollcall_http_request_duration_seconds',
      help: 'Requests, by the time until the answer was ready to be sent.',
      labelNames: ['method', 'route', 'status'],
      buckets: BUCKETS,
      registers,
    });
    const signIns = new Counter({
      name: 'rollcall_sign_ins_total',
      help: 'Sign-ins by password, by their result.',
      labelNames: ['result'],
      registers,
    });
    // From 0, since Prometheus sees no increase in the first value of a series.
    for (const result of [...Object.values(SIGN_IN_RESULTS), INVALID]) signIns.inc({ result }, 0);
    const refused = new Counter({
      name: 'rollcall_password_requests_refused_total',
      help: 'Requests that were turned away because too many passwords waited to be hashed.',
      registers,
    });
    new Counter({
      name: 'rollcall_overload_refused_total',
      help: 'Requests that were refused because the worker had more than it could serve.',
      registers,
      collect() {
        this.reset();
        this.inc(app.overload.refused);
      },
    });
    const gauge = (name: string, help: string, read: () => number | undefined) =>
      new Gauge({
        name,
        help,
        labelNames: ['worker'],
        registers,
        collect() {
          const value = read();
          if (value !== undefined) this.set({ worker: '' }, value);
        },
      });
    gauge(
      'rollcall_password_hashes_running',
      'Passwords that are being hashed.',
      () => app.passwords.running,
    );
    gauge(
      'rollcall_password_requests_waiting',
      'Requests that wait until their password is hashed.',
      () => app.passwords.waiting,
    );
    gauge(
      'rollcall_database_connections_used',
      'Connections to MySQL that a request uses.',
      () => app.db.poolUse()?.inUse,
    );
    gauge(
      'rollcall_database_connections_idle',
      'Open connections to MySQL that no request uses.',
      () => app.db.poolUse()?.idle,
    );
    gauge(
      'rollcall_database_requests_waiting',
      'Requests that wait for a connection to MySQL.',
      () => app.db.poolUse()?.waiting,
    );

    app.decorateRequest('startedAt', 0);
    app.addHook('onRequest', (request, _reply, done) => {
      request.startedAt = performance.now();
      done();
    });
    // Not onResponse: attending to the end of each answer costs several times as much (see app.ts).
    app.addHook('onSend', (request, { statusCode }, payload, done) => {
      const { method, route } = labelsOf(request);
      const status = STATUS_CLASSES[Math.floor(statusCode / 100)] ?? 'other';
      requests.observe({ method, route, status }, (performance.now() - request.startedAt) / 1000);
      if (route === SIGN_IN && method === 'POST')
        signIns.inc({ result: SIGN_IN_RESULTS[statusCode] ?? INVALID });
      done(null, payload);
    });
    app.addHook('onError', (_request, _reply, error, done) => {
      if (error instanceof BusyError) refused.inc();
      done();
    });
  },
  { name: 'metrics' },
);

function labelsOf(request: FastifyRequest) {
  const { method, routeOptions } = request;
  return {
    method: KNOWN_METHODS.has(method) ? method : 'other',
    route: routeOptions.url ?? 'unknown',
  };
}
