/**
 * Only `db upgrade` and a start with AUTO_MIGRATE make or migrate a database. An operator who takes an upgrade back, or mistypes
 * DATABASE_URL, must not find a database upgraded again or made by a command that lists users.
 */
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { rowsOf, schemaOf } from '../support/database-content.ts';
import { onEachEngine } from '../support/engines.ts';
import { ProjectCopy } from '../support/migrations.ts';
import { hasTokens } from '../support/optional.ts';
import { inParallel } from '../support/own-server.ts';
import { makeFolder, manage, type Result, runServer } from '../support/processes.ts';

const ID = '0198c5a0-0000-7000-8000-000000000000';

/** One call of each kind of command that opens the database, but for `db upgrade`. */
const COMMANDS = [
  'user list',
  'user create ann --admin --password-stdin',
  'group create writers',
  ...(hasTokens ? ['token list ann'] : []),
  `session end ann ${ID}`,
  'audit list',
].map((line) => line.split(' '));

const DB_COMMANDS = ['db current', 'db history', 'db downgrade -1', 'db backup copy.db'].map((line) =>
  line.split(' '),
);

/** Runs the commands, two at a time. @returns each with its result. */
async function runAll(commands: string[][], runOne: (args: string[]) => Promise<Result>) {
  const results = await inParallel(commands.length, 2, (n) => runOne(commands[n] ?? []));
  return results.map((result, n) => ({ line: (commands[n] ?? []).join(' '), ...result }));
}

test('Commands do not create a missing database', async (t) => {
  const folder = makeFolder(t);
  const DATABASE_URL = `sqlite:${join(folder, 'nope/deep/typo.db')}`;
  const missing = `There is no database at ${DATABASE_URL}. "npm run manage -- db upgrade" makes it.\n`;

  t.test('Every command names the database and the command that makes it', async (t) => {
    const environment = { DATABASE_URL, AUTO_MIGRATE: 'true' };
    const results = await runAll([...COMMANDS, ...DB_COMMANDS], (args) => manage(args, { environment }));
    for (const { line, code, stdout, stderr } of results) {
      t.strictSame({ code, stdout, stderr }, { code: 1, stdout: '', stderr: `manage: ${missing}` }, line);
    }
  });

  t.test('A service with AUTO_MIGRATE=false does the same', async (t) => {
    const { code, stdout, stderr } = await runServer({ DATABASE_URL, AUTO_MIGRATE: 'false' });
    t.strictSame({ code, stdout, stderr }, { code: 1, stdout: '', stderr: `rollcall: ${missing}` });
  });

  t.test('A file that is empty is a database without tables, and stays empty', async (t) => {
    const file = join(makeFolder(t), 'empty.db');
    writeFileSync(file, '');
    const { code, stderr } = await manage(['user', 'list'], {
      environment: { DATABASE_URL: `sqlite:${file}` },
    });
    t.match(
      { code, stderr },
      { code: 1, stderr: /^manage: The database is behind the code by \d+ migrations/ },
    );
    t.equal(statSync(file).size, 0);
  });

  t.test('db upgrade to a target that there is not makes none, either', async (t) => {
    for (const target of ['0999', '+99', 'nonsense']) {
      const { code, stderr } = await manage(['db', 'upgrade', target], { environment: { DATABASE_URL } });
      t.match(
        { code, stderr },
        { code: 1, stderr: /^manage: (There is no migration|\+99 can't be applied)/ },
      );
    }
  });

  t.test('Nothing was created', async (t) => t.strictSame(readdirSync(folder), []));

  t.test('db upgrade creates it, and says which migrations it applied', async (t) => {
    const result = await manage(['db', 'upgrade'], { environment: { DATABASE_URL } });
    t.match(result, { code: 0, stdout: /^applied 0000_first\n/, stderr: '' });
    t.ok(existsSync(join(folder, 'nope/deep/typo.db')));
  });
});

test('A folder that can not be created ends with one line', {
  skip: !existsSync('/proc/self'),
}, async (t) => {
  const environment = { DATABASE_URL: 'sqlite:/proc/x/y.db', WORKERS: '1' };
  const results = {
    'db upgrade': await manage(['db', 'upgrade'], { environment }),
    'the service': await runServer(environment),
    'user list': await manage(['user', 'list'], { environment }),
    secret: await manage(['secret', '/proc/x/secret.key'], { environment }),
  };
  for (const [what, { code, stdout, stderr }] of Object.entries(results)) {
    t.strictSame({ code, stdout }, { code: 1, stdout: '' }, what);
    t.match(stderr, /^(manage|rollcall): .*\/proc\/x.*\n$/, what);
  }
});

onEachEngine('Commands do not migrate a database of an earlier version', async (t, { makeDatabase }) => {
  const project = new ProjectCopy(t);
  project.addMigration('0001_next', ['CREATE TABLE next (id int)'], ['DROP TABLE next']);
  const url = await makeDatabase(t);
  await project.migrate(url, 'upgrade', '0001');
  await project.migrate(url, 'downgrade', '-1');
  const before = [await schemaOf(url), await rowsOf(url)];

  const environment = { DATABASE_URL: url, AUTO_MIGRATE: 'true' };
  const results = await runAll(COMMANDS, (args) => manage(args, { environment, folder: project.folder }));
  for (const { line, code, stdout, stderr } of results) {
    t.strictSame({ code, stdout }, { code: 1, stdout: '' }, line);
    t.match(
      stderr,
      /^manage: The database is behind the code by a migration, the first being 0001_next\. .*"npm run manage -- db upgrade"\.\n$/,
      line,
    );
  }
  t.strictSame([await schemaOf(url), await rowsOf(url)], before, 'the database is as it was');
  t.match(await project.dbOutput(url, 'current'), ['0000_first', 'pending: 0001_next']);
});
