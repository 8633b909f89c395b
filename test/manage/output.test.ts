/** A command whose output can't be written does what it was asked for and fails; what was made for a secret that can't be shown is taken back. */
import { commandsOn, fails, objects, succeeds } from '../support/commands.ts';
import { query } from '../support/database-content.ts';
import { onEachEngine } from '../support/engines.ts';
import { manage } from '../support/processes.ts';

const FULL = /^manage: Standard output could not be written: no space left\n$/;

const full = {
  write() {
    throw new Error('no space left');
  },
};

onEachEngine('Every command tells that its output can not be written', async (t, { makeDatabase }) => {
  const url = await makeDatabase(t);
  const environment = { DATABASE_URL: url };
  const command = commandsOn(url);
  const intoFull = (line: string) => manage(line.split(' '), { environment, stdout: full });

  fails(t, await intoFull('db upgrade'), FULL);
  succeeds(t, await command(['db', 'current']), /^\d{4}_/);
  t.match(await command(['user', 'create', 'ann', '--code']), { code: 0 });
  succeeds(t, await command(['group', 'create', 'writers']));

  for (const line of [
    '--help',
    'user --help',
    'db current',
    'db history',
    'db check',
    'secret',
    'user list',
    'user show ann',
    'user disable ann',
    'user enable ann',
    'group list',
    'group add writers ann',
    'audit list',
  ])
    fails(t, await intoFull(line), FULL);
  t.match(
    await command(['user', 'show', 'ann']),
    { stdout: /^group +writers/m },
    'they have done their work',
  );

  await t.test('What was made for a secret is taken back', async (t) => {
    const taken =
      /^the .+:\nIt was taken back\.\nmanage: Standard output could not be written: no space left\n$/s;
    const events = async () =>
      objects(await command(['audit', 'list', '--json', '--limit', '2'])).map((entry) =>
        JSON.stringify(entry),
      );
    for (const [line, entries] of [
      ['token create ann deploy', ['token-ended', 'token-created']],
      ['user code ann', ['code-withdrawn', 'code-issued']],
      ['user create bob --code', ['user-deleted']],
      ['user create bob --code --admin', ['user-deleted']],
    ] as const) {
      t.match(await intoFull(line), {
        code: 1,
        stdout: '',
        stderr: line.startsWith('user create') ? /back/ : taken,
      });
      const trail = await events();
      for (const [number, event] of entries.entries())
        t.match(trail[number], new RegExp(`"event":"${event}"`));
    }
    for (const table of ['tokens', 'codes']) t.same(await query(url, `SELECT * FROM ${table}`), [], table);
    fails(t, await command(['user', 'show', 'bob']), /There is no user "bob"/);
  });

  t.match(await manage(['user', 'list'], { environment, stdout: full, stderr: full }), { code: 1 });
});
