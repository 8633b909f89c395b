/**
 * A renamed table or column must keep what is in it, up and down. drizzle-kit can't know that something was renamed and
 * asks at the terminal; so these tests have one. Then everything at once on the same tables, which is where
 * drizzle-kit's own way up for SQLite fails (see `forward` in db/reverse.ts).
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { engines } from '../support/engines.ts';
import { ask, fill, type Row, rowsOf, Scratch, Walk } from '../support/migrations.ts';
import { Running } from '../support/processes.ts';

const DOWN = '\u001b[B';

type Answer = 'renamed' | 'created';

/** Makes a migration at a terminal, and gives drizzle-kit these answers to its questions, once for each dialect. */
async function reviseAtTerminal(
  t: Test,
  { folder }: Scratch,
  name: string,
  answers: Answer[],
): Promise<void> {
  const command = `env -u NODE_OPTIONS node manage.ts db revision ${name}`;
  const terminal = new Running(folder, 'script', ['-qefc', command, '/dev/null'], {}, 'pipe');
  t.teardown(() => terminal.kill());
  /** How often each text has come up to now. */
  const seen = new Map<string, number>();
  const says = (text: string) => {
    const times = (seen.get(text) ?? 0) + 1;
    seen.set(text, times);
    return terminal.says(
      `${text}, ${times} times`,
      (output) => output.split(text).length > times || undefined,
    );
  };
  for (const answer of [...answers, ...answers]) {
    await says('created or renamed from another');
    if (answer === 'renamed') {
      terminal.child.stdin?.write(DOWN);
      // The question is written once more when another answer is chosen.
      await says('created or renamed from another');
    }
    terminal.child.stdin?.write('\r');
    await says(`will be ${answer}`);
  }
  const { code } = await terminal.exit;
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${terminal.output.stdout}`);
}

test('renamed tables and columns', async (t) => {
  const scratch = new Scratch(t);
  const users = 'db/schema/users.ts';
  const groups = 'db/schema/groups.ts';
  const files = () => readdirSync(join(scratch.folder, 'db/migrations'), { recursive: true }).sort();

  scratch.edit(users, '      name: t.string(USER_LENGTHS.name)', '      displayName: t.string(USER_LENGTHS.name)');
  scratch.edit(groups, "'memberships',", "'belongings',");
  scratch.edit(groups, 'role: t.', 'part: t.');
  const before = files();
  const refused = await scratch.db('sqlite::none:', 'revision', 'renamed');
  t.match(refused, { code: 1, stderr: /asked whether something was renamed, run this at a terminal/ });
  t.strictSame(files(), before, 'without a terminal no file is made');
  await reviseAtTerminal(t, scratch, 'renamed', ['renamed', 'renamed', 'renamed']);

  // All kinds of changes on two tables, one of which refers to the other.
  scratch.edit(
    users,
    "displayName: t.string(USER_LENGTHS.name).notNull().default('')",
    "fullName: t.string(220).notNull().default('?')",
  );
  scratch.edit(
    users,
    'email: t.string(USER_LENGTHS.email)',
    "locale: t.string(8).notNull().default('en'), home: t.string(99), email: t.string(USER_LENGTHS.email)",
  );
  scratch.edit(users, 'lastSignInAt: t.instant(),', '');
  scratch.edit(
    users,
    "t.uniqueIndex('users_email_key').on(users.emailKey)",
    "t.index('users_locale').on(users.locale)",
  );
  scratch.edit(groups, "'belongings',", "'members',");
  scratch.edit(groups, 'part: t.string(16)', 'duty: t.string(64)');
  await reviseAtTerminal(t, scratch, 'several', ['renamed', 'renamed', 'renamed', 'created', 'created']);

  for (const { name, makeDatabase } of engines) {
    t.test(`keep what is in them, up, down and up again, on ${name}`, async (t) => {
      const url = await makeDatabase(t);
      await scratch.move(url, 'upgrade', '0000_first');
      await fill(url);
      const filled = await rowsOf(url);
      const walk = new Walk(t, url, (direction, target) => scratch.move(url, direction, target));
      /** @returns the values of those columns, in the order of the first one. */
      const values = async (table: string, ...columns: string[]) => {
        const rows: Row[] = await ask(url, `SELECT ${columns.join(', ')} FROM ${table} ORDER BY 1, 2`);
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
