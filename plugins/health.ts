/**
 * Tells as `app.health` whether the database can be written, and counts the requests that fail because it can't serve. Another process
 * tries the database, and logs once what goes wrong (db/health.ts).
 */
import fp from 'fastify-plugin';
import { DatabaseUnavailableError, MissingRightError, WrongSchemaError } from '../db/engines/engine.ts';

declare module 'fastify' {
  interface FastifyInstance {
    health: {
      /** Set from outside. */
      isWritable: boolean;
      /** @returns whether the error is counted, so that it needs no line of its own in the log. */
      counts(error: unknown): boolean;
    };
  }
}

interface HealthOptions {
  /** Takes the reason of each request that failed because the database can't serve. */
  onUnavailable?: ((reason: string) => void) | undefined;
}

/** Whether the database can't serve. A wrong schema, a missing right and an unknown outcome need more than waiting. */
function isPassing(error: unknown): error is DatabaseUnavailableError {
  if (error instanceof WrongSchemaError || error instanceof MissingRightError) return false;
  return error instanceof DatabaseUnavailableError && error.unchanged;
}

export default fp<HealthOptions>(
  async (app, { onUnavailable }) => {
    app.decorate('health', {
      isWritable: true,
      counts(error) {
        if (!onUnavailable || !isPassing(error)) return false;
        onUnavailable(error.message);
        return true;
      },
    });
  },
  { name: 'health' },
);
