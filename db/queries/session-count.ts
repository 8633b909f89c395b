/** Counts the sessions of all users, for those who watch the service. */
import { gt, sql } from '../drizzle.ts';
import type { Engine } from '../engines/engine.ts';
import { placeholder } from '../schema/column-types.ts';

/** @returns a function from the time to the number of sessions that have not ended. It reads the index of their ends alone. */
export function sessionCount({ build, readOne, tables: { sessions } }: Engine) {
  const count = readOne(
    build
      .select({ count: sql<number>`count(*)` })
      .from(sessions)
      .where(gt(sessions.expiresAt, placeholder('now'))),
  );
  return async (now: number): Promise<number> => (await count({ now }))?.count ?? 0;
}
