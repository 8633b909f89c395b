/**
 * What a request logs with: a child of the log that carries the request's id. Few requests log anything, so the child is
 * made when the first entry is written. A hook gives it to the request, and not Fastify, which would look at each of its methods,
 * for every request. What is answered before any hook, since the service is closing or the URL can't be read, logs nothing.
 */
import type { FastifyBaseLogger, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';

type ChildOptions = Parameters<FastifyBaseLogger['child']>[1];
type Entry = [entry: unknown, ...rest: unknown[]];
type Level = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route has said of logging, for those who make its log. */
    logging?: ChildOptions;
  }
}

class RequestLog implements FastifyBaseLogger {
  readonly #log: FastifyBaseLogger;
  readonly #request: FastifyRequest;
  #made: FastifyBaseLogger | undefined;

  constructor(log: FastifyBaseLogger, request: FastifyRequest) {
    this.#log = log;
    this.#request = request;
  }

  #own(): FastifyBaseLogger {
    if (!this.#made) {
      const { id, routeOptions } = this.#request;
      // Where there is no route there is no config.
      this.#made = this.#log.child({ requestId: id }, routeOptions.config?.logging);
    }
    return this.#made;
  }

  #write(level: Level, entry: Entry): void {
    const own = this.#own();
    Reflect.apply(own[level], own, entry);
  }

  get level(): string {
    return this.#log.level;
  }
  fatal(...entry: Entry): void {
    this.#write('fatal', entry);
  }
  error(...entry: Entry): void {
    this.#write('error', entry);
  }
  warn(...entry: Entry): void {
    this.#write('warn', entry);
  }
  info(...entry: Entry): void {
    this.#write('info', entry);
  }
  debug(...entry: Entry): void {
    this.#write('debug', entry);
  }
  trace(...entry: Entry): void {
    this.#write('trace', entry);
  }
  silent(...entry: Entry): void {
    this.#write('silent', entry);
  }
  child(...given: Parameters<FastifyBaseLogger['child']>): FastifyBaseLogger {
    return this.#own().child(...given);
  }
}

/** To be registered before whatever logs for a request. */
export default fp<{ log: FastifyBaseLogger }>(
  async (app, { log }) => {
    app.addHook('onRoute', (route) => {
      const { logLevel: level, logSerializers: serializers } = route;
      if (!level && !serializers) return;
      const logging = { ...(level ? { level } : {}), ...(serializers ? { serializers } : {}) };
      route.config = { ...route.config, logging };
    });
    app.addHook('onRequest', (request, reply, done) => {
      request.log = reply.log = new RequestLog(log, request);
      done();
    });
  },
  { name: 'request-log' },
);
