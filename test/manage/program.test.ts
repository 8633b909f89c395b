/** The commands as scripts use them: exit codes, one line for each error, and no partial effects. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { loadSettings } from '../../config/load.ts';
import { makeProgram } from '../../manage/program.ts';
import { fails, succeeds } from '../support/commands.ts';
import { openBeside } from '../support/files.ts';
import { makeFolder, manage, manageProcess, PROJECT, startServer } from '../support/processes.ts';

test('Commands report their result by exit code and output', async (t) => {
  const newPath = () => join(makeFolder(t), 'rollcall.db');
  const on = (path: string, more: Record<string, string> = {}) => ({
    environment: { DATABASE_URL: `sqlite:${path}`, ...more },
  });

  t.test('Every command describes itself and its options in its help', async (t) => {
    const commands = [await makeProgram()];
    const names: string[] = [];
    for (const command of commands) {
      commands.push(...command.commands);
      names.push(command.name());
      t.ok(command.description(), `${command.name()} has a description`);
      for (const { flags, description } of command.options) t.ok(description, `${command.name()} ${flags}`);
      t.match(command.helpInformation(), /--help/);
    }
    t.ok(names.length > 30, `all commands are found: ${names}`);
  });

  t.test('secret prints a valid SECRET_KEY', async (t) => {
    const made = await manage(['secret'], on(newPath()));
    succeeds(t, made, /^[\w-]{43}\n$/);
    const key = made.stdout.trimEnd();
    const environment = { NODE_ENV: 'production', SECRET_KEY: key };
    t.same(loadSettings({ root: PROJECT, environment }).SECRET_KEY, [key]);
  });

  t.test(
    'secret FILE writes a key that only its owner may read, and leaves a file that is there alone',
    async (t) => {
      const file = join(makeFolder(t), 'new', 'secret.key');
      succeeds(
        t,
        await manage(['secret', file], on(newPath())),
        /^The key is in .*secret\.key\. Set SECRET_KEY_FILE/,
      );
      t.equal(statSync(file).mode & 0o777, 0o600);
      const environment = { NODE_ENV: 'production', SECRET_KEY_FILE: file };
      t.match(loadSettings({ root: PROJECT, environment }).SECRET_KEY, [/^[\w-]{43}$/]);
      const before = readFileSync(file, 'utf8');
      fails(
        t,
        await manage(['secret', file], on(newPath())),
        /There is a file .*secret\.key already\. Name a new one\./,
      );
      t.equal(readFileSync(file, 'utf8'), before);
    },
  );

  t.test('db current shows the version of the schema, and db upgrade applies migrations', async (t) => {
    const path = newPath();
    const current = () => manage(['db', 'current'], on(path));
    const upgrade = () => manage(['db', 'upgrade'], on(path));
    fails(t, await current(), /There is no database at .*db upgrade/);
    succeeds(t, await upgrade(), /^applied 0000_first\n/);
    const [again, after] = await Promise.all([upgrade(), current()]);
    succeeds(t, again, /^(?!applied).+\n$/);
    succeeds(t, after, /^0\d{3}_\w+\n$/);
  });

  t.test('A command with invalid arguments exits with 1 and one line', async (t) => {
    const path = newPath();
    const wrong: [string[], RegExp][] = [
      [['frob'], /unknown command 'frob'/],
      [['user', 'create'], /missing required argument 'name'/],
      [['user', 'list', '--frob'], /unknown option '--frob'/],
      [['user', 'list', '--q', ''], /^manage: The beginning "" must not be empty\.\n$/],
      [
        ['group', 'create', 'Writers'],
        /^manage: The name "Writers" must be a name of lower-case letters.*\n$/,
      ],
      [
        ['group', 'create', 'writers', '--permission', 'users:read', 'users'],
        /^manage: The permission "users" must be a permission, such as .*\n$/,
      ],
      [['session', 'end', 'bob', 'laptop'], /^manage: The id "laptop" must be an id, such as .*\n$/],
      [
        ['audit', 'list', '--from', 'yesterday'],
        /^manage: The time "yesterday" must be a time that there is, such as .*\n$/,
      ],
      [['audit', 'list', '--limit', '0'], /^manage: The limit "0" must be at least 1\.\n$/],
      ...['1e3', '0x2', ' 2', '-1', ''].map((limit): [string[], RegExp] => [
        ['audit', 'list', `--limit=${limit}`],
        /^manage: The limit ".*" must be a whole number\.\n$/,
      ]),
      [['db', 'upgrade', '\u001b[31m'], /^manage: There is no migration \\u001b\[31m\. /],
    ];
    const results = await Promise.all(wrong.map(([args]) => manage(args, on(path))));
    for (const [index, result] of results.entries()) fails(t, result, wrong[index]?.[1] ?? /./);
    t.notOk(existsSync(path), 'no database is created');
  });

  t.test('A command with invalid settings exits with 1 and one line for each', async (t) => {
    const path = newPath();
    const result = await manage(['db', 'upgrade'], on(path, { PORT: 'x', WORKERS: 'y' }));
    fails(t, result, /^manage: PORT is "x" .*\n(manage: )?WORKERS is "y".*\n$/);
    t.notOk(existsSync(path), 'no database is created');
  });

  t.test('The user commands exit with 1 while migrations are pending', async (t) => {
    const path = newPath();
    succeeds(t, await manage(['db', 'upgrade', '0000'], on(path)));
    const result = await manage(['user', 'list'], on(path));
    fails(t, result, /^manage: .*behind the code .*"npm run manage -- db upgrade"/);
  });

  t.test('Two concurrent db upgrade commands apply each migration once', async (t) => {
    const path = newPath();
    const upgrades = await Promise.all([1, 2].map(() => manageProcess(['db', 'upgrade'], on(path))));
    for (const each of upgrades) succeeds(t, each);
    const output = upgrades.map(({ stdout }) => stdout).join('');
    t.equal(output.match(/^applied 0000_first$/gm)?.length, 1, 'one of them reports it');
    assertAppliedOnce(t, path);
  });

  t.test('Services that start together on an empty database apply each migration once', async (t) => {
    const path = newPath();
    const environment = { DATABASE_URL: `sqlite:${path}`, WORKERS: '1', LOG_LEVEL: 'warn' };
    const servers = await Promise.all([1, 2, 3, 4].map(() => startServer(t, { environment })));
    assertAppliedOnce(t, path);
    const migrated = servers.filter(({ output }) => output.stdout.includes('brought up to date by'));
    t.equal(migrated.length, 1, 'one of them reports it');
    for (const { url, output } of servers) {
      t.equal((await fetch(`${url}/api/users`)).status, 401);
      t.equal(output.stderr, '');
    }
  });
});

/** Checks that the database records each migration once. */
function assertAppliedOnce(t: Test, path: string): void {
  const rows = openBeside(t, path)
    .prepare<[], { hash: string }>('SELECT hash FROM __drizzle_migrations')
    .all();
  t.ok(rows.length > 0);
  t.equal(new Set(rows.map(({ hash }) => hash)).size, rows.length);
}
