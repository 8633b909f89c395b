/** Commands can't remove the last administrator, also when several run at once. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import mysql from 'mysql2/promise';
import type { Test } from 'tap';
import type { App } from '../../app.ts';
import { hasAdministrator } from '../support/administrators.ts';
import { commandsOn, fails } from '../support/commands.ts';
import { onEachEngine } from '../support/engines.ts';
import { makeFolder, PROJECT, run } from '../support/processes.ts';
import { until } from '../support/running.ts';
import { makeUser, signedIn, startService } from '../support/service.ts';

/** @returns the audit entries of the target, the newest first. */
const trail = (app: App, target: string) => app.db.audit.page({ target }, '', 'g', 100);

onEachEngine('Commands keep an administrator', async (t, engine) => {
  const { app, settings } = await startService(t, engine);
  const { db } = app;
  const command = commandsOn(settings.DATABASE_URL);
  const idOf = async (name: string) => (await db.users.findCredentials(name))?.id ?? '';
  await makeUser(app, 'ann', { admin: true });

  await t.test(
    'Commands cannot remove the last administrator, and a failed command is not audited',
    async (t) => {
      const ann = await idOf('ann');
      const before = await trail(app, ann);
      const attempts = [
        ['user', 'disable', 'ann'],
        ['user', 'delete', 'ann'],
        ['group', 'remove', 'admins', 'ann'],
      ];
      for (const each of await Promise.all(attempts.map((args) => command(args)))) {
        fails(t, each, /^manage: No other user who can sign in would hold every permission \(\*\)\. .+\n$/);
      }
      t.match(await db.users.find(ann), { active: true });
      t.same(await db.permissions.ofUser(ann), ['*']);
      t.same(await trail(app, ann), before);
      await signedIn(app, 'ann');
    },
  );

  await t.test(
    'One of three concurrent commands that would remove all administrators is refused',
    async (t) => {
      for (const name of ['dan', 'eve']) await makeUser(app, name, { admin: true });
      const lock = await lockAllUsers(t, settings.DATABASE_URL);
      const commands = [
        lock.start(['user', 'disable', 'ann']),
        lock.start(['user', 'delete', 'dan']),
        lock.start(['group', 'remove', 'admins', 'eve']),
      ];
      // All commands have read the users when the users change.
      await until(
        'all commands wait for the lock',
        async () => (await lock.waiting()) === commands.length || undefined,
      );
      await lock.commit();
      const results = await Promise.all(commands);
      const refused = results.filter(({ code }) => code !== 0);
      t.equal(refused.length, 1, JSON.stringify(results));
      for (const each of refused)
        fails(t, each, /^manage: No other user who can sign in would hold every permission/);
      t.ok(await hasAdministrator(db));
    },
  );
});

/** Locks every user until `commit`. Of the commands that `start` runs meanwhile, `waiting` counts those that wait for it. */
interface Lock {
  start(args: string[]): ReturnType<typeof run>;
  waiting(): Promise<number>;
  commit(): Promise<void>;
}

/** Changes every user in an open transaction, which locks them until it is committed. */
async function lockAllUsers(t: Test, databaseUrl: string): Promise<Lock> {
  const change = 'UPDATE users SET version = version + 1';
  const folder = makeFolder(t);
  const environment = { DATABASE_URL: databaseUrl, LOCKED_FOLDER: folder };
  const reporter = join(PROJECT, 'test/support/report-locked.ts');
  const start = (args: string[]) =>
    run(PROJECT, process.execPath, ['--import', reporter, 'manage.ts', ...args], { environment });
  if (databaseUrl.startsWith('sqlite:')) {
    const client = new Sqlite(databaseUrl.slice('sqlite:'.length));
    client.exec(`BEGIN IMMEDIATE; ${change}`);
    return {
      start,
      waiting: async () => readdirSync(folder).length,
      async commit() {
        client.exec('COMMIT');
        client.close();
      },
    };
  }
  const connection = await mysql.createConnection(databaseUrl);
  await connection.query('START TRANSACTION');
  await connection.query(change);
  return {
    start,
    async waiting() {
      const [rows] = await connection.query<mysql.RowDataPacket[]>(
        `SELECT ID FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID <> CONNECTION_ID()
         AND (INFO LIKE 'update %' OR INFO LIKE '% lock in share mode')`,
      );
      return rows.length;
    },
    async commit() {
      await connection.query('COMMIT');
      await connection.end();
    },
  };
}
