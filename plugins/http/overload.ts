/**
 * Overload: more requests than this process can answer. They wait unseen, in connections that its event loop has not read yet. The loop
 * reads on as long as there is something to read, which puts off timers and new connections for many seconds. So a process that has been
 * busy without a pause serves requests for a bounded time of each turn of the loop, and refuses the rest of the turn by less work than an
 * answer takes. A long pause, such as that of a garbage collection, is no overload.
 */
import type { onRequestHookHandler } from 'fastify';
import fp from 'fastify-plugin';
import { ProblemError } from './problems.ts';

declare module 'fastify' {
  interface FastifyInstance {
    overload: {
      /** How many requests were refused since the start. */
      readonly refused: number;
    };
  }
  interface FastifyContextConfig {
    /** What watches the service asks the route: it is answered under overload too. */
    probe?: boolean;
  }
}

/** All in milliseconds. So long, a turn of the loop serves requests under overload. One that takes longer is busy. */
const SERVING_TIME = 250;
/** An overload begins when turns have been busy for so long, which is more than one slow second, and ends so long after the last refusal. */
const PATIENCE = 2_000;
/** How often a new turn is noticed, at most. It is shorter than SERVING_TIME. */
const INTERVAL = 50;

export default fp(
  async (app) => {
    const overload = { refused: 0 };
    app.decorate('overload', overload);
    // Made once, since a refusal need not cost a stack trace.
    const refusal = new ProblemError({
      kind: 'overloaded',
      detail: 'The service has more requests than it can answer. Nothing was changed; try again in a moment.',
      headers: { 'retry-after': '1' },
      logged: true,
    });

    /** When this turn read its first request, and the first of the busy turns without a pause did. 0: there was none. */
    let turnBegan = 0;
    let busySince = 0;
    let lastRefusal = 0;
    /** How many had been refused when the overload began. */
    let refusedBefore: number | undefined;

    // A timer runs once a turn, before requests are read.
    function beginTurn(): void {
      const now = performance.now();
      const isIdle = turnBegan === 0;
      if (isIdle || now - turnBegan < SERVING_TIME) busySince = 0;
      turnBegan = 0;
      if (refusedBefore !== undefined && now - lastRefusal >= PATIENCE) {
        app.log.warn({ refused: overload.refused - refusedBefore }, 'the service is no longer overloaded');
        refusedBefore = undefined;
      }
      // A service that nobody asks needs no timer: twenty times a second, it would use some percent of a processor.
      if (!isIdle || refusedBefore !== undefined) timer?.refresh();
    }

    // Only a server has requests that wait. A test that injects requests can fill the turns by itself.
    let timer: NodeJS.Timeout | undefined;
    app.server.once('listening', () => {
      timer = setTimeout(beginTurn, INTERVAL).unref();
    });
    app.addHook('onClose', async () => clearTimeout(timer));

    const hook: onRequestHookHandler = (request, _reply, done) => {
      if (!timer) return done();
      const now = performance.now();
      if (turnBegan === 0) {
        turnBegan = now;
        timer.refresh();
      }
      if (busySince === 0) busySince = now;
      if (now - turnBegan < SERVING_TIME) return done();
      if (refusedBefore === undefined && now - busySince < PATIENCE) return done();
      if (request.routeOptions.config.probe) return done();
      if (refusedBefore === undefined) {
        refusedBefore = overload.refused;
        app.log.warn('the service is overloaded: it refuses requests that it could not answer soon');
      }
      lastRefusal = now;
      overload.refused++;
      // When the turn has read all that there is: an answer now would bring the client's next request into this turn as well.
      setImmediate(done, refusal);
    };
    app.addHook('onRequest', hook);
  },
  { name: 'overload', dependencies: ['errors'] },
);
