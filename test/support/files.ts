/** Opens databases in the process of the test, with the engine or with the bare driver of SQLite. */
import { randomUUIDv7 } from 'node:crypto';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import type { Test } from 'tap';
import { loadSettings } from '../../config/load.ts';
import { openEngine, prepareQueries } from '../../db/database.ts';
import { ensureSchema, upgrade } from '../../db/migrate/migrator.ts';
import { makeFolder } from './processes.ts';

/** @returns the path of a database that does not exist yet, in a new folder. */
export function newPath(t: Test): string {
  return join(makeFolder(t), 'rollcall.db');
}

async function openUrl(t: Test, url: string, { worker = false }: { worker?: boolean }) {
  const environment = { DATABASE_URL: url };
  const engine = await openEngine(loadSettings({ root: import.meta.dirname, environment }), {
    create: !worker,
    worker,
  });
  t.teardown(() => engine.close());
  return engine;
}

/** Opens the file as a process of the service would; closed when the test ends. */
export function openFile(t: Test, path: string, options: { worker?: boolean } = {}) {
  return openUrl(t, `sqlite:${path}`, options);
}

/** Opens the database as a worker does, and applies pending migrations; closed when the test ends. */
export async function openServing(t: Test, url: string) {
  const engine = await openUrl(t, url, {});
  await ensureSchema(engine, true);
  return { engine, db: prepareQueries(engine) };
}

/** @returns a new, migrated database: its path, its engine and its queries. */
export async function makeFile(t: Test, options: { worker?: boolean } = {}) {
  const path = newPath(t);
  const first = await openFile(t, path);
  await upgrade(first);
  // One that stays open would notice what a test does to the file, and mend it by its log.
  await first.close();
  const engine = await openFile(t, path, options);
  return { path, engine, db: prepareQueries(engine) };
}

/** Opens the file with the bare driver, to inspect or to lock it; closed when the test ends. */
export function openBeside(t: Test, path: string): Sqlite.Database {
  const client = new Sqlite(path);
  t.teardown(() => client.close());
  return client;
}

/** Stands for a password hash in tests that do not sign in. */
const HASH = 'a hash';

/** @returns the fields of a user who has never signed in. */
export function userNamed(username: string, id = randomUUIDv7()) {
  return { id, username, name: '', email: null, active: true, passwordHash: HASH };
}

/** @returns the fields of a session of that user. */
export function sessionOf(userId: string, now = Date.now()) {
  const key = `${randomUUIDv7()}-------`;
  const ends = { expiresAt: now + 60_000, endsAt: now + 60_000 };
  const from = { address: '127.0.0.1', userAgent: 'test', remembered: false };
  return { key, id: randomUUIDv7(), userId, passwordHash: HASH, now, ...ends, ...from };
}
