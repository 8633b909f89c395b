/** What commands share: the settings and the database. */
import { existsSync } from 'node:fs';
import { sqliteFile } from '../config/database-url.ts';
import { loadSettings } from '../config/load.ts';
import { PROJECT_ROOT } from '../config/project.ts';
import { type Database, openEngine, prepareQueries } from '../db/database.ts';
import type { Engine } from '../db/engines/engine.ts';
import { ensureSchema } from '../db/migrate/migrator.ts';
import { terminal } from './terminal.ts';

/** @returns the settings, which are those of the service. @throws {SettingsError} */
export const commandSettings = () =>
  loadSettings({ root: PROJECT_ROOT, environment: terminal().environment });

/**
 * Opens the engine while the work runs.
 * @param options.create whether to create a missing SQLite database. Only `db upgrade` does.
 * @throws {SettingsError} @throws {MissingDatabaseError} @throws {DatabaseUnavailableError}
 */
export async function withEngine<Result>(
  work: (engine: Engine) => Promise<Result>,
  options: { create?: boolean } = {},
): Promise<Result> {
  const engine = await openEngine(commandSettings(), options);
  try {
    return await work(engine);
  } finally {
    await engine.close();
  }
}

/** @returns whether there is a database to open. A server's is assumed to exist. */
export function databaseExists(): boolean {
  const { DATABASE_URL } = commandSettings();
  const file = sqliteFile(DATABASE_URL);
  return file === undefined || existsSync(file);
}

/**
 * Opens the database while the work runs. Commands never migrate it, whatever AUTO_MIGRATE says: one of this version would
 * make it unusable for a service of an earlier one.
 * @throws {MissingDatabaseError} @throws {MigrationError} unless it has the schema of this version.
 */
export function withDatabase<Result>(work: (database: Database) => Promise<Result>): Promise<Result> {
  return withEngine(async (engine) => {
    await ensureSchema(engine, false);
    return work(prepareQueries(engine));
  });
}

/** @returns an action of a command: the work, with the database before what was typed. */
export function onDatabase<Typed extends unknown[]>(work: (db: Database, ...typed: Typed) => Promise<void>) {
  return (...typed: Typed) => withDatabase((db) => work(db, ...typed));
}
