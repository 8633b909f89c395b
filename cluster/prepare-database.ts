/** Creates, migrates or checks the database at the start of the service, before workers and maintenance open it. */
import type { Settings } from '../config/load.ts';
import { openEngine } from '../db/database.ts';
import { ensureSchema } from '../db/migrate/migrator.ts';
import { userQueries } from '../db/queries/users.ts';
import type { PreparedDatabase } from './messages.ts';

/** Creates and migrates the database if AUTO_MIGRATE is set, and else checks it. @throws {Error} when it can't serve. */
export async function prepareDatabase(settings: Settings): Promise<PreparedDatabase> {
  const engine = await openEngine(settings, { create: settings.AUTO_MIGRATE });
  try {
    const migrations = await ensureSchema(engine, settings.AUTO_MIGRATE);
    const hasUsers = await userQueries(engine).exist();
    return { migrations, hasUsers };
  } finally {
    await engine.close();
  }
}
