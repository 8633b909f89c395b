/**
 * Tells as `app.health` whether the database can be written, and counts the requests that fail because it can't serve. A worker is told
 * by its primary, and tells it; an app without one tries by itself from when it listens.
 */

import type { FastifyBaseLogger } from 'fastify';
import fp from 'fastify-plugin';
import { DatabaseUnavailableError, MissingRightError, WrongSchemaError } from '../db/engines/engine.ts';
import { Health } from '../db/health.ts';

declare module 'fastify' {
  interface FastifyInstance {
    health: {
      isWritable: boolean;
      /** @returns whether the error is counted, so that it needs no line of its own in the log. */
      counts(error: unknown): boolean;
    };
  }
}

interface HealthOptions {
  log: FastifyBaseLogger;
  /** Whether another process tries to write. */
  worker: boolean;
  /** Takes the reason of each request that failed because the database can't serve. */
  onUnavailable?: ((reason: string) => void) | undefined;
}

/** Whether the database can't serve. A wrong schema, a missing right and an unknown outcome need more than waiting. */
function isPassing(error: unknown): error is DatabaseUnavailableError {
  if (error instanceof WrongSchemaError || error instanceof MissingRightError) return false;
  return error instanceof DatabaseUnavailableError && error.unchanged;
}

export default fp<HealthOptions>(
  async (app, { log, worker, onUnavailable }) => {
    let report = onUnavailable;
    app.decorate('health', {
      isWritable: true,
      counts(error) {
        if (!report || !isPassing(error)) return false;
        report(error.message);
        return true;
      },
    });
    if (worker) return;
    let health: Health | undefined;
    app.addHook('onListen', async () => {
      const started = new Health(app.db, log, (isWritable) => {
        app.health.isWritable = isWritable;
      });
      report = (reason) => started.noteFailures(1, reason);
      health = started;
    });
    app.addHook('onClose', async () => health?.end());
  },
  { name: 'health', dependencies: ['database'], decorators: { fastify: ['db'] } },
);
