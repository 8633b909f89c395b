/**
 * The commands that create and list users. A password is read from standard input or from a terminal that does not show it.
 * A failed command creates nothing.
 */
import type { Test } from 'tap';
import { makeHashing } from '../../accounts/passwords/hashing.ts';
import { loadSettings } from '../../config/load.ts';
import { openEngine, prepareQueries } from '../../db/database.ts';
import { PASSWORD } from '../support/api.ts';
import { fails } from '../support/commands.ts';
import { onEachEngine } from '../support/engines.ts';
import { manage, PROJECT } from '../support/processes.ts';
import { Running } from '../support/running.ts';

onEachEngine('Commands create and list users', async (t, { makeDatabase }) => {
  const environment = { DATABASE_URL: await makeDatabase(t) };
  t.equal((await manage(['db', 'upgrade'], { environment })).code, 0);
  const create = (name: string, more: string[], input: string | Uint8Array = '') =>
    manage(['user', 'create', name, ...more], { environment, input });
  const list = async (...more: string[]) => {
    const { code, stdout } = await manage(['user', 'list', ...more], { environment });
    return { code, lines: stdout.split('\n').slice(0, -1) };
  };
  /** Reads the user and their permissions directly from the database. */
  const readUser = async (t: Test, name: string) => {
    const engine = await openEngine(loadSettings({ root: import.meta.dirname, environment }));
    t.teardown(() => engine.close());
    const db = prepareQueries(engine);
    const user = await db.users.findCredentials(name);
    if (!user) return undefined;
    const known = await (await makeHashing()).verify(user.passwordHash, PASSWORD);
    const group = await db.groups.findByName('admins');
    const role = group && (await db.memberships.role(group.id, user.id));
    return { active: user.active, known, permissions: role ? group.permissions : [] };
  };

  await t.test('user create --admin creates an administrator', async (t) => {
    const { code, stdout, stderr } = await create('Ann', ['--admin', '--password-stdin'], `${PASSWORD}\n`);
    t.equal(code, 0, stderr);
    t.match(stdout, /^created Ann, an administrator \([0-9a-f-]{36}\)\n$/);
    t.same(
      await readUser(t, 'ann'),
      { active: true, known: true, permissions: ['*'] },
      'the newline is not part of the password',
    );
  });

  await t.test('user create creates a user without permissions', async (t) => {
    const { code, stdout } = await create('bob', ['--password-stdin'], PASSWORD);
    t.equal(code, 0);
    t.match(stdout, /^created bob \(/);
    t.same(await readUser(t, 'bob'), { active: true, known: true, permissions: [] });
  });

  await t.test(
    'user create with an invalid value exits with 1 and one line without the password',
    async (t) => {
      const fromStdin = ['--password-stdin'];
      const wrong: { name: string; more: string[]; input: string | Uint8Array; says: RegExp }[] = [
        { name: 'ＡＮＮ', more: fromStdin, input: PASSWORD, says: /a user of the name ＡＮＮ already/ },
        {
          name: 'ann@example.org',
          more: fromStdin,
          input: PASSWORD,
          says: /The name "ann@example.org" must be a name without spaces, invisible characters/,
        },
        { name: 'cem', more: fromStdin, input: 'short77', says: /The password .*8/ },
        {
          name: 'cem',
          more: fromStdin,
          input: Buffer.from('pässword of cem', 'latin1'),
          says: /The password on standard input is not text in UTF-8/,
        },
        { name: 'c\uFFFDm', more: fromStdin, input: PASSWORD, says: /An argument is not text in UTF-8/ },
        { name: 'cem', more: [], input: PASSWORD, says: /no terminal .*--password-stdin/ },
        {
          name: 'cem',
          more: ['--code', '--email', 'cem'],
          input: '',
          says: /"cem" must be an e-mail address/,
        },
        { name: 'cem', more: ['--code', '--name', 'C\nM'], input: '', says: /"C\\nM" must be text without/ },
      ];
      const results = await Promise.all(wrong.map(({ name, more, input }) => create(name, more, input)));
      for (const [index, { code, stdout, stderr }] of results.entries()) {
        const { says = /./, input = '' } = wrong[index] ?? {};
        t.equal(code, 1, 'the exit code');
        t.equal(stdout, '');
        t.match(stderr, new RegExp(`^manage: .*${says.source}.*\\n$`));
        t.equal(stderr.split('\n').length, 2, 'one line');
        t.notOk(input !== '' && stderr.includes(String(input)));
      }
    },
  );

  await t.test('user create and group create tell all that is invalid or taken, a line each', async (t) => {
    const twin = ['--email', 'bob@example.org', '--code'];
    await create('bea', twin);
    const told: [string[], string[]][] = [
      [
        ['user', 'create', 'c m', '--email', 'nomail', '--code'],
        [
          'The name "c m" must be a name without spaces, invisible characters and any of @ / \\ ? # %, and not . or ...',
          'The e-mail address "nomail" must be an e-mail address.',
        ],
      ],
      [
        ['user', 'create', 'ANN', ...twin],
        [
          'There is a user of the name ANN already.',
          'There is a user of the e-mail address bob@example.org already.',
        ],
      ],
      [
        ['group', 'create', 'Readers', '--title', 'x'.repeat(201), '--permission', 'all', 'a:b', 'some'],
        [
          'must be a name of lower-case letters',
          'must be at most 200 characters long.',
          'The permission "all" must be a permission',
          'The permission "some" must be a permission',
        ],
      ],
      [['group', 'create', ''], ['The name "" must not be empty.']],
    ];
    for (const [args, lines] of told) {
      const { code, stderr } = await manage(args, { environment });
      t.equal(code, 1);
      t.equal(stderr.split('\n').length - 1, lines.length, stderr);
      for (const [index, line] of lines.entries()) t.match(stderr.split('\n')[index], line);
    }
    await manage(['user', 'delete', 'bea'], { environment });
  });

  await t.test('user create rejects --code together with --password-stdin', async (t) => {
    fails(
      t,
      await create('cem', ['--code', '--password-stdin'], PASSWORD),
      /--code.* cannot be used with .*stdin/,
    );
  });

  await t.test('A command for an unknown user or group exits with 1 and names it in one line', async (t) => {
    const wrong: [string[], string][] = [
      [['user', 'show', 'unknown'], 'There is no user "unknown"'],
      [['user', 'password', 'un\nknown', '--password-stdin'], 'There is no user "un\\nknown"'],
      [['group', 'add', 'unknown', 'ann'], 'There is no group "unknown"'],
      [['session', 'list', 'unknown@example.org'], 'There is no user "unknown@example.org"'],
    ];
    const results = await Promise.all(wrong.map(([args]) => manage(args, { environment })));
    for (const [index, { code, stdout, stderr }] of results.entries()) {
      t.equal(code, 1);
      t.equal(stdout, '');
      t.ok(stderr.startsWith(`manage: ${wrong[index]?.[1]}.`), stderr);
      t.equal(stderr.split('\n').length, 2, 'one line');
    }
  });

  await t.test('user list lists users in the order of creation', async (t) => {
    const [{ code, lines }, json] = await Promise.all([list(), list('--json')]);
    t.equal(code, 0);
    t.match(lines, [/^[0-9a-f-]{36} {2}active {4}Ann$/, /^[0-9a-f-]{36} {2}active {4}bob$/]);
    t.equal(lines.length, 2, 'no other user is listed');
    const users = json.lines.map((line): unknown => JSON.parse(line));
    t.match(users, [
      {
        id: /^[0-9a-f-]{36}$/,
        username: 'Ann',
        active: true,
        email: null,
        createdAt: /Z$/,
        lastSignInAt: null,
      },
      { username: 'bob' },
    ]);
    t.notMatch(json.lines.join(), /argon2|password/i);
  });

  await t.test('user create prompts for the password twice and does not show it', async (t) => {
    const terminal = (name: string) => {
      const command = `"${process.execPath}" manage.ts user create ${name}`;
      const args = ['--quiet', '--return', '--command', command, '/dev/null'];
      const running = new Running(PROJECT, 'script', args, { ...environment, TERM: 'xterm' }, 'pipe');
      t.teardown(() => running.kill());
      return running;
    };
    const type = async (running: Running, prompt: string, password: string) => {
      await running.says(prompt, (stdout) => stdout.includes(prompt) || undefined);
      running.child.stdin?.write(`${password}\r`);
    };
    const [right, wrong] = [terminal('dan'), terminal('eve')];
    await Promise.all([
      type(right, 'Password', PASSWORD).then(() => type(right, 'The same again', PASSWORD)),
      type(wrong, 'Password', PASSWORD).then(() => type(wrong, 'The same again', 'another one')),
    ]);
    t.equal((await right.exit).code, 0, right.output.stdout);
    t.equal((await wrong.exit).code, 1, wrong.output.stdout);
    t.match(wrong.output.stdout, /The two passwords differ/);
    for (const { output } of [right, wrong]) t.notOk(output.stdout.includes(PASSWORD), output.stdout);
    t.same(await readUser(t, 'dan'), { active: true, known: true, permissions: [] });
    t.equal(await readUser(t, 'eve'), undefined);
  });
});
