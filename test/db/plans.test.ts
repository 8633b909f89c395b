/**
 * Checks SQLite's query plan of each statement of the service, so that none gets slower with more rows: no statement may
 * scan or sort a whole table, or be planned again each time it runs. MariaDB's plans depend on the data and are not tested.
 */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { test } from 'tap';
import { loadSettings } from '../../config/load.ts';
import { PROJECT_ROOT } from '../../config/project.ts';
import { openEngine, prepareQueries } from '../../db/database.ts';
import { ensureSchema } from '../../db/migrate/migrator.ts';

/** These sort or deduplicate only the rows of one user: their sessions and the permissions of their groups. */
const SORTED_BY_USER = [
  'select "id", "created_at", "last_seen_at"',
  'delete from "sessions" where "sessions"."key" in',
];

test('No statement of the service scans or sorts a whole table in SQLite', async (t) => {
  const settings = loadSettings({
    root: PROJECT_ROOT,
    environment: { DATABASE_URL: `sqlite:${join(t.testdir(), 'rollcall.db')}` },
  });
  const engine = await openEngine(settings, { create: true });
  t.teardown(() => engine.close());
  await ensureSchema(engine, true);
  const texts: string[] = [];
  const record = (...queries: { toSQL(): { sql: string } }[]) =>
    texts.push(...queries.map((query) => query.toSQL().sql));
  const recording =
    <Query extends { toSQL(): { sql: string } }, Rest extends unknown[], Result>(
      prepare: (query: Query, ...rest: Rest) => Result,
    ) =>
    (query: Query, ...rest: Rest) => {
      record(query);
      return prepare(query, ...rest);
    };
  const prepares = t.capture(Sqlite.prototype, 'prepare', Sqlite.prototype.prepare);
  const db = prepareQueries({
    ...engine,
    read: recording(engine.read),
    readOne: recording(engine.readOne),
    readOneCached(query) {
      record(query);
      return engine.readOneCached(query);
    },
    readAll(queries) {
      record(...queries);
      return engine.readAll(queries);
    },
    readWith(thing, list) {
      record(thing, list);
      return engine.readWith(thing, list);
    },
    readWithCached(thing, list, make) {
      record(thing, list);
      return engine.readWithCached(thing, list, make);
    },
    write: recording(engine.write),
    condition: recording(engine.condition),
  });
  for (const file of globSync('db/queries/*.ts', { cwd: PROJECT_ROOT })) {
    const module: Record<string, unknown> = await import(join(PROJECT_ROOT, file));
    for (const [name, prepare] of Object.entries(module))
      if (name.endsWith('Queries') && typeof prepare === 'function') db.queries((engine) => prepare(engine));
  }
  const prepared = prepares().map(({ args }) => String(args[0]));
  t.ok(texts.length > 50, 'all statements are recorded');

  for (const text of new Set(texts)) {
    await t.test(`The plan uses an index for ${text}`, async (t) => {
      const plan = await engine.query(`EXPLAIN QUERY PLAN ${text.replaceAll('?', "'1'")}`);
      const steps = plan.map(({ detail }) => String(detail));
      // Subqueries: `page` is limited to one page, and `unseen_longest` to the sessions of a user.
      t.notMatch(steps.join('\n'), /\bSCAN (?!(page|unseen_longest)$)/m, 'the plan has no full scan');
      if (!SORTED_BY_USER.some((start) => text.startsWith(start))) {
        t.notMatch(steps.join('\n'), /TEMP B-TREE/, 'the plan has no sort');
      }
    });
  }

  await t.test('No statement is planned by the values of its parameters', async (t) => {
    t.ok(prepared.length > 50, 'all prepared statements are recorded');
    for (const text of prepared) t.notMatch(text, /[^+]\?/, text);
  });
});
