/** The attempts of each second tell what is wrong with the database, and nothing once they have ended. */
import { test } from 'tap';
import { Health } from '../../db/health.ts';
import { makeLog } from '../support/log.ts';

for (const operation of ['schemaIsCurrent', 'tryWrite'] as const)
  test(`An attempt that fails because the service stops is no alarm (${operation})`, async (t) => {
    const { log, lines } = makeLog();
    const begun = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<never>();
    closed.promise.catch(() => {});
    const db = {
      schemaIsCurrent: async () => true,
      tryWrite: async () => {},
      [operation]() {
        begun.resolve();
        return closed.promise;
      },
    };
    const writable: boolean[] = [];
    const health = new Health(db, log, (isWritable) => writable.push(isWritable));
    // The timer of the attempts keeps no process alive.
    const alive = setInterval(() => {}, 1_000);
    await begun.promise;
    clearInterval(alive);
    health.end();
    closed.reject(new Error('the service stops.'));
    await new Promise((resolve) => setImmediate(resolve));
    t.strictSame({ lines, writable, isWell: health.isWell }, { lines: [], writable: [], isWell: true });
  });
