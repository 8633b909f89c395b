/** Gives the rest of the service one object for the database: an engine with the queries of every area. */
import { sqliteFile } from '../config/database-url.ts';
import type { Settings } from '../config/load.ts';
import type { Engine } from './engines/engine.ts';
import { watchSchema } from './migrate/migrator.ts';
import { attemptQueries } from './queries/attempts.ts';
import { auditQueries } from './queries/audit.ts';
import { codeQueries } from './queries/codes.ts';
import { groupQueries } from './queries/groups.ts';
import { knownNetworkQueries } from './queries/known-networks.ts';
import { membershipQueries } from './queries/memberships.ts';
import { permissionQueries } from './queries/permissions.ts';
import { sessionQueries } from './queries/sessions.ts';
import { userSearch } from './queries/user-search.ts';
import { userQueries } from './queries/users.ts';
import { unsafeCast } from './schema/column-types.ts';

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
  const file = sqliteFile(url);
  // Each engine is loaded where it is used, since the other one's driver takes memory in every process.
  if (file !== undefined) {
    const { openSqlite } = await import('./engines/sqlite/engine.ts');
    return openSqlite(file, { create, worker });
  }
  const { openMysql } = await import('./engines/mysql/engine.ts');
  return openMysql({
    url,
    poolSize: Math.max(1, Math.floor(settings.POOL_SIZE / settings.WORKERS)),
    recycle: settings.POOL_RECYCLE,
  });
}

/**
 * @returns a function which prepares the queries of a part at the first call, and gives the same at each later one. It knows them by the
 * function that is passed, so that must be the same each time: noteQueries, and no arrow function around it.
 */
function prepareOnce(engine: Engine) {
  const prepared = new Map<unknown, unknown>();
  return <Queries>(prepare: (engine: Engine) => Queries): Queries => {
    if (!prepared.has(prepare)) prepared.set(prepare, prepare(engine));
    return unsafeCast<Queries>(prepared.get(prepare));
  };
}

/**
 * Prepares the queries of the core, and with `queries` those of other parts, each once. The schema must be up to date, because
 * preparing fails when a table is missing.
 */
export function prepareQueries(engine: Engine) {
  return {
    queries: prepareOnce(engine),
    atomically: engine.atomically,
    close: engine.close,
    poolUse: engine.poolUse,
    schemaIsCurrent: watchSchema(engine),
    users: userQueries(engine),
    groups: groupQueries(engine),
    memberships: membershipQueries(engine),
    permissions: permissionQueries(engine),
    sessions: sessionQueries(engine),
    codes: codeQueries(engine),
    attempts: attemptQueries(engine),
    knownNetworks: knownNetworkQueries(engine),
    audit: auditQueries(engine),
    userSearch: userSearch(engine),
  };
}
