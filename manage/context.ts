/** What commands share: the settings, the database, and printing. */
import { existsSync } from 'node:fs';
import { loadSettings } from '../config/load.ts';
import { PROJECT_ROOT } from '../config/project.ts';
import { type Database, openEngine, prepareQueries } from '../db/database.ts';
import type { Engine } from '../db/engines/engine.ts';
import { ensureSchema } from '../db/migrate/migrator.ts';

/**
 * Opens the engine while the work runs.
 * @param options.create whether to create a missing SQLite database. Only `db upgrade` does.
 * @throws {SettingsError} @throws {MissingDatabaseError} @throws {DatabaseUnavailableError}
 */
export async function withEngine<Result>(
  work: (engine: Engine) => Promise<Result>,
  options: { create?: boolean } = {},
): Promise<Result> {
  const settings = loadSettings({ root: PROJECT_ROOT, environment: process.env });
  const engine = await openEngine(settings, options);
  try {
    return await work(engine);
  } finally {
    await engine.close();
  }
}

/** @returns whether there is a database to open. A server's is assumed to exist. */
export function databaseExists(): boolean {
  const { DATABASE_URL: url } = loadSettings({ root: PROJECT_ROOT, environment: process.env });
  return !url.startsWith('sqlite:') || existsSync(url.slice('sqlite:'.length));
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

// Users choose part of what is printed, and must not control the terminal.
const STEERING = /(?![\n\t])\p{Cc}/gu;

/** @returns the text with control characters as JSON has them. */
export function withoutControls(text: string): string {
  return text.replace(STEERING, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Writes a line to standard output. */
export function print(line: string): void {
  process.stdout.write(`${withoutControls(line)}\n`);
}

/** Prints a secret alone on standard output, for scripts, and what it is on standard error. */
export function printSecret(secret: string, about: string): void {
  process.stderr.write(`${withoutControls(about)}\n`);
  print(secret);
}
