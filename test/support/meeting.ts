/** Runs two instances of the service on one database and makes their transactions start at the same time. */
import type { Test } from 'tap';
import type { App } from '../../app.ts';
import type { Settings } from '../../config/load.ts';
import type { TestEngine } from './engines.ts';
import { quickHashing, startService } from './service.ts';

/** Which instance writes first once both are ready. In `together` rounds it is left to chance, so there are several. */
export const ROUNDS = ['one-first', 'other-first', 'together-1', 'together-2', 'together-3'] as const;

/** Starts two instances of the service on one database, as two processes would run. */
export async function startTwo(
  t: Test,
  engine: TestEngine,
  more: Partial<Settings> = {},
): Promise<[App, App]> {
  const hashing = quickHashing;
  const { app: one, settings } = await startService(t, engine, { hashing, settings: more });
  const { DATABASE_URL, SECRET_KEY } = settings;
  const databaseUrl = engine.elsewhere?.(DATABASE_URL) ?? DATABASE_URL;
  const shared = { ...more, SECRET_KEY };
  const { app: other } = await startService(t, engine, { hashing, databaseUrl, settings: shared });
  return [one, other];
}

/** Until the test ends, delays transactions of several writes until both instances have one. */
export function meet(t: Test, apps: [App, App], round: (typeof ROUNDS)[number]): void {
  const { promise: bothReady, resolve: go } = Promise.withResolvers<void>();
  const { promise: firstDone, resolve: done } = Promise.withResolvers<void>();
  let ready = 0;
  for (const [index, { db }] of apps.entries()) {
    const isLater = round === ROUNDS[1 - index];
    const { atomically } = db;
    t.intercept(db, 'atomically', {
      value: async (writes: Parameters<typeof atomically>[0]) => {
        if (writes.length === 1) return atomically(writes);
        if (++ready === apps.length) go();
        await bothReady;
        if (isLater) await firstDone;
        return atomically(writes).finally(done);
      },
    });
  }
}
