/** Gives the rest of the service one object for the database: an engine with the queries of every area. */
import type { Settings } from '../config/load.ts';
import type { Engine } from './engines/engine.ts';
import { openSqlite } from './engines/sqlite/engine.ts';
import { watchSchema } from './migrate/migrator.ts';
import { attemptQueries } from './queries/attempts.ts';
import { auditQueries } from './queries/audit.ts';
import { codeQueries } from './queries/codes.ts';
import { groupQueries } from './queries/groups.ts';
import { membershipQueries } from './queries/memberships.ts';
import { permissionQueries } from './queries/permissions.ts';
import { purgeQueries } from './queries/purge.ts';
import { sessionQueries } from './queries/sessions.ts';
import { tokenQueries } from './queries/tokens.ts';
import { userSearch } from './queries/user-search.ts';
import { userQueries } from './queries/users.ts';

export type Database = ReturnType<typeof prepareQueries>;

/**
 * @param options.create whether to create a missing SQLite database, for whoever then migrates it.
 * @param options.worker whether another process maintains the database (see SqliteOptions).
 * @throws {MissingDatabaseError} @throws {DatabaseUnavailableError}
 */
export async function openEngine(
  settings: Settings,
  { create = false, worker = false } = {},
): Promise<Engine> {
  const url = settings.DATABASE_URL;
  if (url.startsWith('sqlite:')) return openSqlite(url.slice('sqlite:'.length), { create, worker });
  // A static import would load MySQL's driver for SQLite's users, too.
  const { openMysql } = await import('./engines/mysql/engine.ts');
  return openMysql({
    url,
    poolSize: Math.max(1, Math.floor(settings.POOL_SIZE / settings.WORKERS)),
    recycle: settings.POOL_RECYCLE,
  });
}

/** Prepares every query once. The schema must be up to date, because preparing fails when a table is missing. */
export function prepareQueries(engine: Engine) {
  return {
    atomically: engine.atomically,
    close: engine.close,
    schemaIsCurrent: watchSchema(engine),
    users: userQueries(engine),
    groups: groupQueries(engine),
    memberships: membershipQueries(engine),
    permissions: permissionQueries(engine),
    sessions: sessionQueries(engine),
    tokens: tokenQueries(engine),
    codes: codeQueries(engine),
    attempts: attemptQueries(engine),
    audit: auditQueries(engine),
    userSearch: userSearch(engine),
    purge: purgeQueries(engine),
  };
}
