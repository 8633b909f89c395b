/**
 * A part can be left out as docs/blueprints.md says: without the files of API tokens, and one line in the list of tables, all else
 * type-checks, starts, describes itself and passes its tests.
 */
import { globSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { blocksOf } from '../support/page.ts';
import { copyProject, git, makeFolder, manageProcess, run, startServer } from '../support/processes.ts';

test('API tokens can be left out', async (t) => {
  const folder = copyProject(t);
  const page = readFileSync(join(folder, 'docs/blueprints.md'), 'utf8');
  const commands = blocksOf(page).find(({ mark }) => mark.endsWith('left-out.test.ts'))?.text ?? 'exit 1';
  const list = join(folder, 'db/schema/parts.ts');
  const countLines = () => readFileSync(list, 'utf8').match(/^.+$/gm)?.length ?? 0;
  const before = countLines();
  t.ok(globSync('{accounts,manage,plugins,routes}/**/tokens.ts', { cwd: folder }).length > 2);
  t.match(await run(folder, 'bash', ['-ec', commands]), { code: 0, stderr: '' });
  t.equal(countLines(), before - 1, 'one line goes');

  const environment = { DATABASE_URL: `sqlite:${join(folder, 'rollcall.db')}` };
  const command = (...args: string[]) => manageProcess(args, { folder, environment });
  const types = ['node_modules/typescript/bin/tsc', '--noEmit'];
  t.match(await run(folder, process.execPath, types, { deadline: 300_000 }), { code: 0, stdout: '' });

  await t.test('The service starts, and its description does not speak of them', async (t) => {
    const server = await startServer(t, { folder, environment: { ...environment, WORKERS: '1' } });
    const description = await (await fetch(`${server.url}/openapi.json`)).text();
    t.match(JSON.parse(description), { openapi: '3.1.0', paths: { '/api/users': {} } });
    t.notMatch(description, /API token|\/api\/tokens|"tokens?"/i);
    const refused = await fetch(`${server.url}/api/users`, { headers: { authorization: 'Bearer x' } });
    t.equal(refused.status, 401);
    t.equal(refused.headers.get('www-authenticate'), 'Cookie realm="rollcall", cookie-name="rollcall"');
    t.equal((await fetch(`${server.url}/api/tokens`)).status, 404);
    await server.stop();
  });

  await t.test('The tests that are left pass', { timeout: 900_000 }, async (t) => {
    const words = ['run', 'test:quick', '--', '--reporter=tap'];
    const { code, stdout } = await run(folder, 'npm', words, { deadline: 900_000 });
    t.equal(code, 0, (stdout.match(/^ *not ok .*$/gm) ?? []).join('\n'));
    t.match(stdout, /^# \{ total: \d{4,}, /m);
  });

  await t.test('db check names the table that stayed, and the migration that drops it runs', async (t) => {
    const sound = /^The migrations are sound\.\n$/;
    const stayed =
      /^Nothing uses the table tokens any more\. .*db revision NAME\nThe migrations are sound\.\n$/;
    t.match(await command('db', 'check'), { code: 0, stdout: stayed });
    t.match(await command('db', 'revision', 'drop_tokens'), { code: 0 });
    t.match(await command('db', 'upgrade'), { code: 1, stderr: /Data is lost by \d{4}_drop_tokens/ });
    t.match(await command('db', 'upgrade', '--yes'), { code: 0, stdout: /^applied \d{4}_drop_tokens\n$/ });
    t.match(await command('db', 'check'), { code: 0, stdout: sound });
    t.match(await command('db', 'downgrade', '-1', '--yes'), { code: 0 });
  });

  await t.test('A clone of what was committed makes a new database, without the table', async (t) => {
    const clone = join(makeFolder(t), 'clone');
    await git(folder, 'init', '-q');
    await git(folder, 'add', '-A');
    await git(folder, 'commit', '-qm', 'all');
    await git(folder, 'clone', '-q', '.', clone);
    symlinkSync(join(folder, 'node_modules'), join(clone, 'node_modules'));
    const files = [
      'test/bundles/db.test.ts',
      'test/accounts/same-by-command.test.ts',
      'test/routes/cost.test.ts',
    ];
    const { code, stdout } = await run(
      clone,
      'npx',
      ['tap', '--reporter=tap', '--test-env=TEST_ENGINE=sqlite', ...files],
      { deadline: 300_000 },
    );
    t.equal(code, 0, (stdout.match(/^ *not ok .*$/gm) ?? []).join('\n'));
  });
});
