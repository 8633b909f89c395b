/** Two instances of the service that do something at the same moment, on one database. */
import type { Test } from 'tap';
import type { App } from '../../app.ts';
import type { TestEngine } from './engines.ts';
import { quickHashing, startService } from './service.ts';

/** Who writes first once both are about to write; together, it is left to chance, and tried again. */
export const ROUNDS = ['one-first', 'other-first', 'together-1', 'together-2', 'together-3'] as const;

/** Two instances of the service, as two processes would be. */
export async function startTwo(t: Test, engine: TestEngine): Promise<[App, App]> {
  const hashing = quickHashing;
  const { app: one, settings } = await startService(t, engine, { hashing });
  const { DATABASE_URL: databaseUrl, SECRET_KEY } = settings;
  const { app: other } = await startService(t, engine, { hashing, databaseUrl, settings: { SECRET_KEY } });
  return [one, other];
}

/** Lets the lists of several writes wait until each instance has one, and then begin, until the test is over. */
export function meet(t: Test, apps: [App, App], round: (typeof ROUNDS)[number]): void {
  const { promise: bothAreThere, resolve: go } = Promise.withResolvers<void>();
  const { promise: firstIsDone, resolve: done } = Promise.withResolvers<void>();
  let there = 0;
  for (const [index, { db }] of apps.entries()) {
    const isLater = round === ROUNDS[1 - index];
    const { atomically } = db;
    t.intercept(db, 'atomically', {
      value: async (writes: Parameters<typeof atomically>[0]) => {
        if (writes.length === 1) return atomically(writes);
        if (++there === apps.length) go();
        await bothAreThere;
        if (isLater) await firstIsDone;
        return atomically(writes).finally(done);
      },
    });
  }
}
