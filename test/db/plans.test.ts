/**
 * How SQLite goes about each statement of the service (MariaDB's plans depend on what is in its tables), so that they cost the same among a million users as among a thousand:
 * no query looks at a whole table or sorts one, and none is planned anew each time that it is run.
 */
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { test } from 'tap';
import { loadSettings } from '../../config/load.ts';
import { PROJECT_ROOT } from '../../config/project.ts';
import { openEngine, prepareQueries } from '../../db/database.ts';
import { ensureSchema } from '../../db/migrate/migrator.ts';

/** What is sorted, or told apart, is what one user has: their sessions, and the permissions of their groups. */
const SORTED_BY_USER = [
  'select distinct "group_permissions"."permission" from "memberships"',
  'select distinct "group_permissions"."permission" from "sessions"',
  'select distinct "group_permissions"."permission" from "tokens"',
  'select "id", "created_at", "last_seen_at"',
];

test('the statements', async (t) => {
  const settings = loadSettings({
    root: PROJECT_ROOT,
    environment: { DATABASE_URL: `sqlite:${join(t.testdir(), 'rollcall.db')}` },
  });
  const engine = await openEngine(settings);
  t.teardown(() => engine.close());
  await ensureSchema(engine, true);
  const texts: string[] = [];
  const note = (...queries: { toSQL(): { sql: string } }[]) =>
    texts.push(...queries.map((query) => query.toSQL().sql));
  const noting =
    <Query extends { toSQL(): { sql: string } }, Rest extends unknown[], Result>(
      prepare: (query: Query, ...rest: Rest) => Result,
    ) =>
    (query: Query, ...rest: Rest) => {
      note(query);
      return prepare(query, ...rest);
    };
  const prepares = t.capture(Sqlite.prototype, 'prepare', Sqlite.prototype.prepare);
  prepareQueries({
    ...engine,
    read: noting(engine.read),
    readOne: noting(engine.readOne),
    readOneCached: noting(engine.readOneCached),
    readAll(queries) {
      note(...queries);
      return engine.readAll(queries);
    },
    readWith(thing, list) {
      note(thing, list);
      return engine.readWith(thing, list);
    },
    readWithCached(thing, list, make) {
      note(thing, list);
      return engine.readWithCached(thing, list, make);
    },
    write: noting(engine.write),
    condition: noting(engine.condition),
  });
  const prepared = prepares().map(({ args }) => String(args[0]));
  t.ok(texts.length > 50, 'they are all here');

  for (const text of new Set(texts)) {
    await t.test(text, async (t) => {
      const plan = await engine.query(`EXPLAIN QUERY PLAN ${text.replaceAll('?', "'1'")}`);
      const steps = plan.map(({ detail }) => String(detail));
      // A page is what was read first, with its limit.
      t.notMatch(steps.join('\n'), /\bSCAN (?!page$)/m, 'looks at no whole table');
      if (!SORTED_BY_USER.some((beginning) => text.startsWith(beginning))) {
        t.notMatch(steps.join('\n'), /TEMP B-TREE/, 'sorts nothing');
      }
    });
  }

  await t.test('No statement is planned by the values of its parameters', async (t) => {
    t.ok(prepared.length > 50, 'all statements are here');
    for (const text of prepared) t.notMatch(text, /[^+]\?/, text);
  });
});
