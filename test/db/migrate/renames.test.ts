/**
 * A renamed table or column must keep its data, up and down. drizzle-kit asks at a terminal what was renamed, so these
 * tests run in one. The second migration has several kinds of changes on the same tables, where the up file of
 * drizzle-kit fails on SQLite (see db/migrate/reverse.ts).
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { fillTables, query, type Row, rowsOf } from '../../support/database-content.ts';
import { engines } from '../../support/engines.ts';
import { MigrationWalk, ProjectCopy } from '../../support/migrations.ts';
import { Running } from '../../support/running.ts';

const DOWN = '\u001b[B';

type Answer = 'renamed' | 'created';

/** Makes a migration at a terminal, and answers the questions of drizzle-kit, once for each dialect. */
async function reviseAtTerminal(
  t: Test,
  { folder }: ProjectCopy,
  name: string,
  answers: Answer[],
): Promise<void> {
  const command = `env -u NODE_OPTIONS node manage.ts db revision ${name}`;
  const terminal = new Running(folder, 'script', ['-qefc', command, '/dev/null'], {}, 'pipe');
  t.teardown(() => terminal.kill());
  /** How often each text has been printed so far. */
  const seen = new Map<string, number>();
  const waitFor = (text: string) => {
    const times = (seen.get(text) ?? 0) + 1;
    seen.set(text, times);
    return terminal.says(
      `${text}, ${times} times`,
      (output) => output.split(text).length > times || undefined,
    );
  };
  for (const answer of [...answers, ...answers]) {
    await waitFor('created or renamed from another');
    if (answer === 'renamed') {
      terminal.child.stdin?.write(DOWN);
      // drizzle-kit prints the question again when another answer is selected.
      await waitFor('created or renamed from another');
    }
    terminal.child.stdin?.write('\r');
    await waitFor(`will be ${answer}`);
  }
  const { code } = await terminal.exit;
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${terminal.output.stdout}`);
}

test('Renamed tables and columns keep their data', async (t) => {
  const project = new ProjectCopy(t);
  const users = 'db/schema/users.ts';
  const groups = 'db/schema/groups.ts';
  const files = () => readdirSync(join(project.folder, 'db/migrations'), { recursive: true }).sort();

  project.edit(
    users,
    '      name: t.string(USER_LENGTHS.name)',
    '      displayName: t.string(USER_LENGTHS.name)',
  );
  project.edit(groups, "'memberships',", "'belongings',");
  project.edit(groups, 'role: t.', 'part: t.');
  const before = files();
  const refused = await project.runDb('sqlite::none:', 'revision', 'renamed');
  t.match(refused, { code: 1, stderr: /asked whether something was renamed, run this at a terminal/ });
  t.strictSame(files(), before, 'no file is made without a terminal');
  await reviseAtTerminal(t, project, 'renamed', ['renamed', 'renamed', 'renamed']);

  // Several kinds of changes on two tables, one of which references the other.
  project.edit(
    users,
    "displayName: t.string(USER_LENGTHS.name).notNull().default('')",
    "fullName: t.string(220).notNull().default('?')",
  );
  project.edit(
    users,
    'email: t.string(USER_LENGTHS.email)',
    "locale: t.string(8).notNull().default('en'), home: t.string(99), email: t.string(USER_LENGTHS.email)",
  );
  project.edit(users, 'lastSignInAt: t.instant(),', '');
  project.edit(
    users,
    "t.uniqueIndex('users_email_key').on(users.emailKey)",
    "t.index('users_locale').on(users.locale)",
  );
  project.edit(groups, "'belongings',", "'members',");
  project.edit(groups, 'part: t.string(16)', 'duty: t.string(64)');
  await reviseAtTerminal(t, project, 'several', ['renamed', 'renamed', 'renamed', 'created', 'created']);

  for (const { name, makeDatabase } of engines) {
    t.test(`Renamed tables and columns keep their data up, down and up again, on ${name}`, async (t) => {
      const url = await makeDatabase(t);
      await project.migrate(url, 'upgrade', '0000_first');
      await fillTables(url);
      const filled = await rowsOf(url);
      const walk = new MigrationWalk(t, url, (direction, target) => project.migrate(url, direction, target));
      /** @returns the values of those columns, sorted by the first two. */
      const values = async (table: string, ...columns: string[]) => {
        const rows: Row[] = await query(url, `SELECT ${columns.join(', ')} FROM ${table} ORDER BY 1, 2`);
        return rows.map((row) => columns.map((column) => row[column]));
      };
      const names = await values('users', 'id', 'name', 'email_key');
      const roles = await values('memberships', 'group_id', 'user_id', 'role');
      t.equal(names.length, 3);

      for (const round of ['first', 'second']) {
        t.comment(round);
        await walk.to('upgrade', '0001_renamed');
        t.strictSame(await values('users', 'id', 'display_name', 'email_key'), names);
        t.strictSame(await values('belongings', 'group_id', 'user_id', 'part'), roles);
        await walk.to('upgrade', '0002_several');
        t.strictSame(await values('users', 'id', 'full_name', 'email_key'), names);
        t.strictSame(await values('members', 'group_id', 'user_id', 'duty'), roles);
        t.match((await rowsOf(url)).users, [{ locale: 'en', home: null }]);
        await walk.to('downgrade', '0001_renamed');
        t.strictSame(await values('users', 'id', 'display_name', 'email_key'), names);
        t.strictSame(await values('belongings', 'group_id', 'user_id', 'part'), roles);
        await walk.to('downgrade', '0000_first');
        t.strictSame(await values('users', 'id', 'name', 'email_key'), names);
        t.strictSame((await rowsOf(url)).memberships, filled.memberships);
      }
      t.strictSame((await rowsOf(url)).sessions, filled.sessions);
    });
  }
});
